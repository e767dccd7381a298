"""newsboat."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.interop.conftest import PICTURE, Served

pytestmark = pytest.mark.skipif(shutil.which("newsboat") is None, reason="newsboat is not installed")


def reload(folder: Path, *addresses: str) -> dict[str, str]:
    """Lets newsboat read the feeds; returns guid → title of everything in its cache."""
    (folder / "urls").write_text("".join(f"{address}\n" for address in addresses))
    (folder / "config").write_text("")
    command = ["newsboat", "-u", str(folder / "urls"), "-c", str(folder / "cache"), "-C", str(folder / "config"), "-x", "reload"]
    environment = {**os.environ, "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    subprocess.run(command, check=True, timeout=60, env=environment, stdout=subprocess.DEVNULL)
    with sqlite3.connect(folder / "cache") as cache:
        return dict(cache.execute("SELECT guid, title FROM rss_item"))


@pytest.mark.parametrize("format", ["atom", "rss", "json"])
def test_each_story_once(tmp_path: Path, served: Served, format: str) -> None:
    folder = tmp_path / "newsboat"
    folder.mkdir()
    address = f"{served.url}/feeds/all.{format}"
    first = reload(folder, address)
    if format == "json" and not first:
        pytest.skip("this newsboat reads no JSON Feed")
    assert set(first) == {f"urn:uuid:{story}" for story in served.stories}
    assert reload(folder, address) == first
    served.edit("Rewritten & improved")
    served.add()
    after = reload(folder, address)
    assert len(after) == len(first) + 1
    assert after[f"urn:uuid:{served.stories[-2]}"] in ("Rewritten & improved", first[f"urn:uuid:{served.stories[-2]}"])


@pytest.mark.parametrize("served", ["global", "per-feed"], indirect=True)
def test_a_story_in_two_feeds_is_kept_in_both_where_ids_are_those_of_the_feed(
    tmp_path: Path, served: Served, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "newsboat"
    folder.mkdir()
    addresses = [f"{served.url}/feeds/{slug}.atom" for slug in ("all", "ukraine")]
    reload(folder, *addresses)
    with sqlite3.connect(folder / "cache") as cache:
        kept = dict(cache.execute("SELECT feedurl, count(*) FROM rss_item GROUP BY feedurl"))
    per_feed = request.node.callspec.params["served"] == "per-feed"
    assert sum(kept.values()) == (10 if per_feed else 5)
    assert len(kept) == 2 if per_feed else len(kept) <= 2


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_it_shows_who_says_it_and_who_else(tmp_path: Path, served: Served, format: str) -> None:
    folder = tmp_path / "newsboat"
    folder.mkdir()
    reload(folder, f"{served.url}/feeds/all.{format}")
    with sqlite3.connect(folder / "cache") as cache:
        shown = dict(cache.execute("SELECT author, content FROM rss_item WHERE guid = ?", (f"urn:uuid:{served.stories[0]}",)))
    assert list(shown) == ["Ann Writer, Wire"]
    assert ">The Daily: Allies weigh step 101 &amp; more</a>" in shown["Ann Writer, Wire"]
    assert f"/stories/{served.stories[0]}.html" in shown["Ann Writer, Wire"]


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_it_shows_the_picture(tmp_path: Path, served: Served, format: str) -> None:
    folder = tmp_path / "newsboat"
    folder.mkdir()
    reload(folder, f"{served.url}/feeds/all.{format}")
    with sqlite3.connect(folder / "cache") as cache:
        ((content,),) = cache.execute("SELECT content FROM rss_item WHERE guid = ?", (f"urn:uuid:{served.stories[1]}",))
    assert f'src="{PICTURE}"' in content

"""The published folder as a site of its own, and the daemon below a path: every link that leads into the site leads somewhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin
from aggregator.publish.pages.pages import as_file
from aggregator.publish.site.ownership import MARKER
from tests.flow.command import eventually, get
from tests.flow.conftest import Newsdesk, newsdesk
from tests.flow.crawler import Crawl, proxy, static_host

NEWS = "https://me.example/news"
STARTS = ("/", "/index.html", "/opml.xml", "/health.atom")


def edit(desk: Newsdesk, site: str) -> Newsdesk:
    """Another address, and feeds so small that they have archives."""
    config = desk.command.config
    text = re.sub(r"(?m)^(  url: ).*$", f"  url: '{site}'", config.read_text(), count=1)
    assert site in text
    config.write_text(re.sub(r"items: \d+", "items: 5", text))
    return desk


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, shared_origin: Origin) -> Iterator[Newsdesk]:
    desk = edit(newsdesk(tmp_path_factory.mktemp("site"), shared_origin), NEWS)
    desk.command.run("poll", "--all")
    shared_origin.advance(1_760_090_000.0)
    desk.command.run("poll", "--all")
    yield desk


def check(crawl: Crawl, desk: Newsdesk) -> None:
    assert crawl.broken == []
    paths = crawl.paths()
    stories = {path for path in paths if path.startswith("/stories/")}
    feeds = {f"/feeds/all{page}.{format}" for page in ("", "/1") for format in ("atom", "rss", "json")}
    assert {"/topics/all.html", *feeds} <= paths
    assert len(stories) == len(list((desk.public / "stories").iterdir())) > 20, "each story's page is linked from somewhere"


@pytest.mark.parametrize("path", ["", "/news", "/deep/er"])
def test_a_static_host_serves_the_folder_as_it_is(published: Newsdesk, tmp_path: Path, path: str) -> None:
    """At the top of a host, at the path of `site.url`, and elsewhere (a preview)."""
    shutil.copytree(published.public, tmp_path / path.strip("/"), dirs_exist_ok=True)
    with static_host(tmp_path) as host:
        check(Crawl(host + path, NEWS, daemon=False).run(*STARTS, "/topics/all"), published)


@pytest.mark.parametrize("strips", [True, False], ids=["stripping", "passing-on"])
def test_the_daemon_serves_below_a_path_whether_a_proxy_strips_it_or_not(published: Newsdesk, strips: bool) -> None:
    with published.command.daemon(published.port) as process:
        daemon = f"http://127.0.0.1:{published.port}"
        eventually(lambda: get(daemon + "/topics/all").status == 200, process, published.directory / "log")
        with proxy(daemon, "/news", strips=strips) as host:
            check(Crawl(host + "/news", NEWS).run(*STARTS, "/topics/all", "/feeds/all/1.atom"), published)
            assert as_file(get(host + "/news/topics/all").body) == (published.public / "topics/all.html").read_bytes()
        check(Crawl(daemon, NEWS).run(*STARTS), published)


def test_an_export_is_the_site_to_the_byte(published: Newsdesk, tmp_path: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return {name: body for name, body in found.items() if name != MARKER}

    published.command.run("export", str(tmp_path / "copy"))
    assert files(tmp_path / "copy") == files(published.public)
    with static_host(tmp_path / "copy") as host:
        check(Crawl(host, NEWS, daemon=False).run(*STARTS), published)

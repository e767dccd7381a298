"""node's rss-parser, which many web readers are made with."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.interop.conftest import Served

SCRIPT = """
const Parser = require("rss-parser");
const failed = error => { console.error(error); process.exit(1); };
new Parser().parseURL(process.argv[1]).then(feed => console.log(JSON.stringify(feed)), failed);
"""


def parsed(address: str) -> dict[str, object]:
    if shutil.which("node") is None or subprocess.run(["node", "-e", 'require("rss-parser")'], capture_output=True).returncode:
        pytest.skip("node with rss-parser is not installed (npm install -g rss-parser; NODE_PATH)")
    done = subprocess.run(["node", "-e", SCRIPT, address], check=True, capture_output=True, timeout=60)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("format", ["atom", "rss"])
def test_each_story_once(served: Served, format: str) -> None:
    feed = parsed(f"{served.url}/feeds/all.{format}")
    assert feed["title"] == "All stories"
    items = feed["items"]
    assert isinstance(items, list)
    key = "guid" if format == "rss" else "id"
    assert [one[key] for one in items] == [f"urn:uuid:{story}" for story in reversed(served.stories)]
    assert items[0]["title"] == "Allies weigh step 5 & more"
    assert items[0]["link"] == "https://wire.example/articles/5?lang=en&page=1"

"""The demo's origin behaves as sites do: validators, 304, gzip, a moved feed, a page in place of a feed."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from aggregator.commands import demo
from aggregator.demo.origin import Origin, serving
from aggregator.errors import AggregatorError

START = 1_700_000_000.0


@pytest.fixture
def origin() -> Iterator[Origin]:
    with serving(0, START) as origin:
        yield origin


@pytest.fixture
def client(origin: Origin) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{origin.place.port}", trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/northwire/all.xml", "/harbourpost/world.xml", "/harbourpost/politics.xml", "/meridian/headlines.rdf"]
)
def test_what_it_gave_is_not_sent_again(client: httpx.Client, path: str) -> None:
    first = client.get(path)
    asked = {}
    if "etag" in first.headers:
        asked["If-None-Match"] = first.headers["etag"]
    if "last-modified" in first.headers:
        asked["If-Modified-Since"] = first.headers["last-modified"]
    assert asked
    again = client.get(path, headers=asked)
    assert (again.status_code, again.content) == (304, b"")


def test_an_etag_it_never_gave_gets_the_whole_feed(client: httpx.Client) -> None:
    assert client.get("/northwire/all.xml", headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_day_passes_once(client: httpx.Client) -> None:
    before = client.get("/northwire/all.xml")
    changed = client.post("/advance").json()["changed"]
    assert "Northwire" in changed and "Harbour Post: Politics" not in changed
    after = client.get("/northwire/all.xml", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200 and "ammunition plan" in after.text
    assert client.post("/advance").json()["changed"] == []


def test_an_old_address_redirects_for_good(client: httpx.Client) -> None:
    moved = client.get("/lindentor/rss.php")
    assert (moved.status_code, moved.headers["location"]) == (301, "/lindentor/aktuell.xml")


def test_a_page_stands_where_a_feed_was(client: httpx.Client) -> None:
    page = client.get("/gazette/feed.xml")
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    assert 'rel="alternate"' in page.text


def test_articles_can_be_opened(client: httpx.Client, origin: Origin) -> None:
    path, host = "/2023/06/15/nato-ukraine", f"kestreldaily.localhost:{origin.place.port}"
    assert "NATO weighs closer ties with Ukraine" in client.get(path, headers={"Host": host}).text
    assert client.get("/2023/06/15/nothing", headers={"Host": host}).status_code == 404


def test_a_port_in_use_is_told_in_words(origin: Origin) -> None:
    with pytest.raises(AggregatorError, match="choose another with --port"), serving(origin.place.port, START):
        pass


def test_a_taken_port_of_the_daemon_is_told_before_what_to_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = CliRunner().invoke(demo.command, ["--port", str(port)])
    assert told.output == ""
    assert isinstance(told.exception, AggregatorError)
    assert f"port {port} can't be used" in str(told.exception) and "--port" in str(told.exception)


def test_who_lets_a_day_pass_is_told_in_which_demo() -> None:
    with serving(0, START, reader="/tmp/my-demo") as origin:
        port = str(origin.place.port - 1)
        for words in ("A day has passed", "The second day has come already"):
            told = CliRunner().invoke(demo.command, ["--advance", "--port", port], catch_exceptions=False).output
            assert told.startswith(f"{words} in the demo at http://127.0.0.1:{port}/, in /tmp/my-demo.")


def test_where_no_demo_runs_the_port_is_the_one_that_was_typed() -> None:
    told = CliRunner().invoke(demo.command, ["--advance", "--port", "9"]).exception
    assert isinstance(told, AggregatorError)
    assert "no demo runs on port 9: " in str(told) and "demo --port 9`" in str(told)

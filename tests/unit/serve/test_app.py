"""HTTP behaviour that readers, caches, and strangers see."""

from __future__ import annotations

import base64
import gzip

import brotli
import pytest
from starlette.types import ASGIApp

from aggregator.errors import AggregatorError
from aggregator.publish.shelf import GONE, Knows, Moved, Prepared, Shelf
from aggregator.serve.app import make_app
from tests.unit.serve.asking import ask

BODY = b"<feed>" + b"<entry/>" * 200 + b"</feed>"
ATOM = "application/atom+xml; charset=utf-8"


@pytest.fixture
def shelf() -> Shelf:
    made = Shelf()
    made.put("/feeds/all.atom", Prepared(ATOM, BODY, 1_686_830_400, "public, max-age=300"))
    made.put("/feeds/desk.atom", Prepared(ATOM, BODY, 1_686_830_400, "private, max-age=300", token="let-me-in"))
    made.put("/feeds/all.rss", Prepared("application/rss+xml; charset=utf-8", BODY, 1_686_830_400, "public, max-age=300"))
    made.put("/feeds/all.html", Prepared("text/html; charset=utf-8", b"<!doctype html>subscribe", 1, "no-cache"))
    made.put("/index.html", Prepared("text/html; charset=utf-8", b"<!doctype html>", 1, "public, max-age=300"))
    was = {f"/feeds/was.{end}": Moved(f"https://news.example.org/feeds/is.{end}") for end in ("atom", "html")}
    made.put_away({"/feeds/old.atom": GONE, "/feeds/old.html": GONE, **was})
    return made


@pytest.fixture
def app(shelf: Shelf) -> ASGIApp:
    return make_app(shelf, ready=lambda: (True, {"sources": 3}), metrics=lambda: b"polls_total 1\n")


def test_a_feed_with_all_its_headers(app: ASGIApp) -> None:
    got = ask(app, "/feeds/all.atom")
    assert (got.status, got.body) == (200, BODY)
    assert got.headers["content-type"] == ATOM
    assert got.headers["content-length"] == str(len(BODY))
    assert got.headers["last-modified"] == "Thu, 15 Jun 2023 12:00:00 GMT"
    assert got.headers["cache-control"] == "public, max-age=300"
    assert got.headers["vary"] == "Accept-Encoding"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["access-control-allow-origin"] == "*"


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def test_a_feed_without_a_suffix_is_a_page_for_browsers_and_the_feed_for_readers(app: ASGIApp) -> None:
    page = ask(app, "/feeds/all", accept=BROWSER)
    feed = ask(app, "/feeds/all", accept="*/*")
    rss = ask(app, "/feeds/all", accept="application/rss+xml, text/html")
    assert (page.status, page.headers["content-type"], page.headers["content-location"]) == (
        200,
        "text/html; charset=utf-8",
        "all.html",
    )
    assert (feed.status, feed.headers["content-type"], feed.headers["content-location"]) == (200, ATOM, "all.atom")
    assert rss.headers["content-location"] == "all.rss" and feed.body == BODY
    assert {one.headers["vary"] for one in (page, feed, rss)} == {"Accept-Encoding, Accept"}
    again = ask(app, "/feeds/all", accept=BROWSER, if_none_match=page.headers["etag"])
    assert (again.status, again.headers["vary"]) == (304, "Accept-Encoding, Accept")
    assert ask(app, "/feeds/all", accept="*/*", if_none_match=page.headers["etag"]).status == 200


@pytest.mark.parametrize("accept", [BROWSER, "text/html", "*/*", ""])
def test_a_feeds_own_address_is_the_feed_whoever_asks(app: ASGIApp, accept: str) -> None:
    got = ask(app, "/feeds/all.atom", accept=accept)
    assert (got.headers["content-type"], got.headers["vary"], got.body) == (ATOM, "Accept-Encoding", BODY)


@pytest.mark.parametrize("accept", [BROWSER, "*/*"])
def test_without_a_suffix_a_private_feed_is_as_unknown_as_with_one(app: ASGIApp, accept: str) -> None:
    unknown = ask(app, "/feeds/nothing", accept=accept)
    private = ask(app, "/feeds/desk", accept=accept)
    assert unknown.status == 404 and (private.status, private.headers, private.body) == (404, unknown.headers, unknown.body)
    opened = ask(app, "/feeds/desk?token=let-me-in", accept=accept)
    assert (opened.status, opened.headers["content-type"], opened.body) == (200, ATOM, BODY)
    assert opened.headers["vary"] == "Accept-Encoding, Authorization, Accept"


def test_without_a_suffix_a_feed_that_was_renamed_or_has_ended_says_so(app: ASGIApp) -> None:
    for accept, end in ((BROWSER, "html"), ("*/*", "atom")):
        moved = ask(app, "/feeds/was", accept=accept)
        assert (moved.status, moved.headers["location"]) == (301, f"https://news.example.org/feeds/is.{end}")
        assert moved.headers["vary"] == "Accept"
        assert ask(app, "/feeds/old", accept=accept).status == 410


def test_each_coding_has_a_validator_of_its_own(app: ASGIApp) -> None:
    plain = ask(app, "/feeds/all.atom")
    packed = ask(app, "/feeds/all.atom", accept_encoding="gzip")
    smallest = ask(app, "/feeds/all.atom", accept_encoding="gzip, br")
    assert gzip.decompress(packed.body) == brotli.decompress(smallest.body) == plain.body
    assert len({one.headers["etag"] for one in (plain, packed, smallest)}) == 3
    again = ask(app, "/feeds/all.atom", accept_encoding="gzip", if_none_match=packed.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    for name in ("etag", "cache-control", "vary", "last-modified"):
        assert again.headers[name] == packed.headers[name]
    assert "content-length" not in again.headers


def test_head_is_get_without_the_body(app: ASGIApp) -> None:
    get, head = ask(app, "/feeds/all.atom"), ask(app, "/feeds/all.atom", "HEAD")
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW"])
def test_other_methods_are_refused_by_name(app: ASGIApp, method: str) -> None:
    got = ask(app, "/feeds/all.atom", method, b"x=1")
    assert got.status == 405
    assert got.headers["allow"] == "GET, HEAD, OPTIONS"
    assert got.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/feeds/none.atom", 404), ("/feeds/old.atom", 410), ("/nothing", 404), ("/feeds/../etc/passwd", 404), ("/feeds/", 404)],
)
def test_what_is_not_there(app: ASGIApp, path: str, status: int) -> None:
    got = ask(app, path)
    assert got.status == status
    assert got.headers["content-type"] == "text/plain; charset=utf-8"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert "passwd" not in got.body.decode()


def test_what_was_renamed_is_found(app: ASGIApp) -> None:
    got = ask(app, "/feeds/was.atom")
    assert (got.status, got.headers["location"]) == (301, "https://news.example.org/feeds/is.atom")


@pytest.mark.parametrize(
    ("target", "authorization", "status"),
    [
        ("/feeds/desk.atom", "", 404),
        ("/feeds/desk.atom?token=wrong", "", 404),
        ("/feeds/desk.atom?token=let-me-in", "", 200),
        ("/feeds/desk.atom?token=let%2Dme-in", "", 200),
        ("/feeds/desk.atom", "Basic " + base64.b64encode(b"anyone:let-me-in").decode(), 200),
        ("/feeds/desk.atom", "Basic " + base64.b64encode(b"let-me-in:").decode(), 404),
        ("/feeds/desk.atom", "Basic !!!", 404),
        ("/feeds/desk.atom", "Basic \xff", 404),
        ("/feeds/desk.atom?" + "token=a&" * 200, "", 404),
        ("/feeds/desk.atom?" + "a=b&" * 200 + "token=let-me-in", "", 200),
        ("/feeds/desk.atom", "Bearer let-me-in", 404),
    ],
)
def test_a_private_feed_answers_its_token_alone(app: ASGIApp, target: str, authorization: str, status: int) -> None:
    got = ask(app, target, authorization=authorization)
    assert got.status == status
    assert "access-control-allow-origin" not in got.headers
    if status == 200:
        assert got.headers["cache-control"] == "private, max-age=300"
        assert got.headers["vary"] == "Accept-Encoding, Authorization"
    else:
        assert got.body == ask(app, "/feeds/none.atom").body


@pytest.mark.parametrize("host", ["", "a b/c", "evil.example/x"])
def test_a_request_needs_one_good_host(app: ASGIApp, host: str) -> None:
    assert ask(app, "/feeds/all.atom", host=host).status == 400


def test_a_long_query_is_refused(app: ASGIApp) -> None:
    assert ask(app, "/feeds/all.atom?x=" + "a" * 3000).status == 414


def test_what_the_service_says_of_itself(app: ASGIApp, shelf: Shelf) -> None:
    assert ask(app, "/healthz").body == b"ok\n"
    assert ask(app, "/readyz").body == b'{"ready":true,"sources":3}'
    assert ask(app, "/metrics").body == b"polls_total 1\n"
    assert "no-store" in ask(app, "/metrics").headers["cache-control"]
    ill = make_app(shelf, ready=lambda: (False, {}))
    assert ask(ill, "/readyz").status == 503


def test_a_store_that_can_not_be_read_is_told_as_such(app: ASGIApp, shelf: Shelf) -> None:
    def fail(path: str, knows: Knows) -> None:
        raise AggregatorError("the database is locked")

    shelf.on_demand = fail
    assert ask(app, "/stories/x").status == 503


def test_a_change_on_the_shelf_is_seen_at_once(app: ASGIApp, shelf: Shelf) -> None:
    old = ask(app, "/feeds/all.atom").headers["etag"]
    shelf.put("/feeds/all.atom", Prepared(ATOM, BODY + b" ", 1_686_830_401, "public, max-age=300"))
    got = ask(app, "/feeds/all.atom", if_none_match=old)
    assert (got.status, got.body) == (200, BODY + b" ")


def test_an_address_with_a_slash_too_many_is_unknown(app: ASGIApp) -> None:
    """It is not redirected: that would lead to whatever the request calls this host."""
    assert ask(app, "/readyz/", host="evil.example").status == 404

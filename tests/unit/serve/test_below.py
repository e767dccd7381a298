"""The site below a path of its address: whatever a proxy passes on of it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from starlette.routing import Route
from starlette.types import ASGIApp

from aggregator.ports import Answer, Call, Endpoint
from aggregator.publish.pages.status_page import Status
from aggregator.publish.shelf import GONE, Moved, Prepared, Shelf
from aggregator.publish.site.paths import is_answered
from aggregator.serve import ops, site
from aggregator.serve.app import make_app
from aggregator.serve.ops import Administration
from aggregator.serve.search import SearchPages
from aggregator.serve.status import StatusPage
from aggregator.settings import Settings
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish.samples import NOON
from tests.unit.serve.asking import ask

HTML = "text/html; charset=utf-8"


def page(path: str) -> Prepared:
    return Prepared(HTML, path.encode(), 1, "no-cache")


async def _hub(call: Call) -> Answer:
    return Answer(202, "hub\n")


async def _push(call: Call) -> Answer:
    return Answer(200, call.name)


def app(site_url: str) -> ASGIApp:
    shelf = Shelf()
    for path in ("/index.html", "/opml.xml", "/feeds/all.atom", "/topics/all.html", "/topics/feeds.html"):
        shelf.put(path, page(path))
    shelf.on_demand = lambda path, knows: page(path) if path == "/stories/x.html" else None
    shelf.put_away({"/topics/old.html": Moved("https://me.example/news/topics/all.html"), "/topics/gone.html": GONE})
    return make_app(
        shelf,
        ready=lambda: (True, {}),
        metrics=lambda: b"polls_total 1\n",
        more=[Endpoint("POST", "/hub", _hub), Endpoint("POST", "/push/{name}", _push)],
        site_url=lambda: site_url,
    )


@pytest.mark.parametrize("prefix", ["/news", "/a/b", "/feeds", "/topics", "/n%C3%A9ws", "/feeds/all"])
def test_a_path_is_answered_with_and_without_the_sites_own(prefix: str) -> None:
    below = app(f"https://me.example{prefix}")
    for path, found in (
        ("/", "/index.html"),
        ("/index.html", "/index.html"),
        ("/opml.xml", "/opml.xml"),
        ("/feeds/all.atom", "/feeds/all.atom"),
        ("/topics/all", "/topics/all.html"),
        ("/topics/all.html", "/topics/all.html"),
        ("/stories/x", "/stories/x.html"),
    ):
        for asked in (path, prefix + path):
            got = ask(below, asked)
            assert (got.status, got.body.decode()) == (200, found), asked
    for asked in ("/hub", prefix + "/hub"):
        assert ask(below, asked, "POST", b"x").status == 202
    for asked in ("/push/secret", prefix + "/push/secret"):
        assert ask(below, asked, "POST", b"x").body == b"secret"
    assert [ask(below, prefix + path).status for path in ("/nothing", "/topics/gone", "/feeds/no.atom")] == [404, 410, 404]
    assert ask(below, prefix + "/topics/old").headers["location"] == "https://me.example/news/topics/all.html"


def test_without_its_slash_the_path_leads_to_the_front_page() -> None:
    """Where its relative links lead to the right places."""
    got = ask(app("https://me.example/news"), "/news")
    assert (got.status, got.headers["location"]) == (301, "https://me.example/news/")


def test_what_operators_ask_is_not_below_the_path() -> None:
    below = app("https://me.example/news")
    assert [ask(below, path).status for path in ("/metrics", "/readyz", "/healthz", "/news/healthz")] == [200] * 4
    assert [ask(below, path).status for path in ("/news/metrics", "/news/readyz")] == [404] * 2


@pytest.mark.parametrize(
    "asked", ["/newsx/feeds/all.atom", "/news//feeds/all.atom", "/news/news/feeds/all.atom", "/new/topics/all"]
)
def test_other_paths_stay_what_they_are(asked: str) -> None:
    assert ask(app("https://me.example/news"), asked).status == 404


def test_a_site_at_the_top_has_nothing_below() -> None:
    assert ask(app("https://me.example"), "/news/feeds/all.atom").status == 404


def test_each_route_but_the_operators_is_answered_below_the_path(tmp_path: Path) -> None:
    """A route that `publish.site.paths` doesn't list would be missing where a proxy passes on the whole path."""
    settings = Settings(Path("feeds.yaml"), ())
    with closing(SqliteStore(tmp_path / "news.db")) as store:
        search = SearchPages(lambda: settings, store, lambda: NOON)
        status = StatusPage(Administration(), lambda: settings, lambda: Status({}, (), (), (), ()), search)
        own = [*ops.routes(lambda: (True, {}), bytes, Administration()), *site.routes(lambda: settings, bytes)]
        paths = {route.path for route in (*own, *search.routes(), *status.routes()) if isinstance(route, Route)}
    assert {path for path in paths if not is_answered(path)} == {"/metrics", "/readyz"}

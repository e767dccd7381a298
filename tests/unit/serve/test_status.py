"""The status page: for the holder of the token alone, without the token anywhere, and with what needs a person."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import urlencode

import pytest
import yaml
from msgspec.structs import replace
from starlette.types import ASGIApp

from aggregator.model import Slug, SourceId, SourceState
from aggregator.ports import Event
from aggregator.publish.pages import status_page
from aggregator.publish.pages.status_page import Status
from aggregator.publish.publisher import Publisher
from aggregator.run.monitoring import status
from aggregator.serve import search
from aggregator.serve.app import make_app
from aggregator.serve.ops import Administration
from aggregator.serve.search import SearchPages
from aggregator.serve.status import StatusPage
from aggregator.settings import Output, Settings
from aggregator.store.sqlite import SqliteStore
from tests.unit.publish import samples
from tests.unit.publish.samples import NOON, SOURCES, item, open_outputs, store_story
from tests.unit.serve.asking import ask

TOKEN = "adm1n-t0ken"
OUTPUTS = (Output(Slug("all"), "All"), Output(Slug("desk"), "The desk", token="let-me-in", webhook="https://hook.example/s3cret"))
BASIC = "Basic " + base64.b64encode(f"anyone:{TOKEN}".encode()).decode()


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "db")


@pytest.fixture
def settings(tmp_path: Path, store: SqliteStore) -> Settings:
    made = samples.settings(tmp_path, *OUTPUTS)
    made = replace(made, storage=replace(made.storage, database=str(tmp_path / "db")), secrets=frozenset({"hunter22"}))
    open_outputs(store, made, filling=False)
    store.sync_sources(SOURCES, NOON)
    return made


def app_of(store: SqliteStore, settings: Settings, token: str | None = TOKEN) -> ASGIApp:
    publisher = Publisher(settings, store)
    publisher.publish(None, NOON + 3600)

    def told() -> Status:
        rows = status.source_rows(settings, store, settings.sources, NOON)
        problems = status.daemon_problems(settings, store)
        return Status({"disk": "ok", "tick": "1 s ago"}, problems, rows, status.feed_rows(settings, store), store.events(50))

    pages = SearchPages(lambda: settings, store, lambda: NOON + 3600)
    page = StatusPage(Administration(lambda: token), lambda: settings, told, pages)
    return make_app(publisher.shelf, ready=lambda: (True, {}), settings=lambda: settings, pages=[*pages.routes(), *page.routes()])


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "BREW"])
@pytest.mark.parametrize("query", ["", "?token=wrong", "?token=", "?token=let-me-in"])
def test_without_the_token_it_is_like_any_address_at_which_nothing_is(
    store: SqliteStore, settings: Settings, method: str, query: str
) -> None:
    for token in (TOKEN, None):
        app = app_of(store, settings, token)
        for accept in ("text/html", "*/*"):
            hidden, nothing = (ask(app, path + query, method, b"q=a", accept=accept) for path in ("/status", "/statuses"))
            assert (hidden.status, hidden.headers, hidden.body) == (nothing.status, nothing.headers, nothing.body)
            assert hidden.status == 404


@pytest.mark.parametrize(("target", "authorization"), [(f"/status?token={TOKEN}", ""), ("/status", BASIC)])
def test_with_the_token_it_tells_of_sources_feeds_and_events_and_never_of_the_token(
    store: SqliteStore, settings: Settings, target: str, authorization: str
) -> None:
    error = "HTTP 500 at https://wire.example/f?api_key=hunter22"
    with store.begin() as transaction:
        transaction.save_state(
            SourceState(SourceId("wire"), "https://wire.example/feed.xml", last_error=error, last_poll=NOON - 60)
        )
        transaction.save_event(Event("broken wire", "broken", "Wire is broken", "for a day", NOON - 90))
        transaction.save_event(Event("config daemon", "config", "An edit of the config is refused", "line 3", NOON - 80))
    store_story(store, item(1), slugs=("desk",))
    got = ask(app_of(store, settings), target, authorization=authorization)
    text = got.body.decode()
    assert got.status == 200 and got.headers["cache-control"] == "no-store"
    assert got.headers["referrer-policy"] == "no-referrer" and got.headers["x-robots-tag"] == "noindex"
    for told in (
        "HTTP 500",
        "wire",
        "daily",
        "The desk",
        "private",
        "Wire is broken",
        "An edit of the config is refused: line 3",
        ">access<",
        "last cycle: 1 s ago",
    ):
        assert told in text
    for secret in (TOKEN, "let-me-in", "hunter22", "s3cret"):
        assert secret not in text


def test_a_query_is_tried_on_what_is_private_too_and_comes_back_as_yaml(store: SqliteStore, settings: Settings) -> None:
    store_story(store, replace(item(1, title="It's a <i>dam</i>"), private=True), slugs=("desk",))
    app = app_of(store, settings)
    query = 'title:dam -"o\'clock" source:wire'
    got = ask(app, f"/status?token={TOKEN}", "POST", urlencode({"q": query}).encode())
    text = got.body.decode()
    assert got.status == 200 and "1 story found" in text and "(private)" in text and "<i>dam" not in text
    assert TOKEN not in text, "the form goes to where it came from"
    made = yaml.safe_load(status_page.topic_yaml(query))
    assert made == {"topics": [{"slug": "my-topic", "title": "My topic", "query": query}]}
    mistaken = ask(app, f"/status?token={TOKEN}", "POST", b"q=titel:dam").body.decode()
    assert "did you mean title?" in mistaken and "<mark>t</mark>itel:dam" in mistaken and "my-topic" not in mistaken


def test_what_is_sent_is_bounded_and_so_is_what_runs(
    store: SqliteStore, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_of(store, settings)
    assert ask(app, f"/status?token={TOKEN}", "POST", b"q=" + b"a" * 5000).status == 413
    assert ask(app, f"/status?token={TOKEN}", "DELETE").status == 405
    monkeypatch.setattr(search, "AT_ONCE", 0)
    assert "Too many searches" in ask(app, f"/status?token={TOKEN}", "POST", b"q=dam").body.decode()

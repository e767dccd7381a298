"""Lists of feeds at an address: fetched daily, kept, and read by the config."""

from __future__ import annotations

import asyncio
from pathlib import Path

from aggregator.app import poll_once
from aggregator.config.load import load
from aggregator.config.opml import cached_path
from aggregator.config.subscriptions import MAX_DEPTH, MAX_INCLUDED
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest
from aggregator.run.jobs.opml_lists import OpmlLists
from aggregator.settings import DAY, Settings
from aggregator.store.sqlite import SqliteStore
from aggregator.tag.check import check
from tests.unit.fetch.origin import RSS, Exchange, fetching, serving
from tests.unit.fetch.origin import settings as fetch_settings

ADDRESS = "https://lists.example/news.opml"
NOW = 1_700_000_000.0


def opml(*urls: str) -> bytes:
    outlines = "".join(f'<outline type="rss" text="{url}" xmlUrl="{url}"/>' for url in urls)
    return f'<opml version="2.0"><head/><body>{outlines}</body></opml>'.encode()


def including(*urls: str, group: str = "", feeds: tuple[str, ...] = ()) -> bytes:
    """A list that includes others, below an outline if `group` is given."""
    outlines = "".join(f'<outline type="include" text="more" url="{url}"/>' for url in urls)
    return opml(*feeds).replace(b"</body>", f'<outline text="{group}">{outlines}</outline></body>'.encode())


class Server:
    """others: what it answers at other addresses than ADDRESS."""

    def __init__(self, body: bytes, **others: bytes) -> None:
        self.answer: FetchOutcome = Fetched(ADDRESS, 200, (), body)
        self.others = {f"https://lists.example/{name}.opml": body for name, body in others.items()}
        self.urls: list[str] = []

    @property
    def asked(self) -> int:
        return len(self.urls)

    async def fetch(self, request: FetchRequest, now: float, memory: object = None) -> FetchOutcome:
        self.urls.append(request.url)
        other = self.others.get(request.url)
        return self.answer if other is None else Fetched(request.url, 200, (), other)

    async def aclose(self) -> None:
        """Nothing is open."""


def settings(folder: Path) -> Settings:
    path = folder / "feeds.yaml"
    path.write_text(f"sources:\n  - opml: {ADDRESS}\n")
    return load(path, check, {})


def refresh(lists: OpmlLists, folder: Path, server: Server, now: float) -> bool:
    return asyncio.run(lists.refresh(settings(folder), server, now))


def test_a_lists_sources_come_with_its_first_fetch(tmp_path: Path) -> None:
    server = Server(opml("https://a.example/feed", "https://b.example/feed"))
    assert settings(tmp_path).sources == ()
    assert refresh(OpmlLists(), tmp_path, server, NOW)
    assert [source.url for source in settings(tmp_path).sources] == ["https://a.example/feed", "https://b.example/feed"]


def test_a_list_is_asked_for_once_a_day(tmp_path: Path) -> None:
    server, lists = Server(opml("https://a.example/feed")), OpmlLists()
    assert refresh(lists, tmp_path, server, NOW)
    assert not refresh(lists, tmp_path, server, NOW + DAY / 2)
    assert server.asked == 1
    server.answer = Fetched(ADDRESS, 200, (), opml("https://c.example/feed"))
    assert refresh(lists, tmp_path, server, NOW + DAY)
    assert [source.url for source in settings(tmp_path).sources] == ["https://c.example/feed"]


def test_a_list_that_fails_keeps_its_sources_and_is_tried_again_in_an_hour(tmp_path: Path) -> None:
    server, lists = Server(opml("https://a.example/feed")), OpmlLists()
    refresh(lists, tmp_path, server, NOW)
    server.answer = FetchFailed(Fault(FaultKind.STATUS, "500", 500))
    assert not refresh(lists, tmp_path, server, NOW + DAY)
    assert not refresh(lists, tmp_path, server, NOW + DAY + 60)
    server.answer = Fetched(ADDRESS, 200, (), b"<html>not today</html>")
    assert not refresh(lists, tmp_path, server, NOW + DAY + 3_601)
    assert server.asked == 3
    assert [source.url for source in settings(tmp_path).sources] == ["https://a.example/feed"]


# --- lists that a list includes
def settle(folder: Path, server: Server, lists: OpmlLists | None = None) -> list[str]:
    """Refreshes and reads the config until nothing changes, as the daemon's ticks do. Returns the sources' addresses."""
    lists = lists or OpmlLists()
    for _ in range(10):
        if not refresh(lists, folder, server, NOW):
            break
    return [source.url for source in settings(folder).sources]


def other(name: str) -> str:
    return f"https://lists.example/{name}.opml"


def test_a_list_that_a_list_includes_is_followed(tmp_path: Path) -> None:
    top = including("wires.opml", other("blogs"), group="Abroad", feeds=("https://a.example/feed",))
    server = Server(top, wires=opml("https://b.example/feed"), blogs=opml("https://c.example/feed", "https://a.example/feed"))
    assert not refresh(OpmlLists(), tmp_path, Server(b"<html/>"), NOW)
    assert refresh(OpmlLists(), tmp_path, server, NOW)
    assert [note.partition("opml: ")[2] for note in settings(tmp_path).notes] == [
        f"{ADDRESS}: {other(name)}, which it includes, has not been fetched yet; its feeds come with the first fetch"
        for name in ("wires", "blogs")
    ]
    assert settle(tmp_path, server) == [f"https://{host}.example/feed" for host in "abc"]
    assert server.urls == [ADDRESS, other("wires"), other("blogs")], "each is asked for once a day"
    assert [source.group for source in settings(tmp_path).sources] == [None, "Abroad", "Abroad"]
    assert settings(tmp_path).notes == ()


def test_lists_that_include_each_other_are_read_once(tmp_path: Path) -> None:
    server = Server(
        including(other("one"), ADDRESS),
        one=including(other("two"), other("one"), feeds=("https://a.example/feed",)),
        two=including(ADDRESS, other("one"), feeds=("https://b.example/feed",)),
    )
    assert settle(tmp_path, server) == ["https://a.example/feed", "https://b.example/feed"]
    assert server.urls == [ADDRESS, other("one"), other("two")]


def test_includes_are_bounded_in_depth_and_number_and_told(tmp_path: Path) -> None:
    chain = {f"d{n}": including(other(f"d{n + 1}"), feeds=(f"https://d{n}.example/feed",)) for n in range(1, 7)}
    server = Server(including(other("d1")), **chain)
    assert settle(tmp_path, server) == [f"https://d{n}.example/feed" for n in range(1, MAX_DEPTH + 1)]
    assert [f"1 of the lists that it includes left out: at most {MAX_INCLUDED}" in note for note in settings(tmp_path).notes] == [
        True
    ]

    many = tmp_path / "many"
    many.mkdir()
    names = [f"w{n}" for n in range(100)]
    server = Server(including(*map(other, names)), **{name: opml(f"https://{name}.example/feed") for name in names})
    assert len(settle(many, server)) == MAX_INCLUDED
    assert server.asked == 1 + MAX_INCLUDED
    assert ["80 of the lists" in note for note in settings(many).notes] == [True]


def test_an_include_that_is_gone_takes_its_sources_with_it(tmp_path: Path) -> None:
    server, lists = Server(including(other("one")), one=opml("https://a.example/feed")), OpmlLists()
    assert settle(tmp_path, server, lists) == ["https://a.example/feed"]
    server.answer = Fetched(ADDRESS, 200, (), opml("https://b.example/feed"))
    assert refresh(lists, tmp_path, server, NOW + DAY)
    assert [source.url for source in settings(tmp_path).sources] == ["https://b.example/feed"]


def test_an_include_that_is_no_list_is_told_and_the_rest_is_taken(tmp_path: Path) -> None:
    top = including("mailto:x@example.org", other("page"), feeds=("https://a.example/feed",))
    assert settle(tmp_path, Server(top)) == ["https://a.example/feed"]
    cached_path(tmp_path / "data", other("page")).write_bytes(b"<html>not today</html>")
    told = "\n".join(settings(tmp_path).notes)
    assert "an include without a plain http or https address: mailto:x@example.org" in told
    assert f"{other('page')}, which it includes, is no list of feeds: not OPML" in told


def test_a_file_s_include_is_followed_and_a_relative_one_told(tmp_path: Path) -> None:
    (tmp_path / "own.opml").write_bytes(including(other("one"), "../../etc/passwd"))
    (tmp_path / "feeds.yaml").write_text("sources:\n  - opml: own.opml\n")
    before = load(tmp_path / "feeds.yaml", check, {})
    assert before.lists == (other("one"),)
    assert any("an include without a plain http or https address: ../../etc/passwd" in note for note in before.notes)
    assert asyncio.run(OpmlLists().refresh(before, Server(b"", one=opml("https://a.example/feed")), NOW))
    assert [source.url for source in load(tmp_path / "feeds.yaml", check, {}).sources] == ["https://a.example/feed"]


def test_an_include_of_a_private_address_is_never_asked_for(tmp_path: Path) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(body=opml("https://a.example/feed"))

    async def run() -> int:
        async with serving(act) as inside, fetching(fetch_settings(allow=())) as fetcher:
            (tmp_path / "own.opml").write_bytes(including(f"{inside.base}/list.opml"))
            (tmp_path / "feeds.yaml").write_text("sources:\n  - opml: own.opml\n")
            assert not await OpmlLists().refresh(load(tmp_path / "feeds.yaml", check, {}), fetcher, NOW)
            return inside.connections

    assert asyncio.run(run()) == 0


def test_one_poll_reads_what_lists_include(tmp_path: Path) -> None:
    async def act(exchange: Exchange) -> None:
        named = {"/top": ("/one", b""), "/one": ("/two", b""), "/two": ("", opml(f"{base}/feed"))}
        include, body = named.get(exchange.target, ("", RSS))
        await exchange.reply(body=body or including(base + include))

    async def run() -> list[str]:
        nonlocal base
        async with serving(act) as origin:
            base = origin.base
            path = tmp_path / "feeds.yaml"
            path.write_text(f"network: {{allow: [127.0.0.0/8]}}\nsources:\n  - opml: {base}/top\n")
            store = SqliteStore(tmp_path / "data" / "aggregator.db")
            first = load(path, check, {})
            await poll_once(first, lambda: load(path, check, {}), store, None, forced=True, done=lambda _: None)
            store.close()
            return origin.targets

    base = ""
    assert asyncio.run(run()) == ["/top", "/one", "/two", "/feed"]

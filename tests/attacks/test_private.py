"""What is private can't be told from what does not exist: not by an address, a header, a method or a list."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest

from aggregator.ports import Event, Reject
from aggregator.run.service import Service
from tests.attacks.site import Site
from tests.unit.chain.newsroom import HOUR, START, document, entry

WIRE, PAPER, MOLE = (f"https://{name}.example/feed.json" for name in ("wire", "paper", "mole"))
PUBLIC = f"""
site: {{url: "https://news.example", title: News}}
server: {{admin: {{token: admin-token}}}}
publish: {{items: 10}}
sources:
  - {{id: wire, url: "{WIRE}", title: Wire, drop: "title:advertisement"}}
  - {{id: paper, url: "{PAPER}", title: Paper}}
MOLE
topics:
  - {{slug: sea, title: The sea, query: ferry OR harbour}}
"""
SOURCE = f"""  - {{id: mole, url: "{MOLE}", title: The Mole, private: true, tags: [eyes-only]}}"""
OUTPUTS = """
outputs:
  - {slug: morning, title: Each morning, digest: "0 6 * * *"}
"""
TOKEN = "desk-token"
PRIVATE = """
  - {slug: takeover, title: Takeover, query: ferry, access: {token: desk-token}, formerly: [bid]}
  - {slug: evening, digest: "0 6 * * *", access: {token: desk-token}}
  - {slug: bin, rejected: true, access: {token: desk-token}}
  - {slug: plain, access: {token: other-token}}
"""
ENDED = """
  - {slug: merger, access: {token: desk-token}}
"""
NEVER = ("takeover", "evening", "bin", "plain", "merger", "bid", "nothing-of-the-kind")
"""Slugs that a stranger must not be able to tell apart: only the last one is nobody's."""
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
HEADERS: tuple[dict[str, str], ...] = (
    {},
    {"If-None-Match": "*", "If-Modified-Since": "Fri, 16 Jun 2033 12:00:00 GMT"},
    {"Accept-Encoding": "br, gzip", "Accept": "text/html", "Range": "bytes=0-9"},
    {"Authorization": "Basic " + base64.b64encode(b"me:wrong-token").decode()},
    {"Authorization": "Bearer desk-token"},
    {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"},
)


def live(folder: Path, *, private: bool) -> Site:
    """A site with archives, a broken source and a feed that has ended."""
    site = Site(folder)
    config = PUBLIC.replace("MOLE", SOURCE if private else "") + OUTPUTS
    reports = [entry(f"Ferry number {n} leaves harbour {n * 7}", text=f"Word{n} thing{n} matter{n} case{n}.") for n in range(40)]
    site.answers[WIRE] = document(WIRE, reports[:3])
    site.answers[PAPER] = document(PAPER, [entry("Ferry number 1 leaves harbour 7", url="https://paper.example/1")])
    scoops = [entry(f"Ferry scoop {n} harbour {n * 11}", text=f"Secret{n} thing{n} leak{n}.") for n in range(30)]
    site.answers[MOLE] = document(MOLE, [*scoops, reports[1]])
    site.live_with(config + (PRIVATE + ENDED if private else ""))
    site.clock.time += HOUR
    site.answers[WIRE] = document(WIRE, reports)
    site.live_with(config + (PRIVATE if private else ""))
    with site.store.begin() as transaction:
        transaction.add_rejects([Reject(site.newsroom.settings.sources[0].id, "x", None, "Advertisement", "drop x", START)])
        for name in ("wire", "mole") if private else ("wire",):
            error = f"no success: https://{name}.example/feed?key=s3cret&session={name}"
            transaction.save_event(Event(f"broken {name}", "broken", f"{name} is broken", error, START))
    return site


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Site]]:
    """A site with private feeds, and one without."""
    folder = tmp_path_factory.mktemp("sites")
    made = live(folder / "one", private=True), live(folder / "other", private=False)
    yield made
    for site in made:
        site.store.close()


def forms(path: str) -> list[str]:
    """One address as a stranger may write it."""
    odd = [
        path + "/",
        path + "//",
        path + "%20",
        "/" + path,
        path.replace("e", "%65", 1),
        path.upper(),
        path + "?",
        path + ".bak",
    ]
    return [path, *odd, *(path + f"?token={token}" for token in ("wrong-token", "", "a&token=b", "%00"))]


def addresses(slug: str) -> list[str]:
    """Every address that a feed could have."""
    endings = (".atom", ".rss", ".json", ".html", "", "/1.atom", "/1.rss", "/1.json", "/2.atom", "/1", "/index.html")
    return [f"/feeds/{slug}{ending}" for ending in endings] + [f"/topics/{slug}{ending}" for ending in ("", ".html", ".atom")]


def public_addresses(site: Site) -> list[str]:
    """Every address of the site that anybody may read."""
    slugs = ("all", "sea", "morning")
    stories = [f"/stories/{story.id}" for story in site.newsroom.stories()]
    feeds = [f"/feeds/{slug}{end}" for slug in slugs for end in (".atom", ".rss", ".json", "/1.atom", "/1.rss", "/2.json")]
    other = ["/", "/index.html", "/opml.xml", "/health.atom", "/healthz", "/readyz", "/metrics", "/hub", "/push/x", "/robots.txt"]
    other += ["/sitemap.xml", "/search?q=ferry", "/topics/", "/feeds/"]
    return [*feeds, *(f"/topics/{slug}" for slug in slugs), *stories, *other]


async def gathered(site: Site, asked: list[tuple[str, str, dict[str, str]]]) -> list[bytes]:
    """The answers, a few at a time."""
    room = asyncio.Semaphore(16)

    async def one(method: str, target: str, headers: dict[str, str]) -> bytes:
        async with room:
            return await site.ask(method, target, headers, b"a=b" if method in ("POST", "PUT", "PATCH") else b"")

    return list(await asyncio.gather(*(one(*each) for each in asked)))


def answers(site: Site, asked: list[tuple[str, str, dict[str, str]]]) -> list[bytes]:
    found: list[bytes] = []

    async def work(site: Site, service: Service) -> None:
        found.extend(await gathered(site, asked))

    site.serve(work)
    return found


def test_every_address_of_a_site_with_private_feeds_is_as_of_one_without(sites: tuple[Site, Site], long: bool) -> None:
    """Odd forms of an address in every method and with all headers: only the long run has the patience."""
    mine, other = sites
    plain = [address for slug in NEVER for address in addresses(slug)] + public_addresses(mine)
    odd = [form for slug in NEVER for address in addresses(slug) for form in forms(address)]
    targets = odd + plain if long else plain
    asked = [(method, target, {}) for method, target in product(METHODS, targets)]
    asked += [("GET", target, headers) for headers, target in product(HEADERS, targets)]
    asked += [("GET", target, {}) for target in odd if "takeover" in target]
    with_private, without = answers(mine, asked), answers(other, asked)
    differing = [each for each, one, two in zip(asked, with_private, without, strict=True) if one != two]
    assert differing == []
    read = [one.startswith(b"HTTP/1.1 200") for one in with_private]
    assert sum(read) > 60, "public addresses are answered"


def test_an_address_of_a_private_feed_is_as_one_of_nobodys(sites: tuple[Site, Site]) -> None:
    nobody = NEVER[-1]
    asked = [
        (method, form.replace(nobody, slug), headers)
        for address in addresses(nobody)
        for form in (address, address + "?token=wrong-token")
        for slug in NEVER
        for method, headers in [*((method, HEADERS[0]) for method in METHODS[:4]), ("GET", HEADERS[1]), ("GET", HEADERS[3])]
    ]
    found = answers(sites[0], asked)
    assert {answer.split(b"\r\n")[0] for answer in found} == {b"HTTP/1.1 404 Not Found"}
    for method in ("GET", "HEAD", "OPTIONS", "POST"):
        assert len({answer for each, answer in zip(asked, found, strict=True) if each[0] == method}) == 1, method


def test_a_holder_of_the_token_finds_everything(sites: tuple[Site, Site]) -> None:
    basic = {"Authorization": "Basic " + base64.b64encode(f"me:{TOKEN}".encode()).decode()}
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", "/feeds/takeover.atom?token=desk-token", {}),
        ("GET", "/feeds/takeover/1.atom?token=desk-token", {}),
        ("GET", "/feeds/bin.rss", basic),
        ("GET", "/feeds/bid.json?token=desk-token", {}),
        ("GET", "/feeds/bid.json", basic),
        ("GET", "/feeds/bid.json?token=other-token", {}),
        ("GET", "/feeds/plain.atom?token=desk-token", {}),
    ]
    read, archived, rejected, moved, moved_too, *refused = answers(sites[0], asked)
    assert b"200 OK" in read and b"Ferry number" in read
    assert b"200 OK" in archived
    assert b"200 OK" in rejected
    assert b"\r\nlocation: https://news.example/feeds/takeover.json?token=desk-token\r\n" in moved, "a reader must get in there"
    assert b"\r\nlocation: https://news.example/feeds/takeover.json\r\n" in moved_too, "the password is sent again"
    assert all(b"404 Not Found" in answer for answer in refused)


def test_no_list_file_or_hub_tells_of_a_private_feed(sites: tuple[Site, Site]) -> None:
    mine, _ = sites
    for file in mine.newsroom.settings.publish.directory.rglob("*"):
        told = file.name.encode() + (file.read_bytes() if file.is_file() else b"")
        for word in (*NEVER[:-1], "Takeover", TOKEN, "mole", "The Mole", "eyes-only", "scoop", "s3cret"):
            assert word.encode() not in told.replace(b"binary", b""), (file, word)

    async def work(site: Site, service: Service) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        told = []
        for slug in NEVER:
            for tail in (".atom", ".json", "/1.atom", ".atom%3Ftoken%3Ddesk-token"):
                body = (
                    f"hub.mode=subscribe&hub.callback=https://reader.example/&hub.topic=https://news.example/feeds/{slug}{tail}"
                )
                told.append(await site.ask("POST", "/hub", form, body.encode()))
        assert len(set(told)) == 1
        assert b"hub.topic is not a feed of this hub" in told[0]

    mine.serve(work)


def test_a_refusal_reads_no_more_of_the_database_than_an_unknown_address(sites: tuple[Site, Site]) -> None:
    mine, _ = sites
    read: list[str] = []
    plain = mine.store._read

    def counted(work: object, *given: object) -> object:
        read.append(getattr(work, "__name__", ""))
        return plain(work, *given)  # type: ignore[arg-type]

    async def work(site: Site, service: Service) -> None:
        site.store._read = counted  # type: ignore[method-assign, assignment]
        try:
            for slug in NEVER:
                for tail in (".atom", "/1.atom", "/1.json?token=wrong-token", "/9.rss"):
                    await site.ask("GET", f"/feeds/{slug}{tail}")
        finally:
            site.store._read = plain  # type: ignore[method-assign]

    mine.serve(work)
    assert read == []


def test_health_and_readiness_are_whole_for_the_administrator_alone(sites: tuple[Site, Site]) -> None:
    password = {"Authorization": "Basic " + base64.b64encode(b"me:admin-token").decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"me:desk-token").decode()}
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("GET", path + query, headers)
        for path in ("/health.atom", "/readyz", "/metrics")
        for query, headers in (("", {}), ("?token=desk-token", {}), ("", wrong), ("?token=admin-token", {}), ("", password))
    ]
    health, ready, metrics = (answers(sites[0], asked)[start : start + 5] for start in (0, 5, 10))
    assert len(set(health[:3])) == len(set(ready[:3])) == len(set(metrics[:3])) == 1, "a wrong token is as good as none"
    assert b"Wire is broken" in health[0] and b"s3cret" not in health[0]
    assert all(b"mole is broken" in whole and b"\r\ncache-control: private" in whole for whole in health[3:])
    assert b"disk_free_bytes" not in ready[0] and all(b"disk_free_bytes" in whole for whole in ready[3:])
    assert b"aggregator" not in metrics[0].partition(b"\r\n\r\n")[2] and all(
        b"aggregator_store" in whole for whole in metrics[3:]
    )


def test_without_an_administrator_counts_are_public_only_if_all_they_count_is(tmp_path: Path) -> None:
    """As soon as there is a private source or feed, `/metrics` tells nothing. It has no token that could open it."""
    asked: list[tuple[str, str, dict[str, str]]] = [("GET", "/metrics", {}), ("GET", "/metrics?token=", {})]
    opened = []
    for name, source, feeds in (("open", "", ""), ("source", SOURCE, ""), ("feed", "", PRIVATE)):
        site = Site(tmp_path / name)
        config = PUBLIC.replace("server: {admin: {token: admin-token}}\n", "").replace("MOLE", source)
        site.answers |= {url: document(url, [entry("Ferry leaves harbour")]) for url in (WIRE, PAPER, MOLE)}
        site.live_with(config + OUTPUTS + feeds)
        opened.append({b"aggregator_store" in answer for answer in answers(site, asked)})
    assert opened == [{True}, {False}, {False}]


QUESTIONS = (
    *("ferry", "scoop", "ferry OR scoop OR secret1", "-ferry", "outlet:mole", "outlet:mol*", "tag:eyes-only", "-tag:eyes-only"),
    *(
        "source:mole",
        "source:m*",
        "topic:takeover",
        "topic:sea",
        "-topic:takeover",
        "outlets>=2",
        "items>=2",
        "thread_outlets>=2",
    ),
    *("lead:scoop", "url:mole", "site:mole.example", "first:thread", "outlets(site:mole.example)>=1", "words>0", "rank<=9"),
    *("group:none", "ferry titel:scoop"),
)


def test_no_search_outlet_or_tag_tells_of_what_is_private(sites: tuple[Site, Site]) -> None:
    """Not by what is found, by counts, nor by the words of a mistake. One after the other, as only two may run at a time."""
    targets = [f"/search?q={quote(question)}" for question in QUESTIONS]
    targets += ["/outlets/The%20Mole", "/outlets/mole.example", "/tags/eyes-only", "/outlets/Wire", "/status", "/sitemap.xml"]

    def told(site: Site) -> list[bytes]:
        found: list[bytes] = []

        async def work(site: Site, service: Service) -> None:
            for target in targets:
                found.append(await site.ask("GET", target, {"Accept": "text/html"}))

        site.serve(work)
        return found

    mine, other = map(told, sites)
    assert [target for target, one, two in zip(targets, mine, other, strict=True) if one != two] == []
    assert sum(b"<article" in answer for answer in mine) > 8, "what is public is found"
    for target, answer in zip(targets, mine, strict=True):
        told_back = target.rpartition("=")[2].encode()  # in links to further results
        assert b"coop" not in answer.partition(b"</form>")[2].replace(b"itel:scoop", b"").replace(told_back, b""), target

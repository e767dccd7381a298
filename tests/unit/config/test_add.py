"""`aggregator add` with addresses that people paste: what is asked, in which order, what is said and what is written."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import root
from aggregator.errors import AggregatorError
from aggregator.fetch.address_rules import understand
from aggregator.fetch.hosts import HostGate
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, FetchOutcome, FetchRequest, Instant
from aggregator.ports import BodyMemory
from aggregator.reading.pool import ReadingPool
from aggregator.run.find_feeds import COMMON_PATHS, Finding, find_feeds
from aggregator.run.probe import Prober
from aggregator.settings import Settings

FEED = (
    b'<rss version="2.0"><channel><title>Harbour</title><item><title>Ferry delayed</title><guid>1</guid></item></channel></rss>'
)
EMPTY = b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Releases</title></feed>'
PAGE = b"<!doctype html><html><head><title>Harbour</title>%s</head><body>Welcome</body></html>"
Answers = Mapping[str, bytes | int]


class Web:
    """A server on loopback that answers as told: a body, or a status."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes | int] = {}
        self.asked: list[str] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                web.asked.append(self.path)
                answer = web.answers.get(self.path, 404)
                body = answer if isinstance(answer, bytes) else b"no"
                self.send_response(200 if isinstance(answer, bytes) else answer)
                self.send_header("Content-Type", "text/html" if b"<html" in body else "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing on the test's output."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def web() -> Iterator[Web]:
    web = Web()
    thread = threading.Thread(target=web.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield web
    web.server.shutdown()
    thread.join()
    web.server.server_close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    config = tmp_path / "feeds.yaml"
    config.write_text("network: {allow: [127.0.0.0/8]}\nsources: []\n")
    return config


@pytest.fixture
def add(file: Path) -> Callable[..., Result]:
    return lambda *words: CliRunner().invoke(root, ["-c", str(file), "add", *words], catch_exceptions=False)


def test_an_account_s_feed_is_found_by_rule_and_said(web: Web, add: Callable[..., Result], file: Path) -> None:
    web.answers = {"/@anna.rss": FEED}
    assert "Fediverse account → its feed\nadded" in add(f"{web.base}/@anna").output
    assert f"url: {web.base}/@anna.rss" in file.read_text()
    assert web.asked == ["/@anna.rss"], "the page itself is not asked for"


def test_where_the_rule_is_wrong_what_the_page_names_is_taken(web: Web, add: Callable[..., Result], file: Path) -> None:
    link = b'<link rel="alternate" type="application/rss+xml" href="/own.xml">'
    web.answers = {"/@anna": PAGE % link, "/@anna.rss": PAGE % b"", "/own.xml": FEED}
    output = add(f"{web.base}/@anna").output
    assert f"url: {web.base}/own.xml" in file.read_text()
    assert "Fediverse" not in output


def test_common_paths_are_tried_in_turn_until_there_is_a_feed(web: Web, add: Callable[..., Result], file: Path) -> None:
    web.answers = {"/": PAGE % b"", "/atom.xml": FEED, "/feed.xml": FEED}
    assert "the page names no feed; there is one at /atom.xml" in add(f"{web.base}/").output
    assert web.asked == ["/", "/feed", "/rss.xml", "/atom.xml"]
    assert f"url: {web.base}/atom.xml" in file.read_text()


def test_a_section_s_own_feed_comes_first(web: Web, add: Callable[..., Result]) -> None:
    web.answers = {"/world/?x=1": PAGE % b"", "/world/feed": FEED, "/feed": FEED}
    add(f"{web.base}/world/?x=1")
    assert web.asked == ["/world/?x=1", "/world/feed"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_has_enough_is_not_asked_on(web: Web, add: Callable[..., Result], status: int) -> None:
    web.answers = {"/": PAGE % b"", "/feed": status, "/rss.xml": FEED}
    with pytest.raises(AggregatorError, match="no feed can be read"):
        add(f"{web.base}/")
    assert web.asked == ["/", "/feed"]


def test_no_page_no_guesses(web: Web, add: Callable[..., Result]) -> None:
    web.answers = {"/feed": FEED}
    with pytest.raises(AggregatorError, match="404"):
        add(f"{web.base}/nowhere")
    assert web.asked == ["/nowhere"]


def test_a_site_without_any_feed_is_asked_a_few_times_and_it_is_said(web: Web, add: Callable[..., Result], file: Path) -> None:
    web.answers = {"/": PAGE % b""}
    before = file.read_text()
    with pytest.raises(AggregatorError, match="the page names no feed, and none is at /feed, /rss"):
        add(f"{web.base}/")
    assert len(web.asked) <= len(COMMON_PATHS) + 2
    assert file.read_text() == before


def test_an_untested_account_is_added_by_its_feed(web: Web, add: Callable[..., Result], file: Path) -> None:
    add(f"{web.base}/@anna", "--untested")
    assert f"{web.base}/@anna.rss" in file.read_text()


def test_a_page_can_not_make_private_addresses_be_asked(web: Web, tmp_path: Path) -> None:
    """The page is allowed by its network; what it names is in another one, which is not."""
    config = tmp_path / "feeds.yaml"
    config.write_text("network: {allow: [127.0.0.1/32]}\nsources: []\n")
    inside = web.base.replace("127.0.0.1", "127.0.0.2")
    web.answers = {"/": PAGE % f'<link rel="alternate" type="application/rss+xml" href="{inside}/in.xml">'.encode()}
    web.answers["/robots.txt"] = f"Sitemap: {inside}/news.xml\n".encode()
    with pytest.raises(AggregatorError, match=r"private|allow"):
        CliRunner().invoke(root, ["-c", str(config), "add", web.base], catch_exceptions=False)
    assert not {"/in.xml", "/news.xml"} & set(web.asked)


# --- sites with names of their own, behind a stand-in for the network
class StandIn:
    """A fetcher that has some documents; everything else is 404."""

    def __init__(self, answers: Answers) -> None:
        self.answers, self.asked = answers, list[str]()

    async def fetch(self, request: FetchRequest, now: Instant, memory: BodyMemory | None = None) -> FetchOutcome:
        self.asked.append(request.url)
        answer = self.answers.get(request.url, 404)
        if isinstance(answer, int):
            return FetchFailed(Fault(FaultKind.STATUS, f"{answer}", answer), (), request.url)
        if b"<html" in answer:
            return FetchFailed(Fault(FaultKind.HTML, "a web page", 200), (), request.url, answer)
        return Fetched(request.url, 200, (), answer)

    async def aclose(self) -> None: ...


def find(pasted: str, answers: Answers) -> tuple[Finding, list[str]]:
    async def found() -> Finding:
        settings, reader = Settings(Path("feeds.yaml"), ()), ReadingPool()
        try:
            return await find_feeds(understand(pasted), Prober(settings, stand_in, reader, HostGate(settings), lambda: 1.7e9))
        finally:
            await reader.aclose()

    stand_in = StandIn(answers)
    return asyncio.run(found()), stand_in.asked


CHANNEL = "UC" + "a" * 22
VIDEOS = f"https://www.youtube.com/feeds/videos.xml?channel_id={CHANNEL}"


def test_a_channel_by_its_id_costs_one_request() -> None:
    finding, asked = find(f"https://youtube.com/channel/{CHANNEL}/videos", {VIDEOS: FEED})
    assert (finding.words, asked) == ("YouTube channel → its feed", [VIDEOS])


def test_a_channel_by_its_handle_is_looked_up_on_its_page() -> None:
    page = PAGE % f'<link rel="canonical" href="https://www.youtube.com/channel/{CHANNEL}">'.encode()
    finding, asked = find("https://m.youtube.com/@harbour/videos", {"https://www.youtube.com/@harbour": page, VIDEOS: FEED})
    assert asked == ["https://www.youtube.com/@harbour", VIDEOS]
    assert [one.url for one in finding.results if one.feed] == [VIDEOS]


def test_a_podcast_of_apple_is_looked_up() -> None:
    lookup = "https://itunes.apple.com/lookup?id=77&entity=podcast"
    answer = b'\n{"resultCount":1,"results":[{"feedUrl":"https://pod.example/f.xml"}]}'
    finding, asked = find("https://podcasts.apple.com/gb/podcast/talk/id77", {lookup: answer, "https://pod.example/f.xml": FEED})
    assert asked == [lookup, "https://pod.example/f.xml"]
    assert finding.results[0].feed is not None
    assert finding.words == "Apple Podcasts, looked up → its feed"


def test_an_account_on_another_host_than_its_name_says_is_looked_up() -> None:
    webfinger = "https://news.example/.well-known/webfinger?resource=acct:anna@news.example"
    answer = b'{"links":[{"rel":"http://webfinger.net/rel/profile-page","href":"https://social.news.example/@anna"}]}'
    finding, asked = find("@anna@news.example", {webfinger: answer, "https://social.news.example/@anna.rss": FEED})
    assert asked == ["https://news.example/@anna.rss", webfinger, "https://social.news.example/@anna.rss"]
    assert finding.has_feed


@pytest.mark.parametrize(("tags", "kind"), [(FEED, "tags"), (EMPTY, "commits")])
def test_a_repository_without_releases_is_followed_by_its_tags_or_commits(tags: bytes, kind: str) -> None:
    base = "https://github.com/tidepool/chart"
    finding, _ = find(base, {f"{base}/releases.atom": EMPTY, f"{base}/tags.atom": tags, f"{base}/commits.atom": FEED})
    assert [one.url for one in finding.results] == [f"{base}/{kind}.atom"]


def test_a_site_without_feeds_is_told_by_name() -> None:
    finding, asked = find("https://www.instagram.com/anna", {"https://www.instagram.com/anna": PAGE % b""})
    assert finding.words == "Instagram offers no feeds"
    assert asked == ["https://www.instagram.com/anna"], "nothing is guessed"


def test_check_online_says_where_the_feed_of_a_page_should_be(web: Web, file: Path) -> None:
    web.answers = {"/@anna": PAGE % b""}
    file.write_text(f"network: {{allow: [127.0.0.0/8]}}\nsources: ['{web.base}/@anna']\n")
    output = CliRunner().invoke(root, ["-c", str(file), "check", "--online"]).output
    assert "its feed should be at" in " ".join(output.split())
    assert web.asked == ["/@anna"], "it only tells"

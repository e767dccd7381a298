"""check, schema, init, add, import, export: what a person sees of them."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner, Result

from aggregator.cli import root
from aggregator.commands.check_online import remarks
from aggregator.errors import AggregatorError, ConfigError, UsageError
from aggregator.fetch.first_answers import find_handed, hand_over
from aggregator.model import Fault, FaultKind, Fetched, Slug, Source, SourceId
from aggregator.ports import OutputState
from aggregator.run.probe import ProbeResult
from aggregator.store.sqlite import SqliteStore
from tests.flow.command import Command, eventually, free_port

FEED = b"""<?xml version="1.0"?><rss version="2.0"><channel><title>The %s &amp; co</title><link>http://x.example/</link>
<item><title>One</title><guid>1</guid><pubDate>Thu, 15 Jun 2023 08:00:00 GMT</pubDate></item></channel></rss>"""
PAGE = b"""<html><head><title>Home</title><link rel="alternate" type="application/rss+xml" href="/a.xml">
<link rel="alternate" type="application/rss+xml" href="/b.xml"></head><body>Welcome</body></html>"""
DOCUMENTS = {
    "/a.xml": ("application/rss+xml", FEED % b"Alpha"),
    "/b.xml": ("application/rss+xml", FEED % b"Beta"),
    "/home": ("text/html", PAGE),
    "/plain": ("text/html", b"<html><body>Nothing to subscribe to</body></html>"),
}


class Site(BaseHTTPRequestHandler):
    """A page that offers two feeds, one that offers none, a feed that moved for good."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("If-None-Match")))
        if self.path == "/old.xml":
            self.send_response(301)
            self.send_header("Location", "/a.xml")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        kind, document = DOCUMENTS.get(self.path, ("text/plain", b"no such thing"))
        self.send_response(200 if self.path in DOCUMENTS else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(document)))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(document)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the test's output."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def file(tmp_path: Path, site: str) -> Path:
    config = tmp_path / "feeds.yaml"
    config.write_text(
        f"# mine\nnetwork: {{allow: [127.0.0.0/8]}}\nsources:\n  - {{id: one, url: '{site}/one.xml'}}  # first\n\n# the end\n"
    )
    return config


@pytest.fixture
def run(file: Path) -> Callable[..., Result]:
    """Runs `aggregator -c FILE …`; exceptions come out as they are, which cli.main turns into words and exit codes."""

    def ran(*words: str, text: str | None = None) -> Result:
        return CliRunner().invoke(root, ["-c", str(file), *words], input=text, catch_exceptions=False)

    return ran


def test_check_sums_up(run: Callable[..., Result], file: Path) -> None:
    file.write_text(file.read_text() + "topics: [{slug: t, query: a, expect: {match: [a b]}}]\ndefaults: {group: g}\n")
    assert "1 source in 1 group, 1 topic, 0 tag rules, 2 feeds, 1 rule test passed" in run("check").output


def test_check_tells_a_rule_that_fails_its_test_at_its_place(run: Callable[..., Result], file: Path) -> None:
    lines = file.read_text().count("\n")
    file.write_text(
        file.read_text()
        + "topics:\n  - slug: t\n    query: kyiv\n    expect:\n      match: [kyiv]\n      not: [Kyiv falls asleep]\n"
    )
    with pytest.raises(ConfigError) as caught:
        run("check")
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (lines + 6, 13)
    assert caught.value.exit_code == 2


def test_check_online_stores_nothing_and_names_what_should_be_done(run: Callable[..., Result], file: Path, site: str) -> None:
    file.write_text(file.read_text().replace("/one.xml'}", f"/old.xml'}}\n  - {{id: two, url: '{site}/home'}}"))
    with pytest.raises(AggregatorError, match="1 of 2 sources"):
        run("check", "--online")
    result = run("check", "--online", "--json", "one")
    found = json.loads(result.stdout)
    assert found["id"] == "one"
    assert found["moved_to"] == f"{site}/a.xml"
    assert (found["format"], found["entries"], found["newest"]) == ("rss 2.0", 1, "2023-06-15T08:00:00Z")
    assert "fine" in result.stderr
    assert not (file.parent / "data").exists()
    with pytest.raises(UsageError, match="did you mean 'one'"):
        run("check", "--online", "ones")


def test_check_online_names_the_feeds_of_a_page_once() -> None:
    offered = ("https://a.example/one.xml", "https://a.example/two.xml")
    fault = Fault(FaultKind.HTML, f"a web page, no feed; it offers {', '.join(offered)}", feeds=offered)
    source = Source(SourceId("a"), "https://a.example/")
    assert remarks(ProbeResult(source, source.url, fault=fault)) == [
        "html: a web page, no feed",
        "write url: https://a.example/one.xml or https://a.example/two.xml",
    ]


def test_check_online_hides_what_was_filled_in(
    run: Callable[..., Result], file: Path, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", "old.xml")
    file.write_text(file.read_text().replace("one.xml", "${PLACE}"))
    found = json.loads(run("check", "--online", "--json").stdout)
    assert found["url"] == f"{site}/${{PLACE}}"
    assert "old.xml" not in json.dumps(found)
    assert found["ok"]


def test_schema_is_json(run: Callable[..., Result]) -> None:
    assert json.loads(run("schema").output)["title"] == "feeds.yaml"


def test_init_writes_a_good_file_and_never_overwrites(run: Callable[..., Result], file: Path) -> None:
    made = file.parent / "new.yaml"
    run("init", str(made))
    assert CliRunner().invoke(root, ["-c", str(made), "check"], catch_exceptions=False).exit_code == 0
    with pytest.raises(AggregatorError, match="not touched"):
        run("init", str(file))
    assert file.read_text().startswith("# mine")


def test_add_a_feed(run: Callable[..., Result], file: Path, site: str) -> None:
    before = file.read_text()
    run("add", f"{site}/a.xml", "--group", "letters")
    added = f'  - url: {site}/a.xml\n    title: "The Alpha & co"\n    group: letters\n'
    assert file.read_text() == before.replace("# first\n", f"# first\n{added}")
    after = file.read_text()
    assert "there already" in run("add", f"{site}/a.xml").output
    assert file.read_text() == after


@pytest.mark.parametrize("page", ["a.xml", "old.xml"])
def test_what_add_fetched_is_the_first_poll(run: Callable[..., Result], file: Path, site: str, page: str) -> None:
    file.write_text(f"network: {{allow: [127.0.0.0/8]}}\nsources: []\nserver: {{port: {free_port()}}}\n")
    run("add", f"{site}/{page}", "--id", "alpha")
    Site.asked.clear()
    assert "1 polled, 1 new entry" in run("poll").output
    assert Site.asked == []
    assert json.loads(run("status", "--json").output)["last_status"] == 200
    run("poll", "--all")
    assert Site.asked == [("/a.xml", '"1"')], "and the next one is conditional"


def test_what_add_fetched_is_the_first_poll_of_a_daemon_that_runs(run: Callable[..., Result], file: Path, site: str) -> None:
    port = free_port()
    file.write_text(f"network: {{allow: [127.0.0.0/8]}}\nsources: []\nserver: {{port: {port}}}\n")
    with Command(file).daemon(port) as process:
        run("add", f"{site}/a.xml")
        Site.asked.clear()
        eventually(lambda: Command(file).rows("stories"), process, file.parent / "log")
    assert Site.asked == []


def test_an_answer_of_yesterday_is_no_first_poll(run: Callable[..., Result], file: Path, site: str) -> None:
    file.write_text("network: {allow: [127.0.0.0/8]}\nsources: []\n")
    run("add", f"{site}/a.xml")
    with closing(SqliteStore(file.parent / "data" / "aggregator.db")) as store:
        assert find_handed(store, f"{site}/a.xml", time.time()) is not None
        assert find_handed(store, f"{site}/a.xml", time.time() + 86_400) is None
        assert find_handed(store, f"{site}/b.xml", time.time()) is None
        hand_over(store, f"{site}/b.xml", Fetched(f"{site}/b.xml", 200, (), b"x"), time.time() + 86_400)
        assert len(store.values("fetch.handed.")) == 1, "one that nobody took does not stay"


def test_add_works_where_the_database_can_not_be_written(run: Callable[..., Result], file: Path, site: str) -> None:
    (file.parent / "data").write_text("a file, not a folder")
    assert "added" in run("add", f"{site}/a.xml").output
    assert f"{site}/a.xml" in file.read_text()


def test_add_takes_the_address_that_a_feed_moved_to(run: Callable[..., Result], file: Path, site: str) -> None:
    run("add", f"{site}/old.xml", "--id", "alpha", "--title", "A")
    assert f"  - id: alpha\n    url: {site}/a.xml\n    title: A\n" in file.read_text()


def test_add_from_a_page(run: Callable[..., Result], file: Path, site: str) -> None:
    with pytest.raises(UsageError, match=r"2 feeds; add --all or --pick N\n  1\. .*Alpha.*\n  2\. .*Beta"):
        run("add", f"{site}/home")
    run("add", f"{site}/home", "--pick", "2")
    assert f"{site}/b.xml" in file.read_text()
    assert f"{site}/a.xml" not in file.read_text()
    run("add", f"{site}/home", "--all")
    assert f"{site}/a.xml" in file.read_text()


@pytest.mark.parametrize(("path", "words"), [("/plain", "no feed"), ("/nowhere", "404")])
def test_add_tests_before_it_writes(run: Callable[..., Result], file: Path, site: str, path: str, words: str) -> None:
    before = file.read_text()
    with pytest.raises(AggregatorError, match=words):
        run("add", site + path)
    assert file.read_text() == before
    run("add", site + path, "--untested")
    assert site + path in file.read_text()


@pytest.mark.parametrize("text", ["", "# mine\n", "sources:\n", "sources: # none yet\ntopics: []\n", "topics: []\n"])
def test_the_first_source_can_be_added(run: Callable[..., Result], file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError, match="`aggregator add URL`"):
        run("check")
    assert "added" in run("add", "http://127.0.0.1:1/a.xml", "--untested").output
    assert "1 source" in run("check").output
    assert all(line in file.read_text() for line in text.splitlines())


def test_a_config_without_sources_tells_how_to_have_none(run: Callable[..., Result], file: Path) -> None:
    for text in ("sources:\n", "topics: []\n"):
        file.write_text(text)
        with pytest.raises(ConfigError, match=r"`sources: \[\]`"):
            run("status")


def test_after_a_bad_edit_a_command_tells_of_the_daemon_that_goes_on(run: Callable[..., Result], file: Path) -> None:
    for text in ("storage: {database: here.db}\nsources: nothing\n", "sources: [\n"):
        file.write_text(text)
        database = file.parent / ("here.db" if "here" in text else "data/aggregator.db")
        with closing(SqliteStore(database)) as store, store.lock(), pytest.raises(ConfigError) as caught:
            run("status")
        assert f"The daemon (process {os.getpid()}) goes on with the config that it has; an edit of its own" in str(caught.value)
        with pytest.raises(ConfigError) as caught:
            run("status")
        assert "daemon" not in str(caught.value), "none runs"


@pytest.mark.parametrize(
    "words",
    [
        ("htp://x/",),
        ("http://a b/",),
        ("https:///feed",),
        ("http://127.0.0.1:1/", "--group", " "),
        ("https://127.0.0.1:1/${NO_SUCH_VARIABLE}",),
    ],
)
def test_add_writes_nothing_that_the_config_refuses(run: Callable[..., Result], file: Path, words: tuple[str, ...]) -> None:
    before = file.read_text()
    for more in ((), ("--untested",)):
        with pytest.raises(UsageError, match="nothing was changed") as caught:
            run("add", *words, *more)
        assert "--untested" not in str(caught.value), "it would be refused, too"
    assert file.read_text() == before


def test_add_refuses_ids_that_are_taken_or_none(run: Callable[..., Result], site: str) -> None:
    with pytest.raises(UsageError, match="taken"):
        run("add", f"{site}/a.xml", "--id", "one")
    with pytest.raises(UsageError, match="no id"):
        run("add", f"{site}/a.xml", "--id", "../x")


LIST = """<opml version="1.1"><body><outline text="Letters"><outline text="A" xmlUrl="{0}/a.xml"/></outline>
<outline text="One" xmlUrl="{0}/one.xml"/><outline text="Bad" xmlUrl="irc://x"/></body></opml>"""


def test_import_adds_what_is_not_there(run: Callable[..., Result], file: Path, site: str) -> None:
    (file.parent / "list.opml").write_text(LIST.format(site))
    before = file.read_text()
    assert "1 would be added, 1 there already, 1 left out" in run("import", str(file.parent / "list.opml"), "--dry-run").output
    assert file.read_text() == before
    result = run("import", str(file.parent / "list.opml"))
    assert "irc://x" in result.stderr
    assert f"  - url: {site}/a.xml\n    title: A\n    group: Letters\n" in file.read_text()
    (file.parent / "list.opml").write_text("nothing")
    with pytest.raises(AggregatorError, match="no list of feeds"):
        run("import", str(file.parent / "list.opml"))


def test_import_tells_of_the_lists_that_a_list_includes(run: Callable[..., Result], file: Path) -> None:
    outlines = "".join(
        f'\n<outline type="{kind}" text="More" {name}="https://{user}lists.example/more.opml"/>'
        for kind, name, user in (("include", "url", ""), ("include", "url", "me:hunter2@"), ("rss", "xmlUrl", "me:hunter2@"))
    )
    (file.parent / "list.opml").write_text(f'<opml version="2.0"><body>{outlines}</body></opml>')
    result = run("import", str(file.parent / "list.opml"))
    assert "line 2: another list, https://lists.example/more.opml; `- opml: https://lists.example/more.opml`" in result.stderr
    assert "line 3: an include without a plain http or https address" in result.stderr
    assert "hunter2" not in result.stderr
    assert "0 added, 0 there already, 3 left out" in result.output


def test_export_is_read_again_and_holds_no_password(run: Callable[..., Result], file: Path, site: str) -> None:
    file.write_text(
        file.read_text().replace("/one.xml'", "/one.xml', group: G").replace("http://127", "http://me:hunter2@127", 1)
    )
    exported = run("export", "opml").output
    assert "hunter2" not in exported
    (file.parent / "list.opml").write_text(exported)
    file.write_text("sources: []\n")
    run("import", str(file.parent / "list.opml"))
    assert f"  - url: {site}/one.xml\n    group: G\n" in file.read_text()


def test_export_masks_nothing_that_another_reader_needs(run: Callable[..., Result], file: Path) -> None:
    url = "https://x.example/feed/3f9c8e7d6b5a4c3d/news.atom?session=S"
    file.write_text(f"sources:\n  - {url}\n  - https://y.example/${{HOME}}/feed\n")
    exported = run("export", "opml").output
    assert f'xmlUrl="{url}"' in exported
    assert 'xmlUrl="https://y.example/${HOME}/feed"' in exported


def test_check_tells_addresses_that_can_bring_nothing(run: Callable[..., Result], file: Path) -> None:
    addresses = (
        "http://192.168.1.20:3000/rss",
        "https://www.youtube.com/@veritasium",
        "https://www.reddit.com/r/linux",
        "https://github.com/miniflux/v2",
        "https://instagram.com/nasa",
    )
    file.write_text("sources:\n" + "".join(f"  - {url}\n" for url in addresses))
    told = run("check").output
    assert "1 source" not in told and f"{len(addresses)} sources" in told, "these are warnings"
    for address, words in zip(
        addresses,
        (
            "add `network: {allow: [192.168.1.20/32]}`",
            "a page (YouTube channel), no feed; `aggregator add` finds its feed",
            "its feed should be at https://www.reddit.com/r/linux/.rss",
            "its feed should be at https://github.com/miniflux/v2/releases.atom",
            "Instagram offers no feeds",
        ),
        strict=True,
    ):
        (line,) = [line for line in told.splitlines() if address in line]
        assert words in line


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/feeds/videos.xml?channel_id=UCHnyfMqiRRG1u-2MsSQLbXA",
        "https://www.reddit.com/r/linux/.rss",
        "https://github.com/miniflux/v2/releases.atom",
        "https://gitlab.com/a/b/-/tags?format=atom",
        "https://a.blogspot.com/feeds/posts/default",
        "https://a.wordpress.com/?feed=rss2",
        "https://dev.to/feed/anna",
        "https://bsky.app/profile/anna.example/rss",
        "https://example.org/@anna",
        "https://example.org/",
        "https://news.ycombinator.com/rss",
    ],
)
def test_check_warns_of_no_feed(run: Callable[..., Result], file: Path, url: str) -> None:
    file.write_text(f"sources: ['{url}']\n")
    assert run("check").output.splitlines() == [run("check").output.strip()]


def test_a_new_source_is_named_by_its_title_where_its_address_does_not_name_it(
    run: Callable[..., Result], file: Path, site: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        monkeypatch.setitem(DOCUMENTS, f"/videos.xml?id={number}", ("application/rss+xml", FEED % b"V\xc3\xa9ritasium!"))
        run("add", f"{site}/videos.xml?id={number}")
    assert "- id: the-veritasium-co\n" in file.read_text() and "- id: the-veritasium-co-2\n" in file.read_text()
    outlines = f'<outline text="Nordkurs" xmlUrl="{site}/a?id=1"/><outline text="日本" xmlUrl="{site}/a?id=2"/>'
    (tmp_path / "l.opml").write_text(f'<opml><body>{outlines}<outline text="Plain" xmlUrl="{site}/plain.xml"/></body></opml>')
    run("import", str(tmp_path / "l.opml"))
    assert file.read_text().count("- id: ") == 3 and "- id: nordkurs\n" in file.read_text()
    assert "6 sources" in run("check").output


def test_add_does_not_offer_to_add_what_is_refused_for_its_address(run: Callable[..., Result], file: Path, site: str) -> None:
    file.write_text("sources: []\n")
    with pytest.raises(AggregatorError, match=r"network: \{allow: \[127.0.0.1/32\]\}") as caught:
        run("add", f"{site}/a.xml")
    assert "--untested" not in str(caught.value)


def test_an_untested_page_is_told(run: Callable[..., Result], file: Path) -> None:
    file.write_text("network: {proxy: 'http://127.0.0.1:1'}\nsources: []\n")
    told = run("add", "--untested", "https://www.youtube.com/@veritasium").output
    assert "is a page (YouTube channel), whose feed was not found" in told and "added" in told
    assert "whose feed was not found" not in run("add", "--untested", "https://www.reddit.com/r/linux").output


def test_adding_a_slow_source_to_feeds_that_are_read_tells_why_it_shows_nothing(
    run: Callable[..., Result], file: Path, site: str
) -> None:
    told = "1 entries, newest 2023-06-15: older than publish.backfill (1d), so searched, but in no feed until it posts"
    assert "backfill" not in run("add", f"{site}/a.xml").output, "a first run fills feeds with what there is"
    with closing(SqliteStore(file.parent / "data" / "aggregator.db")) as store, store.begin() as transaction:
        transaction.save_output(OutputState(Slug("all"), b"12345678", filling=False))
    assert told.replace("1 entries", "1 entry") in run("add", f"{site}/b.xml").output

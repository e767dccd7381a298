"""What a config means."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from aggregator.config.load import find_database, load, load_text
from aggregator.config.secrets import PLAIN_URL, SHORT_URL, look_closely
from aggregator.errors import ConfigError
from aggregator.model import Auto, Cron, Fixed, Slug, Source, SourceId
from aggregator.settings import (
    DAY,
    Backup,
    Dedup,
    Expectation,
    HostRule,
    Network,
    Outlet,
    Output,
    Polling,
    Publishing,
    Server,
    Settings,
    Site,
    Storage,
    Tagging,
)
from tests.unit.config.conftest import PATIENT, SOURCE, Loader, marks


def test_smallest_file(config: Loader, tmp_path: Path) -> None:
    settings = config("sources:\n  - https://www.example.org/news/world/feed.xml\n")
    (source,) = settings.sources
    assert (source.id, source.url, source.every) == (
        "example.org-news-world",
        "https://www.example.org/news/world/feed.xml",
        Auto(),
    )
    assert settings.site.url == "http://127.0.0.1:8080"
    assert settings.storage.database == str(tmp_path / "data/aggregator.db")
    assert [output.slug for output in settings.outputs] == ["all"]


@given(some.from_regex(PLAIN_URL, fullmatch=True).filter(lambda url: len(url) <= SHORT_URL))
def test_what_looks_like_a_plain_address_is_one(url: str) -> None:
    look_closely(url, hidden=False)  # raises for what is none


def test_source_takes_from_its_group_then_from_the_defaults(config: Loader) -> None:
    settings = config(
        """
defaults: {every: 30m, tags: [news], rank: 3, group: wires, headers: {X-A: "1", X-B: "1"}}
groups: {wires: {rank: 1, tags: [wire], dedup: {level: event}, headers: {x-b: "2"}, retain: 30d}}
sources:
  - {url: "http://a.example/", tags: [own]}
  - {url: "http://b.example/", every: 15m, group: other, dedup: false}
  - {url: "http://c.example/", every: "0 6 * * *", rank: 2}
"""
    )
    first, second, third = settings.sources
    assert (first.rank, first.tags, first.level, first.dedup) == (1, ("news", "wire", "own"), "event", True)
    assert (first.headers, first.retain) == ((("X-A", "1"), ("x-b", "2")), 30 * 86400)
    assert (second.rank, second.group, second.dedup, second.level) == (3, "other", False, "story")
    assert third.rank == 2
    assert [source.every for source in settings.sources] == [Fixed(1800, strict=False), Fixed(900), Cron("0 6 * * *")]


def test_outputs_add_and_reshape(config: Loader) -> None:
    settings = config(
        SOURCE
        + """
site: {title: My news}
publish: {items: 30}
topics:
  - {slug: ukraine, title: Ukraine, query: ukraine}
  - {slug: tech, query: software}
outputs:
  - {slug: tech, items: 5, content: full}
  - {slug: top, title: Top, query: "outlets>=3 age<1d"}
  - {slug: desk, access: {token: "${TOKEN}"}}
""",
        {"TOKEN": "0123456789abcdef"},
    )
    shapes = [
        (output.slug, output.title, output.topic, output.items, output.content, output.token) for output in settings.outputs
    ]
    assert shapes == [
        ("all", "My news", None, 30, "summary", None),
        ("ukraine", "Ukraine", "ukraine", 30, "summary", None),
        ("tech", "tech", "tech", 5, "full", None),
        ("top", "Top", None, 30, "summary", None),
        ("desk", "desk", None, 30, "summary", "0123456789abcdef"),
    ]


FULL = (Path(__file__).parent / "full.yaml").read_text()
ENVIRON = {"KEY": "abcdef123456"}


@pytest.fixture
def full(config: Loader, tmp_path: Path) -> Settings:
    (tmp_path / "token").write_text("s3cret-token\n")
    return config(FULL, ENVIRON)


def test_every_section(full: Settings, tmp_path: Path) -> None:
    assert full.site == Site("My news", "https://news.example.org", "ops@example.org", "en", "Europe/Brussels")
    assert full.storage == Storage(str(tmp_path / "data/news.db"), 30 * DAY, Backup(DAY / 2, 3, tmp_path / "copies"))
    assert full.server == Server("::1", 8081)
    assert full.publish == Publishing(
        tmp_path / "out/public", tmp_path / "out/private", 40, "title", 30.0, 2 * DAY, "https://hub.example/", "per-feed"
    )
    assert full.network == Network(("10.0.0.0/8", "192.168.1.20/32"), None, None, True)
    assert full.polling == Polling(60.0, DAY / 2, 8, 1, 10.0, 2 * 1024 * 1024)
    assert full.hosts == {"reddit.com": HostRule(60.0)}
    assert full.outlets == {
        "BBC": Outlet(("bbc.co.uk", "bbc.com")),
        "Blogs": Outlet(("blogs.example",), True),
        "posts.example": Outlet(("posts.example",), True),
    }
    assert full.dedup == Dedup(DAY, 2 * DAY, "event", ("title:weather",))
    assert full.tagging == Tagging(True, None, {"Sport": "sports", "Breaking": None})
    assert full.alerts_webhook == "https://desk.example/alerts"


def test_every_key_of_a_source(full: Settings) -> None:
    assert full.sources[1] == Source(
        id=SourceId("world"),
        url="https://feeds.example.net/world/rss.xml?key=abcdef123456",
        title="World",
        group="wires",
        rank=4,
        tags=("wire", "uk"),
        every=Fixed(900.0),
        keep="lang:en",
        drop="title:sponsored OR url:/live/\n",
        headers=(("Authorization", "Bearer s3cret-token"), ("X-Plain", "s3cret-token")),
        outlet="The World",
        aggregator=True,
        dedup=True,
        level="event",
        proxy="http://me:abcdef123456@proxy.example:3128",
        user_agent="News/1",
        silent_after=2 * DAY,
        retain=7 * DAY,
        enabled=False,
        private=True,
        full_text=True,
        enrich=(("translator", "translator"),),
        shown=full.sources[1].shown,
    )
    assert full.sources[0].every == Fixed(5400.0, strict=False)
    assert full.sources[2].every == Fixed(21600.0)
    assert (full.sources[2].dedup, full.sources[2].rank, full.sources[2].tags) == (False, 3, ("slow",))


def test_every_key_of_rules_and_outputs(full: Settings) -> None:
    assert full.tags[1].expect == (Expectation(True, "no more sanctions", line=39, column=62),)
    first, second, third = full.topics[0].expect
    assert (second.title, second.body, second.source, second.tags) == ("Talks", "Kyiv\non the war", "world", ("uk",))
    assert (first.match, third.match) == (True, False)
    shapes = {output.slug: output for output in full.outputs}
    assert list(shapes) == ["all", "ukraine", "top", "front", "late", "morning", "desk", "dropped"]
    assert shapes["top"].sort == "updated"
    front, late = shapes["front"], shapes["late"]
    assert (front.sort, front.per_thread, front.per_outlet, front.ranked) == ("weight", 1, 2, True)
    assert (late.sort, late.ranked) == ("published", False)
    assert shapes["morning"].digest == "0 6 * * *"
    assert (shapes["desk"].token, shapes["desk"].webhook_secret) == ("abcdef123456", "abcdef123456")
    assert shapes["dropped"].rejected


def test_what_was_filled_in_is_known_and_files_are_watched(full: Settings, tmp_path: Path) -> None:
    channels = {"slack://abcdef123456/b/c", "ntfy://h/ops", "ntfy://h/t"}
    assert full.secrets == {"abcdef123456", "s3cret-token", "Bearer s3cret-token"} | channels
    assert full.includes == (tmp_path / "token",)
    assert "abcdef123456" not in repr(full)
    assert "s3cret" not in repr(full)


def test_an_address_without_a_name_is_that_of_the_server(config: Loader) -> None:
    assert config(SOURCE + "server: {host: '::1', port: 81}\n").site.url == "http://[::1]:81"
    assert config(SOURCE + "server: {host: '[::1]', port: 81}\n").site.url == "http://[::1]:81"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]"])
def test_a_server_on_every_address_is_fine_with_the_address_of_the_site(config: Loader, host: str) -> None:
    settings = config(SOURCE + f"server: {{host: '{host}'}}\nsite: {{url: 'https://news.example'}}\n")
    assert (settings.site.url, settings.server.host) == ("https://news.example", host.strip("[]"))


DURATIONS = {"0s": 0, "90s": 90, "5m": 300, "1h30m": 5400, "1d": DAY, "2w3d4h5m6s": 17 * DAY + 4 * 3600 + 306}


@pytest.mark.parametrize("text", DURATIONS)
def test_durations(config: Loader, text: str) -> None:
    assert config(SOURCE + f"publish: {{backfill: {text}}}\n").publish.backfill == DURATIONS[text]


@pytest.mark.parametrize(("text", "size"), [("500KB", 500_000), ("1 MiB", 1_048_576), ("15mb", 15_000_000), ("1GB", 10**9)])
def test_sizes(config: Loader, text: str, size: int) -> None:
    assert config(SOURCE + f"polling: {{max_bytes: {text}}}\n").polling.max_bytes == size


@pytest.mark.parametrize("text", [SOURCE.replace("\n", "\r\n"), "\ufeff" + SOURCE, "%YAML 1.2\n---\n" + SOURCE, SOURCE + "...\n"])
def test_ways_to_write_a_file(config: Loader, text: str) -> None:
    assert config(text).sources[0].id == "one"


def test_what_is_worth_telling(config: Loader) -> None:
    sources = "sources:\n  - {id: a, url: 'http://a.example/', every: 10s}\n  - {id: b, url: 'http://a.example/'}\n"
    settings = config(sources + "alerts: {webhook: 'https://a.example/'}\n")
    assert [note.split("feeds.yaml:")[1][:3] for note in settings.notes] == ["2:5", "3:5"]
    assert "no sources" in config("sources: []\n").notes[0]
    assert "polled twice" in config("sources: [http://a.example/, http://a.example/]\n").notes[0]


def test_an_edit_makes_no_other_source_anew(tmp_path: Path) -> None:
    file, outline = tmp_path / "feeds.yaml", '<outline xmlUrl="https://{0}.example/" text="{0}" category="world"/>'
    (tmp_path / "list.opml").write_text(f"<opml><body>{''.join(map(outline.format, 'xyz'))}</body></opml>")
    text = "sources:\n  - opml: list.opml\n" + "".join(f"  - {{url: https://{one}.example/, title: {one}}}\n" for one in "abc")
    before = load_text(file, text, marks, {})
    after = load_text(file, text.replace("title: b", "title: Edited"), marks, {}, before=before.sources_by_id)
    kept = [old.id for old, new in zip(before.sources, after.sources, strict=True) if old is new]
    assert kept == ["a.example", "c.example", "x.example", "y.example", "z.example"]
    assert after.sources_by_id[SourceId("b.example")].title == "Edited"


lines = FULL.splitlines()


@PATIENT
@given(some.data())
def test_no_edit_of_a_file_can_do_more_than_be_refused(tmp_path_factory: pytest.TempPathFactory, data: some.DataObject) -> None:
    """Lines dropped, doubled, cut, mixed and shifted: there is always an answer with places, or settings."""
    edited = list(lines)
    for _ in range(data.draw(some.integers(1, 4))):
        at = data.draw(some.integers(0, len(edited) - 1))
        other = data.draw(some.sampled_from(lines))
        cut = data.draw(some.integers(0, 80))
        junk = data.draw(
            some.sampled_from(
                [
                    "",
                    " ",
                    "\t",
                    "- ",
                    "{",
                    "]",
                    ": ",
                    "*a",
                    "&a ",
                    "!!x ",
                    "'",
                    '"',
                    "| ",
                    "no",
                    "12:30",
                    "null",
                    "\x00",
                    "\u202e",
                ]
            )
        )
        edited[at] = data.draw(
            some.sampled_from(
                ["", edited[at] + "\n" + edited[at], edited[at][:cut], other, edited[at][:cut] + junk + edited[at][cut:]]
            )
        )
    folder = tmp_path_factory.getbasetemp() / "edits"
    folder.mkdir(exist_ok=True)
    (folder / "token").write_text("s3cret-token")
    file = folder / "feeds.yaml"
    file.write_bytes("\n".join(edited).encode())
    try:
        load(file, marks, ENVIRON)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            assert 1 <= problem.line <= len("\n".join(edited).splitlines()) + 1
            assert problem.column >= 1
        assert "abcdef123456" not in str(error)
        assert "s3cret" not in str(error)
        assert str(error).isprintable() or set(filter(lambda c: not c.isprintable(), str(error))) <= {"\n", "\t"}


def test_a_config_that_says_nothing_is_the_settings_as_they_are(config: Loader) -> None:
    """What a key means when it is absent stands in one place."""
    said, plain = config("sources: ['http://a.example/']"), Settings(Path(), ())
    base = said.file.parent
    assert said.site == replace(plain.site, url="http://127.0.0.1:8080")
    assert said.storage == replace(plain.storage, database=str(base / plain.storage.database))
    assert said.publish == replace(plain.publish, directory=base / plain.publish.directory, private=base / plain.publish.private)
    assert (said.server, said.network, said.polling, said.dedup) == (plain.server, plain.network, plain.polling, plain.dedup)
    assert (said.tagging, said.hosts, said.alerts_webhook) == (plain.tagging, plain.hosts, plain.alerts_webhook)
    assert said.outputs == (Output(Slug("all"), plain.site.title),)
    [source] = said.sources
    assert source == Source(source.id, source.url, shown=source.shown)


def test_a_backup_of_which_nothing_is_said(config: Loader) -> None:
    said = config("sources: []\nstorage: {backup: {}}")
    assert said.storage.backup == replace(Backup(), directory=said.file.parent / Backup().directory)
    said = config("sources: []\nstorage: {database: /var/lib/news/news.db, backup: {}}")
    assert said.storage.backup == replace(Backup(), directory=Path("/var/lib/news/backup")), "where the daemon may write"


def test_a_database_on_a_server_is_filled_in_and_its_password_shown_nowhere(config: Loader) -> None:
    said = config("sources: []\nstorage: {database: 'postgresql://news:${PASSWORD}@db.example/news'}", {"PASSWORD": "hunter2"})
    assert said.storage.database == "postgresql://news:hunter2@db.example/news"
    assert said.storage.folder == said.file.parent / "data", "where fetched lists are kept"
    assert "hunter2" in said.secrets and "hunter2" not in repr(said)
    assert "swordfish" in config("sources: []\nstorage: {database: 'postgres://news:swordfish@db/news'}").secrets
    whole = config("sources: []\nstorage: {database: '${DATABASE}'}", {"DATABASE": "postgresql:///news?host=/run/postgresql"})
    assert whole.storage.database == "postgresql:///news?host=/run/postgresql"
    assert find_database(whole.file).parent == whole.storage.folder
    confined = config("sources: []\nstorage: {database: 'postgresql://db/news'}\npublish: {private: /srv/news/private}")
    assert confined.storage.folder == Path("/srv/news"), "the config may lie where nothing can be written"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("s3://news", "s3://news"),
        ("s3://news.example.org/", "s3://news.example.org"),
        ("gs://news/a/b-1_(x)/", "gs://news/a/b-1_(x)"),
        ("az://site/news", "az://site/news"),
    ],
)
@pytest.mark.parametrize(
    ("database", "beside"),
    [
        ("data/aggregator.db", "data/public"),
        ("/var/lib/news/a.db", "/var/lib/news/public"),
        ("postgresql://db/news", "data/public"),
    ],
)
def test_a_site_in_an_object_store_has_its_files_beside_the_database(
    config: Loader, written: str, address: str, database: str, beside: str
) -> None:
    said = config(f"sources: []\npublish: {{directory: '{written}'}}\nstorage: {{database: '{database}'}}")
    assert said.publish.objects == address
    assert said.publish.directory == said.file.parent / beside
    assert config("sources: []").publish.objects is None


@pytest.mark.parametrize("emptied", ["site:", "polling:", "hosts:", "groups:", "tags:", "outputs:", "categories:", "x-mine:"])
def test_a_section_of_which_all_lines_are_commented_out_is_as_absent(config: Loader, emptied: str) -> None:
    assert config(f"sources: ['http://a.example/']\n{emptied}\n") == config("sources: ['http://a.example/']\n")


@pytest.mark.parametrize(
    "null", ["network: {proxy: }", "defaults: {group: null}", "categories: {map: {News: ~}}", "categories: {map: }"]
)
def test_null_may_be_written_where_it_has_a_meaning(config: Loader, null: str) -> None:
    config(f"sources: []\n{null}")


@pytest.mark.parametrize("host", ["https://mcp.example.org", "mcp.example.org:8090", "mcp.example.org/mcp", "*", "a b", ""])
def test_hosts_of_assistants_are_names(config: Loader, host: str) -> None:
    with pytest.raises(ConfigError, match="hosts"):
        config(SOURCE + f"server: {{mcp: {{token: long-enough, hosts: ['{host}']}}}}")


def test_the_token_of_assistants_is_a_secret(config: Loader) -> None:
    settings = config(SOURCE + "server: {mcp: {token: let-them-in, hosts: [MCP.example.org]}}")
    assert settings.server.mcp is not None and settings.server.mcp.hosts == ("mcp.example.org",)
    assert "let-them-in" in settings.secrets and "let-them-in" not in repr(settings.server)

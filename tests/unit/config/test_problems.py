"""What is wrong with a config, where, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.config.conftest import SOURCE, Loader

Problems = Callable[..., list[str]]


def source(keys: str) -> str:
    """A config whose second line is a source with these keys."""
    return f"sources:\n  - {{url: 'http://b.example/', {keys}}}\n"


FORM: list[tuple[str, str | bytes, str, str]] = [
    # name, text, LINE:COL, words
    ("a tab as indentation", "sources:\n\t- http://a.example/\n", "2:1", "tab"),
    ("a bracket never closed", "sources: [http://a.example/\n", "1:10", "not closed"),
    ("a quote never closed", "site: {title: 'x}\nsources: []\n", "1:15", "never closed"),
    ("indented otherwise", "sources:\n  - id: a\n    url: http://a.example/\n   title: A\n", "4:4", "indented"),
    ("a text behind quotes", SOURCE + 'topics:\n  - slug: t\n    query: "a b" c\n', "4:18", "behind the closing quote"),
    ("a text behind quotes in braces", SOURCE + "topics: [{slug: t, query: 'a' OR b}]\n", "2:31", "behind the closing quote"),
    ("a colon in a bare text", "site:\n  title: News: today\nsources: []\n", "2:14", "quotes"),
    ("a star that begins a bare value", "sources:\n  - url: http://a.example/\n    every: */5 * * * *\n", "3:13", "quotes"),
    ("an at sign that begins a bare value", "site: {title: @home}\n" + SOURCE, "1:15", "quotes"),
    ("a list on the line of its key", "topics: - slug: t\n" + SOURCE, "1:9", "line of its own"),
    ("a key twice", SOURCE + "site: {title: A}\nsite: {title: B}\n", "3:1", "`site` is given twice (first in line 2)"),
    ("a key twice, deep", SOURCE + "topics:\n  - slug: t\n    query: a\n    query: b\n", "5:5", "`query` is given twice"),
    ("an alias in a circle", "sources: &s\n  - *s\n", "2:5", "circle"),
    ("an alias of nothing", "sources: *s\n", "1:10", "&s that is undefined"),
    ("a YAML tag", SOURCE + "x-a: !!python/object/apply:os.system ['true']\n", "2:6", "tag"),
    ("a second document", SOURCE + "---\nsite: {}\n", "2:1", "document"),
    ("something behind the end", SOURCE + "...\nmore\n", "3:1", "nothing may follow"),
    ("a list at the top", "- a\n", "1:1", "mapping"),
    ("a text at the top", "hello\n", "1:1", "mapping"),
    ("nothing", "", "1:1", "empty"),
    ("comments alone", "# nothing\n", "1:1", "empty"),
    ("a key that is no text", SOURCE + "tags: {no: oslo}\n", "2:8", "false"),
    ("deep nesting", SOURCE + "x-a: " + "[" * 50 + "]" * 50, "2:45", "deep"),
    ("a merge of something else", "x-a: &a [1]\n" + "sources: [{<<: *a, url: 'http://a.example/'}]\n", "2:12", "merge"),
    ("bytes that are not UTF-8", b"site:\n  title: caf\xe9\n", "2:13", "UTF-8"),
    ("UTF-16", SOURCE.encode("utf-16"), "1:1", "UTF-16"),
    ("a NUL", SOURCE.encode() + b"# \x00\n", "2:3", "U+0000"),
    ("a control character in quotes", 'site: {title: "a\x07b"}\n', "1:17", "U+0007"),
    ("a control character by an escape", 'site: {title: "a\\x07b"}\n' + SOURCE, "1:15", "U+0007"),
    ("a direction override", 'site: {title: "a\u202eb"}\n' + SOURCE, "1:17", "U+202E"),
]


def test_a_tab_between_sections_is_told_once(problems: Problems) -> None:
    [told] = problems("sources:\n  - http://a.example/\n\ttopics: []\n")
    assert told.count("tab") == told.count("indent with spaces") == 1


@pytest.mark.parametrize(("text", "place", "words"), [row[1:] for row in FORM], ids=[row[0] for row in FORM])
def test_form(problems: Problems, text: str | bytes, place: str, words: str) -> None:
    told = problems(text)
    assert any(one.startswith(f"{place}: ") and words in one for one in told), told


TRAPS = {
    "no": "false",
    "off": "false",
    "Yes": "true",
    "TRUE": "true",
    "12": "a number",
    "1.5": "a number",
    "1e3": "a number",
    ".5": "a number",
    "+3": "a number",
    "1_000": "a number",
    ".inf": "a number",
    ".NaN": "a number",
    "0x1F": "the number 31",
    "0o17": "the number 15",
    "0b11": "the number 3",
    "0123": "the number 83",
    "089": "a number",
    "12:30": "the number 750",
    "1:02:03": "the number 3723",
    "2026-01-01": "a date",
    "2026-01-01 10:00:00": "a date",
}


@pytest.mark.parametrize("key", ["title", "id", "group", "outlet"])
@pytest.mark.parametrize("text", TRAPS)
def test_what_yaml_reads_as_something_else_than_text(problems: Problems, key: str, text: str) -> None:
    (told,) = problems(source(f"{key}: {text}"))
    column = source(f"{key}: ").splitlines()[1].index(f"{key}: ") + len(key) + 3
    assert told.startswith(f"2:{column}: {key}: must be text")
    assert TRAPS[text] in told
    assert "quotes" in told


@pytest.mark.parametrize("text", ["no one", "1.2.3", "on-line", "~x", "12:75", "0x", "nobody", "2026-1", "-", "e3", "127.0.0.1"])
def test_what_only_looks_like_a_trap(config: Loader, text: str) -> None:
    assert config(source(f"title: {text!r}")).sources[0].title == text
    assert text == "-" or config(source(f"title: {text}")).sources[0].title == text


VALUES: list[tuple[str, str, str]] = [
    # text behind SOURCE (which is line 1), LINE:COL, words
    ("site: {url: 'a.example'}", "2:13", "http://"),
    ("outputs: [{slug: a, sort: heaviest}]", "2:27", "`weight`"),
    ("outputs: [{slug: a, rejected: true, sort: weight}]", "2:43", "`weight` ranks stories"),
    ("outputs: [{slug: a, per_outlet: 1, rejected: true}]", "2:33", "this ranks stories"),
    ("outputs: [{slug: a, per_thread: 0}]", "2:33", "per_thread"),
    ('site: {title: "a\\rb"}', "2:15", "one line"),
    ('site: {title: "a\\u2028b"}', "2:15", "one line"),
    ('topics: [{slug: "a\\rb", query: a}]', "2:17", "slug"),
    ('publish: {directory: "a\\rb"}', "2:22", "path"),
    ("site: {timezone: Mars/Base}", "2:18", "time zone"),
    ("site: {language: the usual one}", "2:18", "language"),
    ("storage: {keep: soon}", "2:17", "no duration"),
    ("storage: {keep: 5 minutes}", "2:17", "did you mean 5m?"),
    ("storage: {keep: 1d 12h}", "2:17", "did you mean 1d12h?"),
    ("storage: {keep: '90'}", "2:17", "did you mean 90s?"),
    ("storage: {keep: 5D}", "2:17", "did you mean 5d?"),
    ("storage: {keep: 90}", "2:17", "`90s`"),
    ("storage: {database: 'mysql://u:hunter2@h/db'}", "2:21", "path of an SQLite file, or postgresql://"),
    ("storage: {database: 'postgresql://u:hunter2@h:x/db'}", "2:21", "host or port"),
    ("storage: {database: 'postgresql://u:hunter2@h/db', backup: {}}", "2:60", "`pg_dump`"),
    ("storage: {database: ' data/x.db'}", "2:21", "path of a file"),
    ("server: {host: 0.0.0.0}", "2:16", 'add `site: {url: "http://192.168.1.20:8080"}`'),
    ("server: {host: '::', port: 81}", "2:16", "192.168.1.20:81"),
    ("server: {host: '[::]'}", "2:16", "listens on every address"),
    ("server: {host: '0'}", "2:16", "listens on every address"),
    ("server: {host: '0x0.0'}", "2:16", "listens on every address"),
    ("server: {host: '::ffff:0.0.0.0'}", "2:16", "listens on every address"),
    ("site: {url: 'http://0.0.0.0:8080'}", "2:13", "no reader can open"),
    ("site: {url: 'http://[::]/news'}", "2:13", "no reader can open"),
    ("site: {url: 'https://me.example/news?x=1'}", "2:13", "made by adding to it"),
    ("site: {url: 'https://me.example/#news'}", "2:13", "made by adding to it"),
    ("site: {url: 'https://me.example/a//b'}", "2:13", "made by adding to it"),
    ("site: {url: 'https://me.example/a/%2e%2e/b'}", "2:13", "made by adding to it"),
    ("outputs: [{slug: x, query: a, access: secret-token}]", "2:39", '`access: {token: "${FEED_TOKEN}"}`'),
    ("outputs: [{slug: x, query: a, access: {token: }}]", "2:47", 'for example "${FEED_TOKEN}"'),
    ("outputs: [{slug: x, query: a, access: {}}]", "2:39", 'write `token: "${FEED_TOKEN}"`'),
    ('outputs: [{slug: x, query: a, access: {token: "${DESK}"}}]', "2:47", "export DESK="),
    ("server: {port: 0}", "2:16", "at least 1"),
    ("server: {port: 70000}", "2:16", "at most 65535"),
    ("server: {port: '80'}", "2:16", "without quotes"),
    ("server: {port: 0x50}", "2:16", "whole number"),
    ("server: {port: 080}", "2:16", "write 80"),
    ("publish: {items: 2.5}", "2:18", "whole number"),
    ("publish: {content: ful}", "2:20", "did you mean `full`?"),
    ("publish: {websub: perhaps}", "2:19", "true or false"),
    ("publish: {directory: .}", "2:22", "the config file"),
    ("publish: {private: data/public/private}", "2:20", "publish.private"),
    ("publish: {directory: 's4://news'}", "2:22", "s3://BUCKET/PREFIX"),
    ("publish: {directory: 'file:///srv/news'}", "2:22", "path of a folder"),
    ("publish: {directory: 's3://'}", "2:22", "no name of a bucket"),
    ("publish: {directory: 's3:///site'}", "2:22", "no name of a bucket"),
    ("publish: {directory: 's3://News/site'}", "2:22", "no name of a bucket"),
    ("publish: {directory: 's3://news//site'}", "2:22", "prefix"),
    ("publish: {directory: 's3://news/a/../b'}", "2:22", "prefix"),
    ("publish: {directory: 's3://news/site?x=1'}", "2:22", "prefix"),
    ("publish: {directory: 's3://key:hunter2@news/site'}", "2:22", "from the environment"),
    ("publish: {private: 's3://news/private'}", "2:20", "not an address"),
    ("publish: {directory: 's3://news', private: data/public/private}", "2:22", "publish.private"),
    ("publish: {directory: 's3://news', private: data}", "2:44", "side by side"),
    ("storage: {database: data/public/x.db}", "2:21", "storage.database"),
    ("network: {allow: 10.0.0.0/8}", "2:18", "must be a list"),
    ("network: {allow: [10.0.0.1/8]}", "2:19", "did you mean 10.0.0.0/8?"),
    ("network: {allow: [everything]}", "2:19", "`everything`"),
    ("polling: {min: 2d, max: 1h}", "2:16", "polling.max (1h)"),
    ("polling: {min: 12:30}", "2:16", "the number 750"),
    ("polling: {min: -5m}", "2:16", "negative"),
    ("polling: {workers: 0}", "2:20", "at least 1"),
    ("polling: {max_bytes: 15}", "2:22", "`15MB`"),
    ("polling: {max_bytes: 5GB}", "2:22", "1GB"),
    ("dedup: {within: 8d}", "2:17", "dedup.at_most (7d)"),
    ("hosts: {www.reddit.com: {gap: 5s}}", "2:9", "`reddit.com`"),
    ("hosts: {reddit.com: 5s}", "2:21", "must be a map"),
    ("outlets: {BBC: bbc.co.uk}", "2:16", "must be a list"),
    ("outlets: {BBC: ['https://www.bbc.co.uk/']}", "2:17", "write `bbc.co.uk` instead"),
    ("outlets: {BBC: [BBC World]}", "2:17", "`BBC World` is no domain; write for example bbc.co.uk"),
    ("outlets: {UK: [co.uk]}", "2:16", "`co.uk` is no domain"),
    ("outlets: {BBC: {platform: true}}", "2:11", "`BBC` has no domains; write for example `BBC: [bbc.co.uk, bbc.com]`"),
    ("outlets: {BBC: {domain: [bbc.com]}}", "2:17", "did you mean `domains`?"),
    ("outlets: {BBC: [bbc.com], Auntie: [bbc.com]}", "2:36", "`bbc.com` belongs to `BBC` already, in line 2"),
    ("groups: {wires: {title: x}}", "2:18", "no key `title`"),
    ("groups: {wires: }", "2:17", "no value"),
    ("subjects: perhaps", "2:11", "true or false"),
    ("entities: {file: nowhere.yaml}", "2:18", "no file nowhere.yaml"),
    ("categories: {map: {Sport: no}}", "2:27", "false"),
    ("tags: {a: {qurey: b}}", "2:12", "did you mean `query`?"),
    ("tags: {'a b': c}", "2:8", "did you mean `a-b`?"),
    ("tags: {'': c}", "2:8", "no tag"),
    ("topics: {slug: t}", "2:9", "must be a list"),
    ("topics: [{slug: t}]", "2:10", "`query` is missing"),
    ("topics: [{slug: t, query: a, notify: []}]", "2:30", "no key `notify` in `topics`; it belongs into `outputs`, at one"),
    ("topics: [{slug: t, query: a, digest: 0 6 * * *}]", "2:30", "with the slug of the topic"),
    ("topics: [{query: a}]", "2:10", "`slug` is missing"),
    ("topics: [{slug: T, query: a}]", "2:17", "did you mean `t`?"),
    ("topics: [{slug: a/b, query: a}]", "2:17", "slug"),
    ("topics: [{slug: ../x, query: a}]", "2:17", "slug"),
    ("topics: [{slug: '', query: a}]", "2:17", "empty"),
    ("topics: [{slug: all, query: a}]", "2:17", "reserved"),
    ("topics: [{slug: t, query: a}, {slug: t, query: b}]", "2:38", "in line 2"),
    ("topics: [{slug: t, query: ''}]", "2:27", "empty"),
    ("topics: [{slug: t, query: a, expect: {match: a}}]", "2:46", "[a]"),
    ("topics: [{slug: t, query: a, expect: {matches: [a]}}]", "2:39", "did you mean `match`?"),
    ("topics: [{slug: t, query: a}]\noutputs: [{slug: t, query: b}]", "3:28", "slug of a topic"),
    ("outputs: [{slug: o, digest: daily}]", "2:29", "cron line"),
    ("outputs: [{slug: o, digest: '0 6 31 2 *'}]", "2:29", "cron"),
    ("outputs: [{slug: o, webhook: desk.example}]", "2:30", "did you mean https://desk.example?"),
    ("outputs: [{slug: o, access: {token: abc}}]", "2:37", "8 to 256"),
    ("feeds: [a]", "2:1", "did you mean `sources`?"),
    ("timeout: 20s", "2:1", "belongs into `polling:`"),
    ("polling: {timeuot: 20s}", "2:11", "did you mean `timeout`?"),
    ("publish: {back-fill: 1d}", "2:11", "did you mean `backfill`?"),
    ("include: ../x", "2:1", "no key `include`"),
]


@pytest.mark.parametrize(("text", "place", "words"), VALUES, ids=[row[0] for row in VALUES])
def test_values_and_keys(problems: Problems, text: str, place: str, words: str) -> None:
    told = problems(SOURCE + text + "\n")
    assert any(one.startswith(f"{place}: ") and words in one for one in told), told
    assert len(told) == 1, told


MARK = "¦"
SOURCES: list[tuple[str, str]] = [
    # a source with a mark where the problem is, words
    ("¦{id: a}", "address is missing"),
    ("{id: a, ¦ulr: x}", "did you mean `url`?"),
    ("{id: a, ¦link: x}", "did you mean `url`?"),
    ("¦5", "an address or a map"),
    ("¦www.example.org/feed", "did you mean https://www.example.org/feed?"),
    ("{url: ¦'ftp://a.example/'}", "http://"),
    ("{url: ¦'http:///feed'}", "no host"),
    ("{url: ¦'http://a.example:99999/'}", "port"),
    ("{url: ¦'http://a.example/a b'}", "%20"),
    ("{url: ¦'http://[::1/'}", "host"),
    ("{url: ¦['http://a.example/']}", "must be text"),
    ("{url: ¦'http://${}/'}", "no environment variable"),
    ("{url: ¦'http://${A'}", "not closed"),
    ("{url: ¦'http://a.example/${NOT_SET}'}", "NOT_SET is not set"),
    ("{url: 'http://a.example/', every: ¦never}", "neither auto"),
    ("{url: 'http://a.example/', every: ¦15}", "`15m`"),
    ("{url: 'http://a.example/', every: ¦'61 * * * *'}", "minute"),
    ("{url: 'http://a.example/', every: ¦'5 parsecs'}", "`5 parsecs` is neither auto, nor a duration (15m), nor a cron line"),
    ("{url: 'http://a.example/', every: ¦'5 parsecs 1 2 3'}", "is neither auto, nor a duration"),
    ("{url: 'http://a.example/', every: ¦every hour}", 'nor a cron line ("0 6 * * *"); did you mean 1h?'),
    ("{url: 'http://a.example/', every: ¦every 5 minutes}", "did you mean 5m?"),
    ("{url: 'http://a.example/', every: ¦'@daily'}", "did you mean 1d?"),
    ("{url: 'http://a.example/', every: ¦1.5h}", "did you mean 90m?"),
    ("{url: 'http://a.example/', every: ¦'1,5 hours'}", "did you mean 90m?"),
    ("{url: 'http://a.example/', every: ¦1h 30m}", "did you mean 1h30m?"),
    ("{url: 'http://a.example/', every: ¦PT15M}", "did you mean 15m?"),
    ("{url: 'http://a.example/', every: ¦half an hour}", "did you mean 30m?"),
    ("{url: 'http://a.example/', every: ¦Auto}", "did you mean auto?"),
    ("{url: 'http://a.example/', every: ¦0}", "no interval: the shortest is 1s; `enabled: false` stops a source"),
    ("{url: 'http://a.example/', every: ¦0m}", "no interval"),
    ("{url: 'http://a.example/', every: ¦-5m}", "negative"),
    ("{url: 'http://a.example/', every: ¦5}", "`5m` for minutes"),
    ("{url: 'http://a.example/', every: ¦'0 6 * *'}", "five fields are needed"),
    ("{url: 'http://a.example/', every: ¦'0 0 6 * * *'}", "five fields are needed"),
    ("{url: 'http://a.example/', id: ¦BBC}", "did you mean `bbc`?"),
    ("{url: 'http://a.example/', id: ¦'../x'}", "no id"),
    ("{url: 'http://a.example/', id: ¦}", "no value"),
    ("{url: 'http://a.example/', tags: ¦uk}", "[uk]"),
    ("{url: 'http://a.example/', tags: [¦a b]}", "did you mean `a-b`?"),
    ("{url: 'http://a.example/', dedup: ¦never}", "false, or a map"),
    ("{url: 'http://a.example/', dedup: {level: ¦storey}}", "did you mean `story`?"),
    ("{url: 'http://a.example/', headers: {¦Host: x}}", "fetcher itself"),
    ("{url: 'http://a.example/', headers: {X-A: ¦5}}", "put it in quotes"),
    ("{url: 'http://a.example/', headers: {X-A: ¦'file:/nowhere/x'}}", "can't be read"),
    ('{url: "http://a.example/", headers: {X-A: ¦"a\\rb"}}', "one line"),
    ("{url: 'http://a.example/', proxy: ¦'socks5://p'}", "http://"),
    ("{url: 'http://a.example/', enabled: ¦'no'}", "true or false"),
    ("{url: 'http://a.example/', ¦interval: 5m}", "did you mean `every`?"),
    ("{opml: ¦nowhere.opml}", "can't be read"),
    ("{opml: ¦'ftp://a.example/x'}", "http://"),
]


@pytest.mark.parametrize(("marked", "words"), SOURCES, ids=[row[0] for row in SOURCES])
def test_sources(problems: Problems, marked: str, words: str) -> None:
    (told,) = problems(f"sources:\n  - {marked.replace(MARK, '')}\n")
    assert told.startswith(f"2:{5 + marked.index(MARK)}: ")
    assert words in told


def test_an_entry_without_anything(problems: Problems) -> None:
    (told,) = problems("sources:\n  -\n")
    assert told.startswith("2:4: sources, entry 1: is empty")


def test_everything_is_told_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    told = problems(
        """
site: {titel: x, url: nowhere}
polling: {min: soon, workers: 0}
sources:
  - {id: one, title: No url}
  - {id: one, url: "ftp://a.example/", keep: "a!"}
topics:
  - {slug: a/b, query: "b!"}
"""
    )
    assert [one.split(": ")[0] for one in told] == ["2:8", "2:23", "3:16", "3:31", "5:5", "6:10", "6:20", "6:48", "8:12", "8:26"]


def test_many_errors_are_counted(problems: Problems) -> None:
    told = problems("sources:\n" + "  - {ulr: x}\n" * 700)
    assert len(told) == 501
    assert "200 more" in told[-1]


def test_ids_are_unique_whatever_their_case(problems: Problems) -> None:
    told = problems("sources:\n  - {id: one, url: 'http://a.example/'}\n  - {id: ONE, url: 'http://b.example/'}\n")
    assert any(one.startswith("3:10: ") and "already in line 2" in one for one in told)


def test_a_bomb_of_aliases_is_refused_quickly(problems: Problems) -> None:
    bomb = "x-0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
    (told,) = problems(bomb + SOURCE)
    assert "unfold" in told


def test_aliases_and_merge_keys_work(config: Loader) -> None:
    settings = config(
        "x-wire: &wire {tags: [wire], every: 10m}\nsources:\n  - {<<: *wire, url: 'http://a.example/', every: 5m}\n"
    )
    assert (settings.sources[0].tags, settings.sources[0].every.seconds) == (("wire",), 300)  # type: ignore[union-attr]


def test_a_missing_file_names_what_to_do(tmp_path: Path) -> None:
    from aggregator.config.load import load
    from aggregator.errors import ConfigError
    from tests.unit.config.conftest import marks

    with pytest.raises(ConfigError, match="aggregator init"):
        load(tmp_path / "nowhere.yaml", marks, {})


SECRETIVE = [
    "sources: [{url: 'https://me:hunter2@a.example:port/'}]",
    "sources: [{url: 'https://me:hun/hunter2@a.example/'}]",
    "sources: [{url: 'me:hunter2@a.example/feed'}]",
    "sources: [{url: 'ftp://me:hunter2@a.example/feed'}]",
    "sources: [{url: 'https://me:hunter2@a.example/a b'}]",
    "sources: [{url: '${HIDDEN}'}]",
    "sources: [{url: 'http://a.example/', headers: {A: \"x${HIDDEN}\\n\"}}]",
    "sources: [{url: 'http://a.example/', headers: {A: {b: hunter2}}}]",
    "sources: [{url: 'http://a.example/', proxy: 'me:hunter2@p'}]",
    "sources: [{url: 'http://a.example/'}]\noutputs: [{slug: o, access: {token: 'hunter2'}}]",
    "sources: [{url: 'http://a.example/'}]\noutputs: [{slug: o, webhook: 'x:hunter2@y'}]",
    "sources: [{url: 'http://a.example/'}]\nstorage: {database: 'mysql://u:hunter2@h/db'}",
    "sources: [{url: 'http://a.example/'}]\nstorage: {database: 'postgresql://u:hunter2@h:x/db'}",
    "sources: [{url: 'http://a.example/'}]\nstorage: {database: '${HIDDEN}'}",
    "sources: [{url: 'http://a.example/'}]\npublish: {directory: 's3://key:hunter2@news/site'}",
    "sources: [{url: 'http://a.example/'}]\npublish: {directory: 's5://key:hunter2@news/site'}",
    "sources: [{opml: 'https://me:hunter2@a.example:port/'}]",
    "sources: [{opml: 'file:secret'}]",
    "sources: [{url: 'file:secret'}]",
]


@pytest.mark.parametrize("text", SECRETIVE)
def test_no_message_shows_a_secret(problems: Problems, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret").write_text("hunter2")
    told = problems(text, {"HIDDEN": "hunter2"})
    assert told
    assert "hunter2" not in "\n".join(told)


def test_a_password_in_an_address_is_kept_and_not_shown(config: Loader) -> None:
    settings = config(
        "sources: [{url: 'https://me:hunter2@a.example/feed'}, {url: 'https://b.example/?k=${KEY}'}]", {"KEY": "abcdef"}
    )
    first, second = settings.sources
    assert first.url == "https://me:hunter2@a.example/feed"
    assert first.shown == "https://a.example/feed"
    assert (second.url, second.id) == ("https://b.example/?k=abcdef", "b.example")
    assert "abcdef" not in second.shown
    assert {"hunter2", "abcdef"} <= settings.secrets
    assert "hunter2" not in repr(settings)
    assert "abcdef" not in repr(settings)


ORDER = [
    ("tags: {a: '¦tag:b*', b1: x}", "`b1`"),
    ("tags: {a: 'x ¦tag:B', b: y}", "`b`"),
    ("tags: {wire: '¦tag:\"WIRE\"'}", "its own tag"),
    ("topics: [{slug: t, query: a, expect: {match: [{title: a, source: ¦ones}]}}]", "did you mean `one`?"),
]


@pytest.mark.parametrize(("marked", "words"), ORDER, ids=[row[0] for row in ORDER])
def test_what_rules_may_ask_for(problems: Problems, marked: str, words: str) -> None:
    column = marked.index(MARK) + 1
    told = problems(SOURCE + marked.replace(MARK, "") + "\n")
    assert any(one.startswith(f"2:{column}: ") and words in one for one in told), told


def test_rules_may_ask_for_tags_of_sources_groups_and_earlier_rules(config: Loader) -> None:
    text = (
        "sources: [{url: 'http://a.example/', tags: [b0]}]\ngroups: {g: {tags: [c]}}\ntags: {a: 'tag:b0 OR tag:c', b: 'tag:a'}\n"
    )
    assert [rule.name for rule in config(text).tags] == ["a", "b"]

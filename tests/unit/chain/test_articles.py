"""Full text: the article of a short entry is fetched once, after its poll, where source and site allow it."""

from __future__ import annotations

import asyncio
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from aggregator.cli import root
from aggregator.errors import ConfigError
from aggregator.ports import WEBHOOK, Keep
from aggregator.text.html import text_of
from tests.articles.newsdesk import Desk, Newsdesk
from tests.articles.pages import TEXTS, make_pages, semantic
from tests.articles.site import Served, Site, html, served

ENGLISH = TEXTS[0]
ALLOWED = Served(b"User-agent: *\nDisallow: /private/\n", headers={"Content-Type": "text/plain"})


def entry(site: Site, path: str, title: str, **more: Any) -> dict[str, Any]:
    """An entry that gives hardly more than a title."""
    when = datetime.now(UTC) - timedelta(minutes=5)
    row = {
        "id": path,
        "url": site.url + path,
        "title": title,
        "summary": f"{title}, in short.",
        "date_published": when.isoformat(),
    }
    return row | more


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        site.pages["/robots.txt"] = ALLOWED
        yield site


@pytest.fixture
def desk(tmp_path: Path) -> Newsdesk:
    return Newsdesk(tmp_path)


def with_article(site: Site, desk: Newsdesk, page: Served | None = None, content: str = "summary", **more: Any) -> None:
    """One source with one entry, whose article is of our making."""
    site.pages["/a"] = page or served(semantic(ENGLISH))
    site.feed("/feed", [entry(site, "/a", ENGLISH.title, **more)])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true}}]", content)


def test_the_article_comes_out_of_forty_pages_and_what_is_around_it_does_not(site: Site, desk: Newsdesk) -> None:
    pages = list(make_pages())
    assert len(pages) == 40
    for page in pages:
        site.pages[f"/{page.name}"] = served(page)
    site.feed("/feed", [entry(site, f"/{page.name}", f"{page.title} ({page.name})", summary="") for page in pages])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    stories = desk.poll()
    items = {item.guid: item for story in stories for item in story.items}
    for page in pages:
        told = text_of(items[f"/{page.name}"].article)
        assert [one for one in page.told if one not in told] == [], page.name
        assert [one for one in page.around if one in told] == [], page.name
        assert site.asked(f"/{page.name}") == 1, page.name
    assert desk.outcomes == ["fetched"] * 40
    assert site.asked("/robots.txt") == 1
    assert {headers["User-Agent"] for headers in site.received} == {"Newsdesk/1.0 (+https://desk.example)"}


def test_an_article_gives_its_story_a_topic_and_full_feeds_its_text(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk, content="full")
    [story] = desk.poll()
    assert story.topics == ("harbour",)
    [row] = desk.feed("harbour")
    assert all(one in text_of(row["content_html"]) for one in ENGLISH.paragraphs)
    assert "<h1>" not in row["content_html"], "the headline is the entry's title"
    assert row["summary"] == f"{ENGLISH.title}, in short."


@pytest.mark.parametrize("summary", ["A line.", ""])
def test_a_feed_of_summaries_shows_nothing_of_it(site: Site, desk: Newsdesk, summary: str) -> None:
    with_article(site, desk, summary=summary)
    [story] = desk.poll()
    assert story.lead_item.article
    for row in desk.feed("all") + desk.feed("harbour"):
        assert "apprentices" not in json.dumps(row)
    pages = [file for file in (desk.folder / "data/public").rglob("*") if file.is_file() and "apprentices" in file.read_text()]
    assert not pages


def test_it_is_no_edit_and_nobody_is_told_again(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk, content="full")

    async def work(now: Desk) -> None:
        await now.poll()
        now.publish()
        [before] = now.stories()
        [shown] = desk.feed()
        await now.articles.run_all(60.0)
        now.publish()
        [after] = now.stories()
        assert after.lead_item.article and now.changed >= {"all", "harbour"}
        assert (after.id, after.updated, after.published, after.lead) == (
            before.id,
            before.updated,
            before.published,
            before.lead,
        )
        assert after.lead_item.hash == before.lead_item.hash and after.lead_item.entry == before.lead_item.entry
        [again] = desk.feed()
        assert again["content_html"] != shown["content_html"]
        assert {key: again[key] for key in ("id", "date_modified", "date_published")} == {
            key: shown[key] for key in ("id", "date_modified", "date_published")
        }

    desk.run(work)


def test_full_feeds_are_written_anew_though_nothing_else_changes(site: Site, desk: Newsdesk) -> None:
    """No tag and no topic comes with this text."""
    page = html(
        f"<article><h1>x</h1>{'<p>It was a fine day, and so was the next one.</p><p>Nobody said a word.</p>' * 3}</article>"
    )
    site.pages["/a"] = page
    site.feed("/feed", [entry(site, "/a", "A fine day", summary="Fine.")])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true}}]", "full")

    async def work(now: Desk) -> None:
        await now.poll()
        now.publish()
        [before] = now.stories()
        await now.articles.run_all(60.0)
        [after] = now.stories()
        assert (after.tags, after.topics) == (before.tags, before.topics) and now.changed == {"all"}
        now.publish()
        assert "Nobody said a word" in desk.feed()[0]["content_html"]

    desk.run(work)


def test_keep_and_drop_see_the_feed_s_text_alone(site: Site, desk: Newsdesk) -> None:
    """Else an edit of a rule would take out entries that the same rule lets in when they come."""
    site.pages["/a"] = served(semantic(ENGLISH))
    site.feed("/feed", [entry(site, "/a", ENGLISH.title)])
    for rule in ("apprentices", "apprentices OR zebras"):
        desk.configure(f"apply: true\nsources: [{{id: one, url: '{site.url}/feed', full_text: true, drop: '{rule}'}}]")
        [story] = desk.poll()
        assert story.lead_item.article


def test_an_edit_of_the_entry_keeps_the_article_and_its_words(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk)
    desk.poll()
    site.feed("/feed", [entry(site, "/a", ENGLISH.title, summary="Now the outlet says something else in short.")])
    [story] = desk.poll()
    assert "something else" in story.lead_item.entry.text
    assert "apprentices" in story.lead_item.text and story.topics == ("harbour",)
    assert site.asked("/a") == 1
    found = CliRunner().invoke(root, ["-c", str(desk.folder / "feeds.yaml"), "search", "apprentices"])
    assert ENGLISH.title in found.output


def test_it_is_asked_for_once_over_polls_and_restarts_whatever_came_of_it(site: Site, desk: Newsdesk) -> None:
    paths = {"/good": served(semantic(ENGLISH)), "/gone": Served(b"gone", 410), "/empty": html("<p>Nothing.</p>")}
    site.pages |= paths
    site.feed("/feed", [entry(site, path, f"News of {path[1:]}") for path in paths])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    for _ in range(3):
        desk.poll()
    assert [site.asked(path) for path in paths] == [1, 1, 1]
    assert sorted(desk.outcomes) == ["failed", "failed", "fetched"]


def test_an_attempt_that_was_cut_off_is_not_made_again(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk, Served(hangs=True))

    async def die(now: Desk) -> None:
        await now.poll()
        await now.articles.start_due()
        await asyncio.to_thread(site.wait_for, "/a")

    desk.run(die)
    site.pages["/a"] = served(semantic(ENGLISH))
    [story] = desk.poll()
    assert site.asked("/a") == 1 and not story.lead_item.article
    told = CliRunner().invoke(root, ["-c", str(desk.folder / "feeds.yaml"), "why", site.url + "/a"]).output
    assert "the program ended before it came" in told


def test_only_short_new_entries_of_sources_that_ask_for_it(site: Site, desk: Newsdesk) -> None:
    for path in ("/short", "/long", "/old", "/unasked"):
        site.pages[path] = served(semantic(ENGLISH))
    long_ago = (datetime.now(UTC) - timedelta(days=30)).isoformat()
    site.feed(
        "/feed",
        [
            entry(site, "/short", "A short one"),
            entry(site, "/long", "A long one", content_html=f"<p>{'A sentence of the feed itself. ' * 60}</p>"),
            entry(site, "/old", "An old one", date_published=long_ago),
            entry(site, "/none", "One without a link", url=None),
        ],
    )
    site.feed("/other", [entry(site, "/unasked", "Of a source that does not ask")])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true}}, {{id: two, url: '{site.url}/other'}}]")
    desk.poll()
    assert [site.asked(path) for path in ("/short", "/long", "/old", "/unasked")] == [1, 0, 0, 0]


def test_a_group_or_the_defaults_can_ask_for_it(site: Site, desk: Newsdesk) -> None:
    for path in ("/a", "/b"):
        site.pages[path] = served(semantic(ENGLISH))
        site.feed(f"/feed{path[1]}", [entry(site, path, f"News {path}")])
    urls = [f"{site.url}/feed{name}" for name in "ab"]
    sources = f"[{{id: a, url: '{urls[0]}', group: wires}}, {{id: b, url: '{urls[1]}'}}]"
    desk.configure(f"groups: {{wires: {{full_text: true}}}}\nsources: {sources}")
    desk.poll()
    assert (site.asked("/a"), site.asked("/b")) == (1, 0)


# --- robots.txt
def test_what_robots_txt_forbids_is_never_asked_for(site: Site, desk: Newsdesk) -> None:
    for path in ("/private/a", "/public/b"):
        site.pages[path] = served(semantic(ENGLISH))
    site.feed("/feed", [entry(site, path, f"News {path}") for path in ("/private/a", "/public/b")])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    desk.poll()
    desk.poll()
    assert (site.asked("/private/a"), site.asked("/public/b")) == (0, 1)
    assert sorted(desk.outcomes) == ["fetched", "forbidden"]
    told = CliRunner().invoke(root, ["-c", str(desk.folder / "feeds.yaml"), "why", site.url + "/private/a"]).output
    assert "full text: not asked for: its site's robots.txt forbids it" in told


def test_an_article_waits_for_a_robots_txt_that_could_not_be_read(site: Site, desk: Newsdesk) -> None:
    """Disallowed meanwhile, and not given up."""
    with_article(site, desk)
    site.pages["/robots.txt"] = Served(b"", 500)
    desk.poll()

    async def look(now: Desk) -> None:
        attempt = now.attempt(ENGLISH.title)
        assert attempt is not None and attempt.due is not None and attempt.asked is None
        assert time.time() + 60 < attempt.due < time.time() + 2 * 3600
        assert "robots.txt could not be read" in (attempt.outcome or "")

    desk.run(look)


def test_the_robots_txt_of_where_a_redirect_leads_counts_too(site: Site, desk: Newsdesk) -> None:
    with Site("127.0.0.2") as other:
        other.pages["/robots.txt"] = Served(b"User-agent: *\nDisallow: /there\n")
        other.pages |= {"/there": served(semantic(ENGLISH)), "/here": served(semantic(ENGLISH))}
        for path in ("/there", "/here"):
            site.pages[path] = Served(b"", 302, {"Location": other.url + path})
        site.feed("/feed", [entry(site, path, f"News {path}") for path in ("/there", "/here")])
        desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
        desk.poll()
        assert (other.asked("/there"), other.asked("/here")) == (0, 1)


def test_what_waits_is_given_up_after_a_day_or_if_nobody_wants_it_any_more(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk)

    async def poll_alone(now: Desk) -> None:
        await now.poll()

    desk.run(poll_alone)
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed'}}]")
    desk.poll()
    assert site.asked("/a") == 0 and desk.outcomes == ["failed"]


def test_an_article_is_asked_for_after_a_restart(site: Site, desk: Newsdesk) -> None:
    """The program ended between the poll and the article."""
    with_article(site, desk)

    async def poll_alone(now: Desk) -> None:
        await now.poll()

    desk.run(poll_alone)
    assert site.asked("/a") == 0
    [story] = desk.poll()
    assert story.lead_item.article and site.asked("/a") == 1


def test_the_poll_command_fetches_articles_and_publishes_them(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk, content="full")
    done = CliRunner().invoke(root, ["-c", str(desk.folder / "feeds.yaml"), "poll"])
    assert done.exit_code == 0, done.output
    assert "apprentices" in desk.feed("harbour")[0]["content_html"]


def test_a_webhook_hears_of_a_story_once(site: Site, desk: Newsdesk) -> None:
    site.pages["/a"] = served(semantic(ENGLISH))
    site.feed("/feed", [])
    hook = f"outputs: [{{slug: desk, query: ferry, content: full, webhook: '{site.url}/hook'}}]"
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true}}]\n{hook}")

    def sent(now: Desk) -> list[str]:
        return [one.version for one in now.store.deliveries(time.time() + 60, 10) if one.kind == WEBHOOK]

    async def work(now: Desk) -> None:
        await now.poll()
        now.publish()
        site.feed("/feed", [entry(site, "/a", "A ferry sails")])
        await now.poll()
        now.publish()
        before = sent(now)
        assert len(before) == 1
        with now.store.begin() as transaction:
            for delivery in now.store.deliveries(time.time() + 60, 10):
                transaction.remove_delivery(delivery)
        await now.articles.run_all(60.0)
        now.publish()
        assert now.item("A ferry sails").article and sent(now) == []

    desk.run(work)


def test_the_extra_is_imported_in_the_worker_that_reads_articles_alone() -> None:
    code = "import sys, aggregator.app, aggregator.reading.worker, aggregator.config.load; sys.exit('trafilatura' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- hostile and broken pages
BOMB = Served(gzip.compress(b"<p>word word</p>" * 8_000_000), headers={"Content-Type": "text/html", "Content-Encoding": "gzip"})
SCRIPT = html(
    f"<article><h1>x</h1><script>alert('stolen')</script>{''.join(f'<p onclick=evil()>{one}</p>' for one in ENGLISH.paragraphs)}"
    '<p><a href="javascript:alert(1)">press here</a><iframe src="https://evil.example"></iframe></p></article>'
)


NOTHING = {
    "/bomb": (BOMB, "too large"),
    "/deep": (html("<div>" * 200_000 + "text"), "no article"),
    "/refresh": (html('<meta http-equiv="refresh" content="0;url=/secret"><p>One moment.</p>'), "no more text"),
    "/private": (Served(b"", 302, {"Location": "http://10.1.2.3/admin"}), "not allowed"),
    "/metadata": (Served(b"", 302, {"Location": "http://169.254.169.254/latest/meta-data"}), "not allowed"),
    "/file": (Served(b"", 302, {"Location": "file:///etc/passwd"}), "file:"),
    "/loop": (Served(b"", 302, {"Location": "/loop"}), "redirect"),
    "/pdf": (Served(b"%PDF-1.7", headers={"Content-Type": "application/pdf"}), "no web page"),
    "/empty": (Served(b"", 200, {"Content-Type": "text/html"}), "empty"),
    "/broken": (Served(b"no", 500), "500"),
}
"""Pages that give nothing, and what is said of each."""


def test_a_page_that_gives_nothing_costs_nothing(site: Site, desk: Newsdesk) -> None:
    site.pages |= {path: page for path, (page, _) in NOTHING.items()}
    site.feed("/feed", [entry(site, path, f"News of {path[1:]}") for path in NOTHING])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    stories = desk.poll()
    assert not any(story.lead_item.article for story in stories) and desk.outcomes == ["failed"] * len(NOTHING)
    assert len(desk.feed()) == len(NOTHING), "all are published as they came"
    assert [site.asked(path) for path in NOTHING] == [1] * len(NOTHING) and site.asked("/secret") == 0

    async def outcomes(now: Desk) -> dict[str, str]:
        found = now.store.attempts([item.id for story in now.stories() for item in story.items])
        return {item.guid: found[item.id].outcome or "" for story in now.stories() for item in story.items}

    told = desk.run(outcomes)
    assert [path for path, (_, why) in NOTHING.items() if why not in told[path].lower()] == [], told


def test_what_is_kept_of_a_hostile_page_is_clean(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk, SCRIPT)
    [story] = desk.poll()
    article = story.lead_item.article.lower()
    assert ENGLISH.paragraphs[1].lower() in text_of(article)
    assert not [word for word in ("script", "onclick", "iframe", "evil", "stolen") if word in article]


def test_a_paywall_s_stub_is_no_article_if_the_feed_says_more(site: Site, desk: Newsdesk) -> None:
    page = next(page for page in make_pages() if page.name == "paywall-en")
    with_article(site, desk, served(page), summary="What the feed says of it is longer than that. " * 15)
    [story] = desk.poll()
    assert not story.lead_item.article


def test_headers_and_passwords_of_the_feed_are_not_sent_to_articles(site: Site, desk: Newsdesk) -> None:
    site.pages["/a"] = served(semantic(ENGLISH))
    site.feed("/feed", [entry(site, "/a", ENGLISH.title, url=f"{site.url.replace('//', '//me:pw@')}/a")])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, headers: {{X-Key: opensesame}}}}]")
    desk.poll()
    received = dict(zip(site.log, site.received, strict=True))
    assert received["/feed"].get("X-Key") == "opensesame"
    assert "X-Key" not in received["/a"] and "Authorization" not in received["/a"]


# --- other work goes on
def test_polls_do_not_wait_for_pages_that_hang(site: Site, desk: Newsdesk) -> None:
    """Of the same host and of others."""
    with Site("127.0.0.2") as other, Site("127.0.0.3") as third:
        sites = (site, other, third)
        for one in sites:
            one.pages |= {"/robots.txt": ALLOWED} | {f"/a{at}": Served(hangs=True) for at in range(4)}
            one.feed("/feed", [entry(one, f"/a{at}", f"News {at} of {one.url}") for at in range(4)])
        names = ", ".join(f"{{id: s{at}, url: '{one.url}/feed', full_text: true}}" for at, one in enumerate(sites))
        desk.configure(f"sources: [{names}]", timeout="60s")

        async def work(now: Desk) -> None:
            await now.poll()
            await now.articles.start_due()
            for one in sites:
                await asyncio.to_thread(one.wait_for, *(f"/a{at}" for at in range(4)))
            for one in sites:
                one.feed("/feed", [entry(one, "/new", f"The latest of {one.url}", url=None)])
            async with asyncio.timeout(20):  # the pages hang for a minute
                reports = await now.poll()
            assert [report.new for report in reports] == [1, 1, 1]
            assert all(sum(path.startswith("/a") for path in one.log) == 1 for one in sites), "one page of a host at a time"

        desk.run(work)


def test_one_source_s_pages_that_hang_hold_up_no_other_source(site: Site, desk: Newsdesk) -> None:
    """However many sites it links to."""
    with ExitStack() as stack:
        good, *traps = (stack.enter_context(Site(f"127.0.0.{last}")) for last in range(2, 7))
        for one in traps:
            one.pages |= {"/robots.txt": ALLOWED, "/trap": Served(hangs=True)}
        site.feed("/feed", [entry(site, f"/{at}", f"Trap {at}", url=f"{one.url}/trap") for at, one in enumerate(traps)])
        good.pages |= {"/robots.txt": ALLOWED, "/a": served(semantic(ENGLISH))}
        good.feed("/feed", [entry(good, "/a", ENGLISH.title)])
        names = ", ".join(f"{{id: {id}, url: '{one.url}/feed', full_text: true}}" for id, one in (("evil", site), ("good", good)))
        desk.configure(f"sources: [{names}]", timeout="60s")

        async def work(now: Desk) -> None:
            await now.poll()
            await now.articles.start_due()
            async with asyncio.timeout(20):  # the pages hang for a minute
                await asyncio.to_thread(good.wait_for, "/a")
            assert sum(one.asked("/trap") for one in traps) <= 2

        desk.run(work)


def test_a_host_that_asks_to_be_left_alone_is(site: Site, desk: Newsdesk) -> None:
    paths = ("/a", "/b", "/c")
    for path in paths:
        site.pages[path] = Served(b"slow down", 429, {"Retry-After": "3600"})
    site.feed("/feed", [entry(site, path, f"News {path}") for path in paths])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    desk.poll()
    desk.poll()
    assert sum(map(site.asked, paths)) == 1
    assert site.asked("/feed") == 1, "its feed is not asked for either"


def test_a_feed_that_links_elsewhere_can_not_stop_the_polls_of_others(site: Site, desk: Newsdesk) -> None:
    with Site("127.0.0.2") as victim:
        victim.pages["/search"] = Served(b"too many", 429, {"Retry-After": "86400"})
        victim.feed("/feed", [entry(victim, "/x", "News of the victim", url=None)])
        site.feed("/feed", [entry(site, "/a", "A trap", url=victim.url + "/search")])
        desk.configure(
            f"sources: [{{id: evil, url: '{site.url}/feed', full_text: true}}, {{id: good, url: '{victim.url}/feed'}}]"
        )
        desk.poll()
        desk.poll()
        assert (victim.asked("/search"), victim.asked("/feed")) == (1, 2)


def test_a_source_has_a_budget_of_articles(site: Site, desk: Newsdesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.stories.articles.PER_DAY", 2)
    paths = [f"/a{at}" for at in range(4)]
    for path in paths:
        site.pages[path] = served(semantic(ENGLISH))
    site.feed("/feed", [entry(site, path, f"News {path}") for path in paths])
    desk.configure(f"sources: [{{id: one, url: '{site.url}/feed', full_text: true, dedup: false}}]")
    desk.poll()
    site.feed("/feed", [entry(site, "/a9", "News of the same day")])
    desk.poll()
    assert sum(map(site.asked, [*paths, "/a9"])) == 2
    assert len(desk.feed()) == 5


# --- what a person sees
def test_why_and_stories_tell_of_it(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk)
    desk.poll()
    config = ["-c", str(desk.folder / "feeds.yaml")]
    assert "    full text: fetched 20" in CliRunner().invoke(root, [*config, "why", site.url + "/a"]).output
    [row] = map(json.loads, CliRunner().invoke(root, [*config, "stories", "--json"]).output.splitlines())
    assert row["items"][0]["full_text"].startswith("fetched 20")


def test_retention_takes_the_article_with_its_entry(site: Site, desk: Newsdesk) -> None:
    with_article(site, desk)
    [story] = desk.poll()

    async def sweep(now: Desk) -> None:
        site.feed("/feed", [])
        await now.poll()
        with now.store.begin() as transaction:
            for feed in now.store.members_of([story.id])[story.id]:
                transaction.withdraw(feed, [story.id])
        assert now.store.sweep(Keep(1.0, {}), time.time() + 10).items == 1
        assert now.store.attempts([story.lead]) == {}

    desk.run(sweep)


def test_without_the_extra_check_says_what_to_install(desk: Newsdesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.config.extras.find_spec", lambda name: None)
    desk.configure("groups: {wires: {full_text: true}}\nsources: ['https://example.org/feed']")
    found = CliRunner().invoke(root, ["-c", str(desk.folder / "feeds.yaml"), "check"])
    assert isinstance(found.exception, ConfigError) and found.exception.exit_code == 2
    assert "feeds.yaml:7:29: full_text:" in str(found.exception)
    assert "pip install 'aggregator[fulltext]'" in str(found.exception)

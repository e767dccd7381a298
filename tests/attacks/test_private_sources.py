"""A private source shows nowhere in public: not by a story, a name, a link, a count, a date or the hour of anything."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from aggregator.commands.application import Application
from aggregator.commands.export import export_site
from aggregator.errors import UsageError
from aggregator.model import Slug, Source, SourceId
from aggregator.ports import Reject
from aggregator.publish.site.export import Export
from aggregator.run.service import Service
from aggregator.store.identity import story_ids
from aggregator.store.retention import Keep
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.identity.domains import collect_owners
from tests.attacks.site import Site
from tests.unit.chain.newsroom import HOUR, Newsroom, document, entry

WIRE, PAPER, SECRET = "https://wire.example/feed.json", "https://paper.example/feed.json", "https://mole.example/feed.json"
CONFIG = f"""
site: {{url: "https://news.example", title: News}}
publish: {{items: 10, backfill: 10d}}
groups: {{quiet: {{private: true, tags: [eyes-only]}}}}
sources:
  - {{id: wire, url: "{WIRE}", title: Wire}}
  - {{id: paper, url: "{PAPER}", title: Paper}}
  - {{id: mole, url: "{SECRET}", title: The Mole, outlet: Mole News, MORE}}
topics:
  - {{slug: sea, title: The sea, query: ferry}}
outputs:
  - {{slug: many, query: "outlets>=2"}}
  - {{slug: tagged, query: "tag:eyes-only OR source:mole"}}
  - {{slug: morning, digest: "0 6 * * *"}}
  - {{slug: bin, rejected: true}}
  - {{slug: desk, title: Desk, access: {{token: desk-token}}}}
"""
PRIVATE, PUBLIC = CONFIG.replace("MORE", "group: quiet"), CONFIG.replace("MORE", "tags: [eyes-only]")
WORDS = (b"mole", b"eyes-only", b"Scoop")
"""What of the private source must be in nothing public; `tagged` says what it asks for in no document."""
TEXT = "The harbour master said on Monday that the old ferry would be sold to an unnamed buyer from the islands."
SALE = "Island ferry to be sold to unnamed buyer"


@pytest.fixture
def newsroom(tmp_path: Path) -> Iterator[Newsroom]:
    store = SqliteStore(tmp_path / "news.db")
    yield Newsroom(tmp_path, store)
    store.close()


def scoop(number: int = 1, **more: Any) -> dict[str, Any]:
    words = f"Scoop{number} secret{number} plan{number} leak{number}"
    return entry(words, url=f"https://mole.example/{number}", text=f"{words} word{number} case{number}.", **more)


def report(source: str, number: int = 0) -> dict[str, Any]:
    """The same story by each source."""
    return entry(SALE, id=f"{source}-{number}", url=f"https://{source}.example/sale-{number}", text=TEXT)


def other(number: int) -> dict[str, Any]:
    words = f"Parrot{number} gull{number} dog{number} market{number}"
    return entry(words, url=f"https://wire.example/other-{number}", text=f"{words} thing{number}.")


def public_files(newsroom: Newsroom) -> dict[str, bytes]:
    root = newsroom.settings.publish.directory
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def telling(newsroom: Newsroom) -> list[tuple[str, bytes]]:
    """Public files that tell of the private source."""
    return [(name, word) for name, body in public_files(newsroom).items() for word in WORDS if word.lower() in body.lower()]


def live(newsroom: Newsroom, config: str, *, mole: bool = True) -> None:
    newsroom.configure(config)
    newsroom.serves(WIRE, report("wire"), other(1))
    newsroom.serves(PAPER, other(2) | {"url": "https://paper.example/2"})
    newsroom.serves(SECRET, *([report("mole"), scoop()] if mole else []))
    newsroom.poll()


def test_nothing_of_a_private_source_is_in_public(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    assert telling(newsroom) == []
    assert newsroom.titles("many") == [], "a private report is no outlet more"
    assert newsroom.titles("tagged") == []
    desk = json.loads((newsroom.settings.publish.private / "feeds/desk.json").read_bytes())["items"]
    assert sorted(row["title"] for row in desk).count(SALE) == 2, (
        "a feed with a token has both: the public one and the private one"
    )
    assert any("Scoop" in row["title"] for row in desk)


@pytest.mark.parametrize("order", [("wire", "mole"), ("mole", "wire")])
def test_a_private_report_makes_no_difference_whichever_comes_first(tmp_path: Path, order: tuple[str, str]) -> None:
    """With the private source's reports and without: the public files are the same to the byte."""
    found = []
    for mole in (True, False):
        site = Site(tmp_path / str(mole))
        newsroom = site.newsroom
        newsroom.configure(PRIVATE)
        for url in (WIRE, PAPER, SECRET):
            newsroom.serves(url)
        newsroom.poll()
        for hour in range(len(order)):
            site.clock.time += HOUR
            newsroom.serves(WIRE, *([report("wire"), other(1)] if "wire" in order[: hour + 1] else []))
            newsroom.serves(SECRET, *([report("mole"), scoop()] if mole and "mole" in order[: hour + 1] else []))
            newsroom.poll()
        site.clock.time += HOUR
        newsroom.serves(PAPER, report("paper"))
        edited = report("mole") | {"title": SALE + ", says the mole"}
        newsroom.serves(SECRET, *([edited, scoop(), *(scoop(n) for n in range(2, 40))] if mole else []))
        newsroom.poll()
        found.append(public_files(newsroom))
        site.store.close()
    assert found[0] == found[1]


def test_pages_of_private_stories_are_unknown(tmp_path: Path) -> None:
    site = Site(tmp_path)
    live(site.newsroom, PRIVATE)
    private = [story.id for story in site.newsroom.stories() if story.private]
    assert len(private) == 2
    StoryEditor(site.store, site.newsroom.settings, site.newsroom.rules).drop(private[0])

    async def work(site: Site, service: Service) -> None:
        unknown = await site.ask("GET", "/stories/00000000-0000-5000-8000-000000000000")
        assert unknown.startswith(b"HTTP/1.1 404")
        for id in private:
            assert await site.ask("GET", f"/stories/{id}") == unknown
            assert await site.ask("POST", f"/stories/{id}") == await site.ask("POST", unknown_path)

    unknown_path = "/stories/00000000-0000-5000-8000-000000000000"
    site.serve(work)
    site.store.close()


def test_what_a_private_source_rejects_is_in_no_public_feed(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    with newsroom.store.begin() as transaction:
        transaction.add_rejects([Reject(SourceId("mole"), "x", None, "Scoop thrown away", "drop x", 1.0)])
        transaction.add_rejects([Reject(SourceId("wire"), "y", None, "Advertisement", "drop y", 1.0)])
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("bin") == ["Advertisement"]
    assert telling(newsroom) == []


def archived(newsroom: Newsroom, config: str = PUBLIC) -> None:
    """A public past: the mole's stories, alone and with others, in feeds, archives and a digest."""
    live(newsroom, config)
    for hour in range(1, 4):
        newsroom.clock.time += HOUR
        newsroom.serves(WIRE, report("wire"), *(other(n) for n in range(1, 12 * hour)))
        newsroom.serves(SECRET, report("mole"), *(scoop(n) for n in range(1, 4 * hour)))
        newsroom.poll()
    newsroom.publisher.issue_digests(newsroom.clock.now(), lambda line, after: after + 1)
    newsroom.clock.time += HOUR
    newsroom.publisher.issue_digests(newsroom.clock.now(), lambda line, after: after + 1)
    newsroom.publisher.publish(None, newsroom.clock.now())
    before = public_files(newsroom)
    assert any(b"Mole News" in body for name, body in before.items() if name.startswith("feeds/all/"))
    assert b"Scoop" in before["feeds/morning.atom"]


def test_a_source_that_turns_private_leaves_feeds_pages_archives_and_digests(newsroom: Newsroom) -> None:
    archived(newsroom)
    sale = next(story for story in newsroom.stories() if len(story.outlets) == 2)
    newsroom.configure(PRIVATE)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert telling(newsroom) == []
    after = newsroom.store.story(sale.id)
    assert after is not None and [item.source for item in after.items] == ["wire"], "what others tell keeps its id"
    everything = b"".join(body for name, body in public_files(newsroom).items() if name.startswith("feeds/all"))
    assert sale.id.encode() in everything
    for slug in ("all", "sea", "morning"):
        for page in newsroom.store.pages(Slug(slug)):
            full = newsroom.store.page(Slug(slug), page.page)
            assert full is not None
            assert not any(word.lower() in zlib.decompress(full.body).lower() for word in WORDS), (slug, page.page)
    assert SALE not in newsroom.titles("many")


def test_closed_pages_forget_it_even_where_no_entry_is_left(newsroom: Newsroom) -> None:
    """Retention has taken the entries, so that only what the page says tells whose they were."""
    feeds = [line for line in PUBLIC.splitlines() if "slug: tagged" not in line]  # what a feed shows is not taken
    archived(newsroom, "\n".join(feeds))
    newsroom.serves(SECRET)
    newsroom.poll("mole")
    newsroom.clock.time += 100 * 86_400
    assert isinstance(newsroom.store, SqliteStore)
    assert newsroom.store.sweep(Keep(86_400.0), newsroom.clock.now()).tombstones
    newsroom.configure(PRIVATE)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert "feeds/all/1.atom" in public_files(newsroom)
    assert telling(newsroom) == []


def test_an_interrupted_turn_is_done_to_its_end(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    archived(newsroom)
    from aggregator.stories.upkeep import privacy

    def killed(*given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(privacy, "_separate", killed)
        newsroom.configure(PRIVATE)
    newsroom.configure(PRIVATE)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert telling(newsroom) == []


def test_a_source_that_leaves_the_config_stays_private(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    lines = [line for line in PRIVATE.splitlines() if "mole.example" not in line and "source:mole" not in line]
    newsroom.configure("\n".join(lines))
    newsroom.clock.time += HOUR
    newsroom.serves(PAPER, report("paper"))
    newsroom.poll()
    assert telling(newsroom) == []
    assert [row["title"] for row in newsroom.feed("many")] == [SALE], "the two public reports are one"


def test_a_source_that_is_public_again_is_told_again(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    newsroom.configure(PUBLIC)
    newsroom.clock.time += HOUR
    newsroom.serves(SECRET, report("mole"), scoop(), scoop(2))
    newsroom.poll()
    assert {title[:6] for title in newsroom.titles("tagged")} == {"Scoop1", "Scoop2", "Island"}
    newsroom.configure(PRIVATE)
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert telling(newsroom) == []


def test_a_story_that_was_private_shows_by_no_id_of_it(newsroom: Newsroom) -> None:
    """Two private sources have told one story; one of them turns public. Who guesses a guid of the other learns nothing."""
    both = CONFIG.replace("title: Paper", "title: Paper, private: true").replace("MORE", "group: quiet")
    live(newsroom, both)
    newsroom.serves(PAPER, report("paper"))
    newsroom.poll()
    one = next(story for story in newsroom.stories() if len(story.items) == 2)
    assert [item.source for item in one.items] == ["mole", "paper"]
    newsroom.configure(PRIVATE)
    newsroom.publisher.publish(None, newsroom.clock.now())
    guessed = list(zip(range(3), story_ids(one.items[0]), strict=False))
    for _, id in guessed:
        assert newsroom.publisher.shelf.on_demand(f"/stories/{id}", lambda token: False) is None
    assert telling(newsroom) == []


def test_a_feed_that_loses_its_token_shows_nothing_private(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    newsroom.serves(SECRET, *(scoop(n) for n in range(1, 40)))
    newsroom.poll()
    assert newsroom.store.pages(Slug("desk"))
    newsroom.configure(PRIVATE.replace(", access: {token: desk-token}", ""))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert "feeds/desk/1.atom" in public_files(newsroom)
    assert telling(newsroom) == []


def test_an_export_has_nothing_private(newsroom: Newsroom, tmp_path: Path) -> None:
    live(newsroom, PRIVATE)
    Export(newsroom.settings, newsroom.store).run(tmp_path / "export")
    for file in (tmp_path / "export").rglob("*"):
        told = str(file.relative_to(tmp_path)).encode() + (file.read_bytes() if file.is_file() else b"")
        assert not any(word.lower() in told.lower() for word in WORDS), file


def test_nothing_is_exported_before_an_edit_to_private_is_in_use(tmp_path: Path) -> None:
    """Until then what is published still tells of the source."""
    site = Site(tmp_path)
    site.answers[SECRET] = document(SECRET, [scoop()])
    site.live_with(PUBLIC)
    (tmp_path / "feeds.yaml").write_text(PRIVATE)
    with pytest.raises(UsageError, match="private now"):
        export_site(Application(tmp_path / "feeds.yaml"), tmp_path / "export")
    assert not (tmp_path / "export").exists()


def test_a_person_is_told_not_to_merge_private_and_public(newsroom: Newsroom) -> None:
    live(newsroom, PRIVATE)
    private, public = ([story.id for story in newsroom.stories() if story.private == wanted] for wanted in (True, False))
    with pytest.raises(UsageError, match="private"):
        StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).merge(private[0], public[0])


def test_made_up_words_with_the_hashes_of_private_ones_join_nothing_private(newsroom: Newsroom) -> None:
    """Hashes have 32 bits: whoever finds words that collide with those of a private title must not see his report vanish."""
    live(newsroom, PRIVATE)
    from aggregator.dedup import signature

    plain = signature.PRIVATE
    signature.PRIVATE = 0  # type: ignore[misc]  # as if every word of the private titles had been found
    try:
        newsroom.configure(PRIVATE)
        newsroom.serves(SECRET, report("mole"), scoop(), scoop(7))
        newsroom.poll("mole")
        newsroom.serves(PAPER, scoop(7) | {"id": "guess", "url": "https://paper.example/guess"})
        newsroom.poll("paper")
    finally:
        signature.PRIVATE = plain  # type: ignore[misc]
    assert any("Scoop7" in title for title in newsroom.titles("all"))


def test_whom_others_speak_for_does_not_tell_of_a_private_source() -> None:
    mole = Source(SourceId("mole"), "https://mole.example/feed", outlet="The Mole")
    assert "mole.example" in collect_owners([mole]).addresses
    assert collect_owners([replace(mole, private=True)]) == collect_owners([])

"""What subscribers are promised, tried with the whole chain between a scripted server and the published files."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.dedup.visible import first_visible_hash, visible_hash
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

ONE = "https://one.example/feed.json"
TWO = "https://two.example/feed.json"
CONFIG = f"""
site: {{url: "https://news.example"}}
publish: {{items: 3, backfill: 24h}}
groups: {{wires: {{rank: 1}}}}
sources:
  - {{id: one, url: "{ONE}"}}
"""
BOTH = CONFIG + f'  - {{id: two, url: "{TWO}", group: wires}}\n'


def test_a_first_run_starts_with_the_newest_whatever_their_age(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, *(entry(f"Harbour report number {n}", at=START - n * 48 * HOUR) for n in range(1, 6)))
    newsroom.poll()
    assert newsroom.titles() == [f"Harbour report number {n}" for n in (1, 2, 3)]


def test_a_new_source_does_not_flood_feeds_that_are_read(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry("Mayor opens the new harbour bridge"))
    newsroom.poll()
    newsroom.configure(BOTH)
    newsroom.serves(
        TWO,
        entry("Old tale of a lighthouse keeper", at=START - 30 * HOUR, url="https://two.example/a"),
        entry("Undated page about opening hours", at=None, url="https://two.example/b"),
        entry("Storm closes the northern ferry line", url="https://two.example/c"),
    )
    newsroom.poll()
    assert sorted(newsroom.titles()) == ["Mayor opens the new harbour bridge", "Storm closes the northern ferry line"]
    assert len(newsroom.stories()) == 4, "what is held back is stored all the same"


def test_an_edited_entry_keeps_its_story_and_moves_updated(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry("Council votes on teh budget", id="x", url="https://one.example/x"))
    newsroom.poll()
    before = newsroom.feed()[0]
    newsroom.clock.time += HOUR
    newsroom.serves(ONE, entry("Council votes on the budget", id="x", url="https://one.example/x"))
    newsroom.poll()
    (after,) = newsroom.feed()
    assert (after["id"], after["title"]) == (before["id"], "Council votes on the budget")
    assert after["date_modified"] > before["date_modified"]


def test_the_same_document_again_changes_no_byte(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry("Council votes on the budget"))
    newsroom.poll()
    folder = newsroom.settings.publish.directory
    before = {path: path.read_bytes() for path in folder.rglob("*.*")}
    newsroom.clock.time += 5 * HOUR
    newsroom.poll()
    assert {path: path.read_bytes() for path in folder.rglob("*.*")} == before


def test_a_story_of_two_outlets_is_published_once_under_the_better_ranks_lead(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH)
    newsroom.serves(ONE, entry("Ferry line to the islands reopens after storm", url="https://one.example/ferry"))
    newsroom.serves(TWO)
    newsroom.poll()
    before = newsroom.feed()[0]
    newsroom.serves(TWO, entry("Ferry line to the islands reopens after storm - Two", url="https://two.example/ferry"))
    newsroom.clock.time += HOUR
    newsroom.poll("two")
    (after,) = newsroom.feed()
    assert after["id"] == before["id"]
    assert after["url"] == "https://two.example/ferry", "the wire's rank is better"
    (story,) = newsroom.stories()
    assert story.outlets == ("one.example", "two.example")
    assert story.lead_reason == "best rank (1)"


def test_dedup_false_keeps_a_source_apart(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH.replace("rank: 1", "rank: 1, dedup: false"))
    same = "Ferry line to the islands reopens after storm"
    newsroom.serves(ONE, entry(same, url="https://one.example/ferry"))
    newsroom.serves(TWO, entry(same, url="https://two.example/ferry"))
    newsroom.poll()
    assert newsroom.titles() == [same, same]


def test_keep_and_drop_are_counted_once(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG.replace(f'url: "{ONE}"', f'url: "{ONE}", drop: "title:sponsored"'))
    advert = entry("Sponsored: a week at the sea")
    newsroom.serves(ONE, advert, entry("Council votes on the budget"))
    newsroom.poll()
    newsroom.serves(ONE, advert, entry("Council votes on the budget"), entry("Bridge closed for repairs"))
    newsroom.poll()
    assert "Sponsored: a week at the sea" not in newsroom.titles()
    (state,) = newsroom.store.states().values()
    assert state.counters["drop"] == 1
    assert [one.rule for one in newsroom.store.rejects(10)] == ["drop title:sponsored"]


def test_an_edited_topic_takes_in_old_stories_and_lets_others_go(newsroom: Newsroom) -> None:
    topic = 'topics: [{{slug: sea, title: Sea, query: "{query}"}}]\n'
    newsroom.configure(CONFIG + topic.format(query="ferry"))
    newsroom.serves(ONE, entry("Ferry late again"), entry("Bridge closed for repairs", at=START - HOUR / 2))
    newsroom.poll()
    ids = {row["title"]: row["id"] for row in newsroom.feed()}
    assert newsroom.titles("sea") == ["Ferry late again"]
    newsroom.configure(CONFIG + topic.format(query="bridge"))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert [(row["title"], row["id"]) for row in newsroom.feed("sea")] == [
        ("Bridge closed for repairs", ids["Bridge closed for repairs"])
    ]


def test_an_edited_topic_takes_in_nothing_older_than_its_oldest(newsroom: Newsroom) -> None:
    topic = 'topics: [{{slug: sea, title: Sea, query: "{query}"}}]\n'
    newsroom.configure(CONFIG + topic.format(query="ferry"))
    newsroom.serves(ONE, entry("Ferry late again"), entry("Bridge closed for repairs", at=START - 90 * HOUR))
    newsroom.poll()
    newsroom.clock.time += 25 * HOUR
    newsroom.configure(CONFIG + topic.format(query="ferry OR bridge"))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("sea") == ["Ferry late again"]


def test_a_topic_edited_on_its_first_evening_shows_what_is_stored(newsroom: Newsroom) -> None:
    topic = 'topics: [{{slug: sea, title: Sea, query: "{query}"}}]\n'
    newsroom.configure(CONFIG + topic.format(query="ferry"))
    newsroom.serves(ONE, entry("Ferry late again"), entry("Bridge closed for repairs", at=START - 90 * HOUR))
    newsroom.poll()
    newsroom.clock.time += 3 * HOUR
    newsroom.configure(CONFIG + topic.format(query="bridge"))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.titles("sea") == ["Bridge closed for repairs"]


def test_site_url_may_move_and_ids_stay(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    newsroom.serves(ONE, entry("Council votes on the budget"))
    newsroom.poll()
    before = newsroom.feed()[0]["id"]
    newsroom.configure(CONFIG.replace("https://news.example", "https://moved.example"))
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.feed()[0]["id"] == before


def test_what_comes_is_compared_with_an_edited_text(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH)
    old = "We are updating this page. Please come back."
    newsroom.serves(ONE, entry("Northern ferry line: what is known", id="x", url="https://one.example/x", text=old))
    newsroom.serves(TWO)
    newsroom.poll()
    newsroom.clock.time += 600
    text = "Boats on the northern ferry line stay in port until Friday because of the storm, the harbour master said."
    newsroom.serves(ONE, entry("Northern ferry line closed by storm", id="x", url="https://one.example/x", text=text))
    newsroom.poll()
    newsroom.serves(TWO, entry("Storm closes northern ferry line", url="https://two.example/s", text=text, at=START + 600))
    newsroom.poll("two")
    (story,) = newsroom.stories()
    assert story.outlets == ("one.example", "two.example")


def test_an_upgrade_moves_no_updated(newsroom: Newsroom) -> None:
    newsroom.configure(BOTH)
    text = "The ferry line to the northern islands reopens today after the storm of last week, says the port."
    title = "Ferry line to the islands reopens after storm"
    newsroom.serves(ONE, entry(title, url="https://one.example/ferry", text=text))
    newsroom.serves(TWO, entry("Storm over: ferry line to the islands reopens", url="https://two.example/ferry", text=text))
    newsroom.poll()
    (before,), (stored,) = newsroom.feed(), newsroom.stories()
    assert len(stored.items) == 2
    with newsroom.store.begin() as transaction:
        transaction.save_story(replace(stored, visible=first_visible_hash(stored, full=False)))
    newsroom.clock.time += HOUR
    with newsroom.store.begin() as transaction:
        newsroom.curator().refresh(transaction, [stored.id])
    newsroom.publisher.publish(None, newsroom.clock.now())
    assert newsroom.stories()[0].visible != first_visible_hash(stored, full=False)
    assert newsroom.feed() == [before]
    newsroom.serves(TWO, entry("Ferry line open again", id="storm-over:-ferry-line-to-the-islands-reopens", text=text))
    newsroom.poll()
    (after,) = newsroom.feed()
    assert after["id"] == before["id"]
    assert after["date_modified"] > before["date_modified"], "another outlet's headline is seen, too"


def test_what_a_new_release_reads_otherwise_is_no_edit(newsroom: Newsroom) -> None:
    newsroom.configure(CONFIG)
    preheader = '<div style="display:none">Tides, ferries and more in this letter</div>'
    letter = entry("The harbour letter", content_html=f"{preheader}<p>The ferry sails again.</p>")
    newsroom.serves(ONE, letter)
    newsroom.poll()
    (stored,) = newsroom.stories()
    item = stored.lead_item
    older = replace(
        item.entry, content=f"<div>Tides, ferries and more in this letter</div>{item.entry.content}", fingerprint=b"older"
    )
    was = replace(stored, items=(replace(item, entry=older, hash=b"older"),))
    with newsroom.store.begin() as transaction:  # as a release that knew no hidden elements left it
        transaction.update_item(was.lead_item)
        transaction.save_story(replace(was, visible=visible_hash(was, full=False)))
        state = newsroom.store.states()[item.source]
        transaction.save_state(replace(state, reader=0, body_hash=b""))
    newsroom.publisher.publish(None, newsroom.clock.now())
    (before,) = newsroom.feed()
    assert "Tides" in before["content_html"]
    newsroom.clock.time += HOUR
    newsroom.poll()
    (after,) = newsroom.feed()
    assert "Tides" not in after["content_html"]
    assert (after["id"], after["date_modified"]) == (before["id"], before["date_modified"])
    newsroom.clock.time += HOUR
    newsroom.serves(ONE, letter | {"content_html": "<p>The ferry does not sail.</p>"})
    newsroom.poll()
    assert newsroom.feed()[0]["date_modified"] > before["date_modified"]

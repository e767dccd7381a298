"""A person corrects threads: what is merged, split and dropped stays so through later polls, until it is undone."""

from __future__ import annotations

import json
import re
import sqlite3
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from aggregator.commands import stories
from aggregator.commands import why as why_command
from aggregator.errors import UsageError
from aggregator.model import Thread
from aggregator.stories.decisions.edit import StoryEditor
from aggregator.stories.decisions.thread_edit import ThreadEditor
from aggregator.text.function_words import is_function_word
from tests.unit.chain.newsroom import HOUR, Newsroom
from tests.unit.chain.test_threads import FERRY, OTHERS, SOURCES, bring, story, with_other_news

LIGHTHOUSE = (
    "beta",
    "Marlen fishermen want a lighthouse on the reef that sank the Osprey",
    "Skippers said that the captain of the ferry Osprey saw no reef in the rain off Marlen, and that his radar was no help.",
)
COPY = ("gamma", *FERRY[1][1:])
"""Another outlet's report of the captain."""


@pytest.fixture
def newsroom(newsroom: Newsroom) -> Newsroom:
    """A newsroom that has seen some news, and a ferry sink."""
    newsroom.configure(SOURCES)
    with_other_news(newsroom)
    bring(newsroom, *FERRY)
    return newsroom


def editor(newsroom: Newsroom) -> ThreadEditor:
    return ThreadEditor(newsroom.store, newsroom.settings, newsroom.rules)


def undo(newsroom: Newsroom) -> None:
    last = newsroom.store.decisions()[-1]
    StoryEditor(newsroom.store, newsroom.settings, newsroom.rules).undo(last.id)


def thread_of(newsroom: Newsroom, words: str) -> Thread:
    thread = story(newsroom, words).thread
    assert thread is not None
    return thread


def linked(newsroom: Newsroom, words: str) -> list[tuple[str, str, float]]:
    return sorted((link.story, link.other, link.likeness) for link in newsroom.store.links(story(newsroom, words).id))


def test_a_story_that_is_split_off_is_not_linked_back(newsroom: Newsroom) -> None:
    before, links = thread_of(newsroom, "sinks"), linked(newsroom, "Captain")
    assert before.stories == 3
    editor(newsroom).split(story(newsroom, "Captain").id)
    bring(newsroom, COPY)
    assert len(story(newsroom, "Captain").items) == 2
    assert story(newsroom, "Captain").thread is None
    assert story(newsroom, "sinks").thread is None, "two are left"
    undo(newsroom)
    assert thread_of(newsroom, "Captain") == thread_of(newsroom, "sinks")
    assert (thread_of(newsroom, "Captain").id, thread_of(newsroom, "Captain").stories) == (before.id, 3)
    assert linked(newsroom, "Captain") == links


def test_a_dropped_thread_forms_no_thread_again(newsroom: Newsroom) -> None:
    before, links = thread_of(newsroom, "sinks"), linked(newsroom, "sinks")
    assert editor(newsroom).drop(story(newsroom, "Captain").id) == story(newsroom, "sinks").title
    bring(newsroom, LIGHTHOUSE, COPY)
    assert {one.thread for one in newsroom.stories()} == {None}
    with pytest.raises(UsageError, match="no stories any more"):
        editor(newsroom).drop(before.id)
    undo(newsroom)
    assert (thread_of(newsroom, "sinks").id, thread_of(newsroom, "sinks").stories) == (before.id, 3)
    assert linked(newsroom, "sinks") == links


def test_a_story_is_put_into_a_thread_and_taken_out_again(newsroom: Newsroom) -> None:
    kept, lone = thread_of(newsroom, "sinks"), story(newsroom, "burns down")
    assert editor(newsroom).merge(lone.id, kept.id) == kept.id
    assert thread_of(newsroom, "burns down").stories == 4
    undo(newsroom)
    assert story(newsroom, "burns down").thread is None
    assert thread_of(newsroom, "sinks") == kept


def other_thread(newsroom: Newsroom) -> Thread:
    """A second thread, put together by hand."""
    bring(newsroom, *OTHERS)
    first, second, third = (story(newsroom, words).id for words in ("bank", "Museum", "timetable"))
    made = editor(newsroom).merge(first, second)
    assert story(newsroom, "bank").thread is None, "two stories are no thread that is shown"
    assert editor(newsroom).merge(third, made) == made
    assert (thread_of(newsroom, "bank").id, thread_of(newsroom, "bank").stories) == (made, 3)
    return thread_of(newsroom, "bank")


def test_merged_threads_stay_one_until_they_are_parted_again(newsroom: Newsroom) -> None:
    ferry, other = thread_of(newsroom, "sinks"), other_thread(newsroom)
    kept = editor(newsroom).merge(ferry.id, other.id)
    for id in (ferry.id, other.id):
        both = newsroom.store.thread(id)
        assert both is not None
        assert (both.id, both.stories) == (kept, 6)
    with pytest.raises(UsageError, match="one thread already"):
        editor(newsroom).merge(other.id, story(newsroom, "sinks").id)
    bring(newsroom, LIGHTHOUSE)
    assert thread_of(newsroom, "fishermen").stories == 7
    undo(newsroom)
    assert thread_of(newsroom, "bank") == other
    assert (thread_of(newsroom, "fishermen").id, thread_of(newsroom, "sinks").stories) == (ferry.id, 4)


def test_what_came_since_goes_with_the_stories_that_it_is_linked_to(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.stories.decisions.thread_edit.time", SimpleNamespace(time=newsroom.clock.now))
    ferry, other = thread_of(newsroom, "sinks"), other_thread(newsroom)
    editor(newsroom).merge(story(newsroom, "burns down").id, other.id)
    assert editor(newsroom).merge(ferry.id, other.id) == other.id, "the larger one keeps its id"
    bring(newsroom, LIGHTHOUSE)
    undo(newsroom)
    assert (thread_of(newsroom, "fishermen").id, thread_of(newsroom, "fishermen").stories) == (ferry.id, 4)
    assert thread_of(newsroom, "bank").stories == 4


def test_a_merge_frees_what_was_split_off(newsroom: Newsroom) -> None:
    editor(newsroom).split(story(newsroom, "Captain").id)
    editor(newsroom).merge(story(newsroom, "Captain").id, story(newsroom, "sinks").id)
    bring(newsroom, COPY)
    assert thread_of(newsroom, "Captain").stories == 3


def test_a_split_binds_again_when_the_merge_that_freed_it_is_undone(newsroom: Newsroom) -> None:
    editor(newsroom).split(story(newsroom, "Captain").id)
    editor(newsroom).merge(story(newsroom, "Captain").id, story(newsroom, "sinks").id)
    undo(newsroom)
    bring(newsroom, COPY)
    assert story(newsroom, "Captain").thread is None


def test_a_link_joins_no_threads_between_which_a_person_parted_stories(newsroom: Newsroom) -> None:
    editor(newsroom).split(story(newsroom, "Captain").id)
    editor(newsroom).merge(story(newsroom, "Captain").id, story(newsroom, "adds flights").id)
    bring(newsroom, COPY)
    assert {story(newsroom, words).thread for words in ("Captain", "adds flights", "sinks", "inquiry")} == {None}, "two pairs"
    editor(newsroom).merge(story(newsroom, "burns down").id, story(newsroom, "Captain").id)
    assert thread_of(newsroom, "Captain").stories == 3


def test_a_private_and_a_public_story_share_no_thread(newsroom: Newsroom) -> None:
    newsroom.configure(SOURCES.replace("{id: beta,", "{id: beta, private: true,"))
    with pytest.raises(UsageError, match="private"):
        editor(newsroom).merge(story(newsroom, "burns down").id, story(newsroom, "inquiry").id)


def test_a_changed_guid_takes_its_decision_along(newsroom: Newsroom) -> None:
    editor(newsroom).split(story(newsroom, "Captain").id)
    url = "https://beta.example/feed.json"
    captain = next(row for row in newsroom.brought[url] if "Captain" in row["title"])
    captain["id"] = "another"
    newsroom.serves(url, *newsroom.brought[url])
    newsroom.poll("beta")
    assert story(newsroom, "Captain").items[0].guid == "another"
    bring(newsroom, COPY, LIGHTHOUSE)
    assert story(newsroom, "Captain").thread is None


def test_a_story_that_is_merged_into_one_split_off_does_not_bring_it_back(newsroom: Newsroom) -> None:
    bring(newsroom, LIGHTHOUSE)
    alone, other = story(newsroom, "Captain"), story(newsroom, "inquiry")
    editor(newsroom).split(alone.id)
    editor(newsroom).merge(story(newsroom, "burns down").id, other.id)
    with newsroom.store.begin() as transaction:
        transaction.merge_stories(alone.id, other.id, newsroom.clock.time)
    assert thread_of(newsroom, "Captain").stories == 4
    bring(newsroom, COPY)
    assert story(newsroom, "Captain").thread is None
    assert thread_of(newsroom, "sinks").stories == 3


def test_feeds_and_pages_follow_what_is_split_off(newsroom: Newsroom) -> None:
    bring(newsroom, LIGHTHOUSE)
    id = thread_of(newsroom, "sinks").id
    newsroom.configure(f"{SOURCES}\noutputs:\n  - {{slug: ferry, query: 'thread:{id}'}}")
    newsroom.clock.time += HOUR
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert len(newsroom.titles("ferry")) == 4
    page = newsroom.settings.publish.directory / "stories" / f"{story(newsroom, 'Captain').id}.html"
    assert "sinks off Marlen" in page.read_text()
    before = {row["id"]: row.get("date_modified") for row in newsroom.feed()}
    editor(newsroom).split(story(newsroom, "Captain").id)
    newsroom.publisher.publish(None, newsroom.clock.time)
    assert len(newsroom.titles("ferry")) == 3
    assert {row["id"]: row.get("date_modified") for row in newsroom.feed()} == before
    assert "sinks off Marlen" not in page.read_text()


def test_an_unknown_name_is_an_error(newsroom: Newsroom) -> None:
    with pytest.raises(UsageError, match="no story"):
        editor(newsroom).drop("https://nowhere.example/1")
    with pytest.raises(UsageError, match="in no thread"):
        editor(newsroom).split(story(newsroom, "burns down").id)


def story_editor(newsroom: Newsroom) -> StoryEditor:
    return StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)


def test_a_dropped_story_leaves_its_thread_until_that_is_undone(newsroom: Newsroom) -> None:
    before = thread_of(newsroom, "sinks")
    captain = story(newsroom, "Captain")
    story_editor(newsroom).drop(captain.id)
    assert story(newsroom, "sinks").thread is None
    undo(newsroom)
    assert thread_of(newsroom, "sinks") == before == thread_of(newsroom, "Captain")


def test_stories_that_are_parted_again_are_in_their_threads(newsroom: Newsroom) -> None:
    before, links = thread_of(newsroom, "sinks"), linked(newsroom, "inquiry")
    story_editor(newsroom).merge(story(newsroom, "burns down").id, story(newsroom, "inquiry").id)
    assert thread_of(newsroom, "burns down").stories == 3
    undo(newsroom)
    assert story(newsroom, "burns down").thread is None
    assert thread_of(newsroom, "inquiry") == before
    assert linked(newsroom, "inquiry") == links
    newsroom.store.check(full=True)  # type: ignore[attr-defined]


def test_what_is_split_off_a_story_starts_without_a_thread(newsroom: Newsroom) -> None:
    bring(newsroom, COPY)
    assert thread_of(newsroom, "Captain").outlets == 3
    copy = next(item for item in story(newsroom, "Captain").items if item.source == "gamma")
    alone = story_editor(newsroom).split(copy.entry.url or "")
    [split] = newsroom.store.stories([alone])
    assert split.thread is None
    assert thread_of(newsroom, "sinks").stories == 3


def run(newsroom: Newsroom, *arguments: str) -> str:
    application = SimpleNamespace(
        store=newsroom.store,
        settings=newsroom.settings,
        thread_editor=editor(newsroom),
        rules=newsroom.rules,
        story_editor=StoryEditor(newsroom.store, newsroom.settings, newsroom.rules),
    )
    result = CliRunner().invoke(stories.command, arguments, obj=application, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_the_commands_tell_what_they_did(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.commands.threads.time", SimpleNamespace(time=newsroom.clock.now))
    thread, captain, lone = thread_of(newsroom, "sinks"), story(newsroom, "Captain"), story(newsroom, "burns down")
    title = story(newsroom, "sinks").title
    assert f"{title}  (3 stories, 3 outlets)  {thread.id}" in run(newsroom, "threads")
    assert run(newsroom, "thread", "merge", lone.id, thread.id) == f"one thread now: {lone.title}  (4 stories)  {thread.id}\n"
    told = run(newsroom, "thread", "split", captain.id)
    assert told.startswith(f"“{captain.title}” is not in the thread “{lone.title}” any more; 3 stories are left")
    assert run(newsroom, "thread", "drop", thread.id) == f"a thread no more: {lone.title}\n"
    told = run(newsroom, "decisions")
    assert f"thread {thread.id} ended; its 3 stories are in none again" in told
    assert f"{captain.id} left thread {thread.id}" in told
    assert f"{lone.id} came into {thread.id}" in told
    newest = newsroom.store.decisions()[-1].id
    assert f"undone: thread-drop of {lone.title}" in run(newsroom, "undo", str(newest))
    [row] = map(json.loads, run(newsroom, "threads", "--json").splitlines())
    assert (row["id"], row["stories"], row["title"]) == (thread.id, 3, lone.title)
    newsroom.clock.time += 8 * 24 * HOUR
    assert "no event is running" in run(newsroom, "threads")


def why(newsroom: Newsroom, *named: str) -> str:
    application = SimpleNamespace(store=newsroom.store, settings=newsroom.settings, rules=newsroom.rules)
    result = CliRunner().invoke(why_command.command, named, obj=application, catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_why_tells_the_thread_and_the_words_of_its_links(newsroom: Newsroom) -> None:
    inquiry, lone = story(newsroom, "inquiry"), story(newsroom, "burns down")
    told = why(newsroom, inquiry.id)
    assert f"thread: {story(newsroom, 'sinks').title}  (3 stories, 3 outlets)  {thread_of(newsroom, 'sinks').id}" in told
    found = re.search(r"alike \(0\.\d\d\), by the words (.*)", told)
    assert found is not None
    words = found[1].split(", ")
    assert {"Osprey", "Marlen"} <= set(words) and not any(is_function_word(word, "en") for word in words)
    assert "thread" not in why(newsroom, lone.id)
    row = json.loads(why(newsroom, inquiry.id, "--json"))["thread"]
    assert {link["id"] for link in row["links"]} <= {story(newsroom, "sinks").id, story(newsroom, "Captain").id}


def test_why_of_two_tells_whether_they_are_linked(newsroom: Newsroom) -> None:
    inquiry, captain, lone = (story(newsroom, words) for words in ("inquiry", "Captain", "burns down"))
    together = why(newsroom, inquiry.id, captain.id)
    assert "they are in one thread" in together
    assert "  linked: " in together
    apart = why(newsroom, inquiry.id, lone.id)
    assert "they are in no common thread (one is in " in apart
    assert "not linked: hardly alike" in apart
    assert "one is of a series" in apart
    bring(newsroom, OTHERS[0])
    assert "their headlines share no word that tells events apart" in why(newsroom, inquiry.id, story(newsroom, "bank").id)
    bring(newsroom, LIGHTHOUSE)
    editor(newsroom).split(captain.id)
    assert "a person took “Captain of the ferry" in why(newsroom, inquiry.id, captain.id)
    assert "thread-split: " in why(newsroom, captain.id)
    told = why(newsroom, inquiry.id, captain.id).partition("no common thread")[2].splitlines()[1:]
    assert [line for line in told if "not linked:" not in line] == told[-1:], "no other reason"
    editor(newsroom).drop(inquiry.id)
    assert "a person ended the thread of “Osprey inquiry" in why(newsroom, inquiry.id, captain.id)


# --- ids in short
def test_the_beginning_of_an_id_is_enough(newsroom: Newsroom) -> None:
    captain, thread = story(newsroom, "Captain"), thread_of(newsroom, "Captain")
    assert why(newsroom, captain.id[:6]) == why(newsroom, captain.id)
    assert why(newsroom, f"urn:uuid:{captain.id[:13].upper()}") == why(newsroom, captain.id)
    sinks = story(newsroom, "sinks").id
    assert why(newsroom, captain.id[:8], sinks[:8]) == why(newsroom, captain.id, sinks)
    assert thread.id in run(newsroom, "thread", "merge", story(newsroom, "burns down").id[:7], thread.id[:7])
    assert "“Ferry" not in run(newsroom, "title", captain.id[:7], "Captain heard")
    assert story(newsroom, "Captain").title == "Captain heard"
    with pytest.raises(UsageError, match="nothing is known"):
        why(newsroom, captain.id[:5])
    with pytest.raises(UsageError, match="that is a thread"):
        run(newsroom, "thread", "split", thread.id[:9])


def test_a_beginning_that_several_ids_have_is_refused_with_their_headlines(newsroom: Newsroom) -> None:
    captain, lone = story(newsroom, "Captain"), story(newsroom, "burns down")
    twin = f"{lone.id[:9]}0000{captain.id[13:]}"
    if not (database := newsroom.folder / "news.db").exists():
        pytest.skip("needs SQLite, in which the id is made to collide")
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE stories SET id = ? WHERE id = ?", (twin, captain.id))
    with pytest.raises(UsageError) as refused:
        why(newsroom, lone.id[:8])
    assert f"\n  {twin}  {captain.title}" in str(refused.value) and lone.title in str(refused.value)
    assert captain.title in why(newsroom, twin[:10])


# --- why
def test_why_of_a_thread_tells_its_stories_and_what_holds_it(newsroom: Newsroom) -> None:
    thread = thread_of(newsroom, "sinks")
    told = why(newsroom, thread.id)
    assert told.startswith(f"thread: {story(newsroom, 'sinks').title}\n{thread.id}  began ")
    titles = [story(newsroom, words).title for words in ("sinks", "Captain", "inquiry")]
    assert all(title in told for title in titles) and told.count("    linked to “") == 2
    row = json.loads(why(newsroom, thread.id, "--json"))
    assert {one["title"] for one in row["stories"]} == set(titles)
    assert all({"Osprey", "Marlen"} & set(link["words"]) for link in row["links"])
    editor(newsroom).merge(story(newsroom, "burns down").id, thread.id)
    assert "thread-merge: " in why(newsroom, thread.id)


def test_why_names_the_other_story_of_a_pair(newsroom: Newsroom) -> None:
    captain, sinks = story(newsroom, "Captain"), story(newsroom, "sinks")
    told = run(newsroom, "thread", "split", story(newsroom, "inquiry").id)
    assert f"“{sinks.title}” and “{captain.title}” are left: two stories" in told
    assert f"{sinks.title}  ({', '.join(sinks.outlets)})  {sinks.id}" in why(newsroom, captain.id)
    assert json.loads(why(newsroom, captain.id, "--json"))["pair"]["id"] == sinks.id
    parted = run(newsroom, "thread", "split", captain.id)
    assert parted == f"“{captain.title}” and “{sinks.title}” are linked no more (two stories are no thread yet)\n"
    assert json.loads(why(newsroom, captain.id, "--json"))["pair"] is None


def test_threads_are_listed_by_weight_size_or_newest_report(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.commands.threads.time", SimpleNamespace(time=newsroom.clock.now))
    ferry, other = thread_of(newsroom, "sinks"), other_thread(newsroom)
    editor(newsroom).merge(story(newsroom, "burns down").id, other.id)
    newsroom.clock.time = ferry.newest + 23.5 * HOUR

    def listed(*arguments: str) -> list[str]:
        return [json.loads(row)["id"] for row in run(newsroom, "threads", "--json", *arguments).splitlines()]

    wide, narrow = sorted((ferry.id, other.id), key=lambda id: -_weight(newsroom, id))
    assert listed() == listed("--sort", "weight") == [wide, narrow]
    assert listed("--sort", "size") == [other.id, ferry.id]
    newest = {one.id: one.newest for one in (thread_of(newsroom, "sinks"), thread_of(newsroom, "bank"))}
    assert listed("--sort", "newest") == sorted(newest, key=lambda id: -newest[id])
    assert listed("--limit", "1") == [wide]


def _weight(newsroom: Newsroom, id: str) -> float:
    rows = map(json.loads, run(newsroom, "threads", "--json").splitlines())
    return next(float(row["weight"]) for row in rows if row["id"] == id)

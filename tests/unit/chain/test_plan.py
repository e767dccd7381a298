"""What `plan` says of an edit is what taking it up then does."""

from __future__ import annotations

import random

import pytest

from aggregator.commands.plan import _summary
from aggregator.commands.plan_edit import IDS_EDITED, make
from aggregator.model import StoryId
from aggregator.stories.decisions.edit import StoryEditor
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry
from tests.unit.publish.samples import rank

SOURCES = {"herald": "https://herald.example/feed", "post": "https://post.example/feed", "sun": "https://sun.example/feed"}
TITLES = (
    "Harbour strike ends after nine days",
    "Mayor of Lund quits over housing plan",
    "Grain harvest is the best in years",
    "Opera names a new conductor",
    "Ferry to the islands is late again",
    "School roof mended before winter",
)
QUERIES = (
    "lund",
    "mayor OR opera",
    'title:"harbour strike"',
    "grain -harvest",
    "outlets>=2",
    "source:herald school",
    "conductor OR harbour OR islands",
    "tag:sea OR lund",
    "-mayor",
)


def config(draw: random.Random) -> str:
    outlets = ", outlet: The Herald" if draw.random() < 0.3 else ""
    sources = "\n".join(f'  - {{id: {id}, url: "{url}"{outlets if id != "sun" else ""}}}' for id, url in SOURCES.items())
    topics = f"topics: [{{slug: lund, title: L, query: {draw.choice(QUERIES)!r}}}, {{slug: other, title: O, query: mayor}}]"
    outputs = f"outputs: [{{slug: free, title: F, query: {draw.choice((*QUERIES, 'topic:other OR lund'))!r}}}]"
    tags = f"tags: {{sea: {draw.choice(('ferry', 'harbour OR ferry'))!r}}}"
    return f"publish: {{websub: false, items: {draw.choice((2, 4, 20))}}}\nsources:\n{sources}\n{tags}\n{topics}\n{outputs}\n"


def serve(newsroom: Newsroom, draw: random.Random) -> None:
    """Each outlet reports some of the stories; some texts were edited to tell something else."""
    for id, url in SOURCES.items():
        told = [number for number in range(len(TITLES)) if draw.random() < 0.6]
        rows = [(number, draw.choice(TITLES) if draw.random() < 0.2 else TITLES[number]) for number in told]
        newsroom.serves(
            url,
            *(
                entry(title, id=f"{id}-{number}", url=f"{url}/{number}", at=START - (number + 1) * HOUR / 2)
                for number, title in rows
            ),
        )


def decide(newsroom: Newsroom, draw: random.Random) -> None:
    """A person corrects two headlines, and merges two stories."""
    editor = StoryEditor(newsroom.store, newsroom.settings, newsroom.rules)
    for story in draw.sample(newsroom.stories(), 2):
        editor.title(story.id, f"{draw.choice(('Tellin', 'Lund', 'Opera'))} in the news {draw.random():.3f}")
    first, second = draw.sample(newsroom.stories(), 2)
    editor.merge(first.id, second.id)


def members(newsroom: Newsroom) -> dict[str, set[StoryId]]:
    return {output.slug: {one.story for one in newsroom.store.members(output.slug)} for output in newsroom.settings.outputs}


@pytest.mark.parametrize("seed", range(4))
def test_the_stories_that_a_plan_names_are_those_that_move(newsroom: Newsroom, seed: int) -> None:
    draw = random.Random(seed)
    newsroom.configure(config(draw))
    for _ in range(2):
        serve(newsroom, draw)
        newsroom.poll()
    decide(newsroom, draw)
    for _ in range(6):
        newsroom.clock.time += HOUR
        before = members(newsroom)
        newsroom.read(text := config(draw))
        plan = make(newsroom.store, newsroom.settings, newsroom.rules, 0.0, newsroom.clock.now())
        newsroom.configure(text)
        after = members(newsroom)
        moved = {slug: (after[slug] - before[slug], before[slug] - after[slug]) for slug in after if after[slug] != before[slug]}
        planned = {one.slug: ({row.id for row in one.enter}, {row.id for row in one.leave}) for one in plan.feeds}
        assert {slug: both for slug, both in planned.items() if any(both)} == moved


SHAPES = (
    "sort: weight",
    "sort: outlets",
    "per_thread: 1",
    "per_outlet: 1",
    "sort: updated, per_outlet: 2",
    "sort: weight, per_outlet: 1",
)


def ranked_config(draw: random.Random) -> str:
    sources = "\n".join(f'  - {{id: {id}, url: "{url}"}}' for id, url in SOURCES.items())
    shape = draw.choice(SHAPES)
    feed = f"{{slug: top, query: {draw.choice(QUERIES)!r}, {shape}, items: {draw.choice((1, 2, 3))}}}"
    rules = "tags: {sea: ferry}\ntopics: [{slug: lund, query: lund}]"
    return f"publish: {{websub: false}}\nsources:\n{sources}\n{rules}\noutputs: [{feed}]\n"


def document(newsroom: Newsroom) -> set[str]:
    now = newsroom.clock.now()
    rank(newsroom.publisher, now)
    newsroom.publisher.publish(None, now)
    return {row["id"].removeprefix("urn:uuid:") for row in newsroom.feed("top")}


@pytest.mark.parametrize("seed", [1, 2, 14, 24])
def test_of_a_ranked_feed_a_plan_names_what_enters_and_leaves_its_document(newsroom: Newsroom, seed: int) -> None:
    draw = random.Random(seed)
    text = ranked_config(draw)
    newsroom.configure(text)
    for _ in range(2):
        serve(newsroom, draw)
        newsroom.poll()
    newsroom.clock.time += 26 * HOUR
    serve(newsroom, draw)
    newsroom.poll()
    for _ in range(6):
        newsroom.clock.time += HOUR
        before = document(newsroom)
        newsroom.read(text := ranked_config(draw))
        plan = make(newsroom.store, newsroom.settings, newsroom.rules, 0.0, newsroom.clock.now())
        newsroom.configure(text)
        after = document(newsroom)
        planned = [({row.id for row in one.enter}, {row.id for row in one.leave}) for one in plan.feeds if one.slug == "top"]
        assert (planned or [(set(), set())]) == [(after - before, before - after)]


def test_a_story_that_moves_up_into_a_ranked_document_is_told(newsroom: Newsroom) -> None:
    config = f"""
publish: {{websub: false}}
sources: [{{id: herald, url: "{SOURCES["herald"]}"}}]
outputs: [{{slug: top, query: "-opera", sort: weight, items: 2}}]
"""
    newsroom.configure(config)
    newsroom.serves(SOURCES["herald"], *(entry(title, at=START - number * HOUR) for number, title in enumerate(TITLES[:5], 1)))
    newsroom.poll()
    newsroom.read(config.replace("-opera", "-opera -harbour -ferry"))
    (told,) = make(newsroom.store, newsroom.settings, newsroom.rules, 0.0, newsroom.clock.now()).feeds
    assert ([row.title for row in told.enter], [row.title for row in told.leave]) == ([TITLES[2]], [TITLES[0]])
    assert _summary(told) == (
        "~ feed top: +1 -1; subscribers see 1 as new; of all that compete for its places, 0 match newly, and 2 no longer"
    )


def test_an_edit_of_the_kind_of_ids_is_told_to_show_everything_anew(newsroom: Newsroom) -> None:
    plain = f'publish: {{websub: false}}\nsources: [{{id: herald, url: "{SOURCES["herald"]}"}}]\n'
    newsroom.configure(plain)
    newsroom.read(plain.replace("false", "false, ids: per-feed"))
    plan = make(newsroom.store, newsroom.settings, newsroom.rules, 0.0, newsroom.clock.now())
    assert plan.config == ("~ publish (ids)", IDS_EDITED)
    assert "as new" in IDS_EDITED
    newsroom.read(plain.replace("false", "false, items: 7"))
    plan = make(newsroom.store, newsroom.settings, newsroom.rules, 0.0, newsroom.clock.now())
    assert IDS_EDITED not in plan.config

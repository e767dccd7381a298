"""What `plan` says of an edit is what taking it up then does."""

from __future__ import annotations

import random

import pytest

from aggregator.commands.plan_edit import IDS_EDITED, make
from aggregator.model import StoryId
from aggregator.stories.decisions.edit import StoryEditor
from tests.unit.chain.newsroom import HOUR, START, Newsroom, entry

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

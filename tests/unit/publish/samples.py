"""Stories for the tests of publishing."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aggregator.model import (
    Category,
    Enclosure,
    Entry,
    Evidence,
    Instant,
    Item,
    ItemId,
    Picture,
    Slug,
    Source,
    SourceId,
    Story,
    StoryId,
    Tag,
    TagKind,
)
from aggregator.ports import OutputState, Store
from aggregator.publish.publisher import Publisher
from aggregator.settings import Output, Polling, Publishing, Settings, Site, Topic

NOON = 1_686_830_400.0
"""15 June 2023, 12:00 UTC."""
MINUTE = 60.0

WIRE = Source(SourceId("wire"), "https://wire.example/feed.xml", title="Wire")
DAILY = Source(SourceId("daily"), "https://daily.example/rss?token=s3cret", title="The Daily")
SOURCES = (WIRE, DAILY)
TITLES = {SourceId("wire"): "Wire", SourceId("daily"): "The Daily"}


def settings(folder: Path, *outputs: Output, **changes: object) -> Settings:
    """Settings that publish below `folder`; without outputs: `all`, a topic, and a private one."""
    made = outputs or (
        Output(Slug("all"), "All stories"),
        Output(Slug("ukraine"), "Ukraine & NATO", topic=Slug("ukraine"), description="What allies say about joining"),
        Output(Slug("desk"), "Desk", content="full", token="let-me-in"),
    )
    plain = Settings(
        file=folder / "feeds.yaml",
        sources=SOURCES,
        site=Site(title="Test news", url="https://news.example.org"),
        publish=Publishing(directory=folder / "public", private=folder / "private", items=3),
        polling=Polling(min=300.0),
        topics=(Topic(Slug("ukraine"), "Ukraine & NATO", "nato"),),
        outputs=made,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def item(number: int, source: Source = WIRE, **changes: object) -> Item:
    """An item of its own title and address, published `number` minutes after noon."""
    entry = Entry(
        guid=f"g{number}",
        url=f"https://{source.id}.example/articles/{number}?lang=en&page=1",
        title=f"Allies weigh step {number} & more",
        summary=f"<p>Ministers talked about <em>step</em> {number}.</p>",
        content=f"<p>Ministers talked about <em>step</em> {number}.</p><p>They meet again.</p>",
        text=f"Ministers talked about step {number}. They meet again.",
        authors=("Ann Writer",),
        categories=(Category("Europe"),),
        language="en",
    )
    plain = Item(
        id=ItemId(0),
        source=source.id,
        guid=f"g{number}",
        entry=entry,
        canonical=f"{source.id}.example/articles/{number}",
        outlet=source.title or source.id,
        outlet_key=f"{source.id}.example",
        published=NOON + number * MINUTE,
        first_seen=NOON + number * MINUTE,
        hash=number.to_bytes(8, "big"),
        language="en",
    )
    item_changes = {name: value for name, value in changes.items() if name in Item.__slots__}
    entry_changes = {name: value for name, value in changes.items() if name not in item_changes}
    return replace(plain, entry=replace(entry, **entry_changes), **item_changes)  # type: ignore[arg-type]


def podcast(number: int) -> Item:
    """An item with everything: several enclosures, a picture, comments, markup in odd places."""
    return item(
        number,
        title="Listen: <talks> & “quotes”",
        enclosures=(
            Enclosure("https://cdn.example/b.mp3", "audio/mpeg", 1234, 60, "The talk"),
            Enclosure("https://cdn.example/a.ogg"),
            Enclosure("javascript:alert(1)", "audio/mpeg", 1),
        ),
        image=Picture("https://cdn.example/i.jpg"),
        comments="https://wire.example/c#1",
    )


def store_story(store: Store, *items: Item, tags: tuple[Tag, ...] = (), slugs: tuple[str, ...] = ("all",)) -> StoryId:
    """Stores one story of these items as a poll would, and puts it into feeds."""
    with store.begin() as transaction:
        story: StoryId | None = None
        stored = []
        for one in items:
            kept, story = transaction.add_item(one, story, Evidence("test"))
            stored.append(kept)
        assert story is not None
        transaction.save_story(
            Story(
                id=story,
                items=tuple(stored),
                lead=stored[0].id,
                published=stored[0].published,
                first_seen=stored[0].first_seen,
                updated=max(one.published for one in stored),
                tags=tags or (Tag(TagKind.TAG, "wire"), Tag(TagKind.ENTITY, "NATO"), Tag(TagKind.CATEGORY, "Europe")),
            )
        )
        for slug in slugs:
            transaction.enter(Slug(slug), [story], stored[0].published)
    return story


def change_story(store: Store, story: StoryId, title: str, now: Instant) -> None:
    """An outlet edits the lead's headline."""
    with store.begin() as transaction:
        old = transaction.story(story)
        assert old is not None
        transaction.update_item(replace(old.lead_item, entry=replace(old.lead_item.entry, title=title)))
        transaction.save_story(replace(old, updated=now))


def open_outputs(store: Store, settings: Settings, *, filling: bool = False, now: Instant = NOON) -> None:
    """Makes the stored states of all outputs."""
    with store.begin() as transaction:
        for output in settings.outputs:
            state = OutputState(output.slug, b"meaning.", filling=filling, changed=now, as_of=now)
            transaction.save_output(state)


def rank(publisher: Publisher, now: Instant) -> frozenset[Slug]:
    """Ranks feeds and front page as the daemon's jobs do, in one go. Returns the feeds that are to be published."""
    rankings = publisher.rankings
    return rankings.save(rankings.make(now), now) | rankings.save_front(rankings.make_front(now))

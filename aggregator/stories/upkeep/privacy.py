"""Updates stored stories when a source becomes private or public, and when a feed loses its token (decision 038).

Private and public items never share a story, so nothing reveals a private one: no outlet, link, tag, count or date.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from urllib.parse import urlsplit

from aggregator.model import Evidence, Instant, Slug, SourceId, StoryId
from aggregator.ports import ArchivePage, Rules, Store, StoryFilter, Transaction
from aggregator.publish import archive
from aggregator.publish.selection import private
from aggregator.settings import Output, Settings
from aggregator.stories import earlier
from aggregator.stories.curate import Curator, horizons

CHUNK = 300
"""Stories in one transaction."""
SHORTEST_NAME = 4
"""Letters of a name by which closed pages are searched for a source; shorter names occur inside other words."""
APART = Evidence("a private source's entries are a story of their own")


def follow(store: Store, settings: Settings, rules: Callable[[], Rules], now: Instant) -> frozenset[Slug]:
    """Makes stored items as private as the config says. Returns the feeds whose documents differ now.

    It marks items first and records the config last: if interrupted, it shows nothing that should be hidden, and starts again.
    Items that arrive after the change don't join those stored before it.
    """
    known, wanted = private.known_sources(store), private.wanted_sources(store, settings)
    if not known and not wanted:
        return frozenset()
    turned = known ^ wanted
    withdrawn = set(private.withdrawn(store))
    changed = _clear_opened_feeds(store, settings, withdrawn, now)
    if not turned:
        return frozenset(changed)
    withdrawn |= _find_mentions(store, settings, wanted - known)
    with store.begin() as transaction:
        for source in turned:
            transaction.set_private(source, source in wanted)
        private.save(transaction, private.WITHDRAWN_KEY, withdrawn)
    stories = store.find(StoryFilter(sources=frozenset(map(str, turned)), hidden=True))
    oldest = horizons(store)
    while chunk := [story.id for story in islice(stories, CHUNK)]:
        withdrawn.update(chunk)
        with store.begin() as transaction:
            heirs = _separate(transaction, chunk, known, turned, now)
            curator = Curator(rules(), transaction.outputs(), settings.publish.settle, now, oldest, heirs)
            showing = earlier.retell(transaction, transaction.stories(chunk))
            changed |= curator.refresh(transaction, dict.fromkeys([*chunk, *heirs, *showing]))
            private.save(transaction, private.WITHDRAWN_KEY, withdrawn)
    with store.begin() as transaction:
        private.save(transaction, private.SOURCES_KEY, wanted)
    return frozenset(changed)


def _separate(
    transaction: Transaction, ids: Iterable[StoryId], known: Collection[SourceId], turned: Collection[SourceId], now: Instant
) -> dict[StoryId, frozenset[Slug]]:
    """Splits stories that hold private and public items. Returns the new stories, each with the feeds it came from.

    The id stays with the items that it was known for: a public story stays public. A public story must not have an id that was
    made from a private item.
    """
    heirs: dict[StoryId, frozenset[Slug]] = {}
    for story in transaction.stories(ids, hidden=True):
        transaction.index.forget([item.id for item in story.items if item.source in turned])
        was_private = any(item.source in known for item in story.items)
        leaving = [item for item in story.items if item.private != was_private]
        if len(leaving) in (0, len(story.items)):
            continue
        feeds, home = transaction.members_of([story.id])[story.id], None
        for item in leaving:
            home = transaction.move_item(item.id, home, APART, now)
        if home is not None:
            heirs[home] = feeds
    return heirs


def _clear_opened_feeds(store: Store, settings: Settings, withdrawn: set[StoryId], now: Instant) -> set[Slug]:
    """Removes private stories from feeds that no longer have a token; adds them to `withdrawn`. Returns these feeds.

    Stories of which no item is left may have been private, so they go from closed pages, too.
    """
    states, before = store.outputs(), private.public_feeds(store)
    changed: set[Slug] = set()
    for output in settings.outputs if before else ():
        if output.token is not None or output.slug in before or output.slug not in states:
            continue
        members = {member.story for member in store.members(output.slug)}
        archived = {story for page in store.pages(output.slug) for story in page.stories}
        stories = store.stories(members | archived)
        leaving = {story.id for story in stories if story.private}
        withdrawn |= leaving | {story.id for story in stories if not story.items}
        with store.begin() as transaction:
            transaction.withdraw(output.slug, leaving)
            transaction.bump([output.slug], now)
            private.save(transaction, private.WITHDRAWN_KEY, withdrawn)
        changed.add(output.slug)
    return changed


def _find_mentions(store: Store, settings: Settings, sources: Collection[SourceId]) -> set[StoryId]:
    """Finds stories whose entries in closed pages of public feeds name these sources, whatever became of the stories."""
    names = tuple(_names_of(store, settings, sources))
    found: set[StoryId] = set()
    for output in settings.outputs if names else ():
        for page in _public_pages(store, output):
            for entry in archive.unpack(page.body):
                text = (entry.atom + entry.json).decode().casefold()
                if any(name in text for name in names):
                    found.update(page.stories if output.digest is not None else (entry.story,))
    return found


def _public_pages(store: Store, output: Output) -> Iterator[ArchivePage]:
    for listed in store.pages(output.slug) if output.token is None else ():
        if (page := store.page(output.slug, listed.page)) is not None:
            yield page


def _names_of(store: Store, settings: Settings, sources: Collection[SourceId]) -> Iterator[str]:
    """Yields the names by which documents refer to these sources: titles, outlets, hosts."""
    states = store.states(sources)
    for source in settings.sources:
        if source.id in sources:
            state = states.get(source.id)
            addresses = (source.url, state.url if state else None, state.home if state else None)
            hosts = (urlsplit(address).hostname for address in addresses if address)
            names = (source.title, source.outlet, state.title if state else None, *hosts)
            yield from (name.casefold() for name in names if name and len(name) >= SHORTEST_NAME)

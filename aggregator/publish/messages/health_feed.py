"""`/health.atom`: events that a person should know of. Everybody gets a plain text, the administrator the full event.

Errors and addresses may contain secrets, and a private source must not be named. So the public text is made only from the
kind of event and the title of a public source.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from aggregator.model import SourceId
from aggregator.ports import Event, StoreView
from aggregator.publish.entry.addresses import TYPES
from aggregator.publish.entry.characters import plain
from aggregator.publish.entry.view import View
from aggregator.publish.formats import atom
from aggregator.publish.formats.head import Head
from aggregator.publish.messages import notices
from aggregator.publish.shelf import Prepared
from aggregator.publish.site.published_state import HEALTH_ENTRIES
from aggregator.settings import Settings

MAX_AGE = 60
"""Seconds that a cached copy may be used. Events are checked for as often."""
DAEMON = "daemon"
"""The subject of events that concern no source."""
HOOK = "hook"
"""The kind of events on hooks, whose names are nobody's business."""
OF_DAEMON = {
    "config": ("An edit of the config is refused", "The old one is in use."),
    "restart": ("A restart is needed", "An edit of the config is in use but for what only a restart can change."),
    "stale": ("No source can be read", "Probably the network of this site is down."),
    "space": ("A disk is nearly full", "Everything works as long as there is room."),
    "disk": ("A disk is full", "Feeds are served as they are until there is room."),
    "readonly": ("A disk is read-only", "Feeds are served as they are until it can be written."),
    "database": ("The database can't be written", "Feeds are served as they are until it can be."),
    "publishing": ("Feeds can't be published", "They are served as they are until they can be."),
    "backup": ("Backups fail", "Nothing else is affected."),
    HOOK: ("A hook fails", "Stories lack what it would tell of them."),
}
"""Kind of event → its public title and text."""
OF_SOURCE = {
    "broken": ("{} is broken", "It could not be read for some time."),
    "gone": ("{} is gone", "Its server says that it will not come back."),
    "moved": ("{} has moved", "It is read at its new address."),
    "silent": ("{} is silent", "It has brought nothing new for longer than usual."),
    "capped": ("{} is cut short", "It holds more than is taken from one document."),
    "budget": ("{} brings too much", "What is beyond its budget of a day enters no feed."),
}
UNTOLD = frozenset({"channel", "lost"})
"""Kinds that everybody hears nothing of: the feed of a channel may be private."""
OTHER = ("{} needs attention", "Whoever runs this site can see why.")


def render_health(
    settings: Settings, store: StoreView, top: Head, site_id: str, since: float, unstored: Sequence[Event] = ()
) -> tuple[Prepared, Prepared | None]:
    """The public document, and the one for `server.admin` if that is set.

    since: the date of a document without entries. unstored: events that the database refuses, as on a full disk.
    """
    events, site, token = overlay(store.events(HEALTH_ENTRIES), unstored)[:HEALTH_ENTRIES], settings.site, settings.server.admin
    names = _names(settings, store, events)
    in_public = [shown for event in events if (shown := _in_public(event, names)) is not None]
    public = _document(settings, top, notices.event_entries(in_public, site, site_id), since)
    if token is None:
        return public, None
    whole = _document(settings, top, notices.event_entries(events, site, site_id), since)
    return (
        replace(public, extra={"vary": "Accept-Encoding, Authorization"}),
        replace(whole, token=token, cache=f"private, max-age={MAX_AGE}"),
    )


def overlay(stored: Sequence[Event], unstored: Sequence[Event]) -> list[Event]:
    """Returns all events, newest first; an unstored one stands for the stored one of the same key and opening."""
    merged = {(event.key, event.opened): event for event in (*stored, *unstored)}
    return sorted(merged.values(), key=lambda event: (-event.opened, event.key))


def _document(settings: Settings, top: Head, entries: list[View], since: float) -> Prepared:
    updated = max((one.updated for one in entries), default=since)
    home = settings.site.url + "/"
    head = replace(top, updated=updated, home=home, hub=None, path="/health", ttl=MAX_AGE)
    body = atom.document(head).around([atom.entry(one) for one in entries])
    return Prepared(TYPES["atom"], body, int(updated), f"public, max-age={MAX_AGE}")


def _names(settings: Settings, store: StoreView, events: Iterable[Event]) -> Mapping[SourceId, str]:
    """Source id → name of each public source that events tell of.

    Ids are not used as names, since one made from an address shows its path.
    """
    subjects = {SourceId(event.key.partition(" ")[2]) for event in events}
    sources = [source for id in subjects if (source := settings.sources_by_id.get(id)) is not None and not source.private]
    states = store.states([source.id for source in sources])
    told = {id: state.title for id, state in states.items()}
    return {source.id: plain(source.title or told.get(source.id) or "") or "A source" for source in sources}


def _in_public(event: Event, names: Mapping[SourceId, str]) -> Event | None:
    """The event in public words; None if its source is private or no longer configured."""
    subject = event.key.partition(" ")[2]
    if event.kind in UNTOLD:
        return None
    if event.kind == HOOK or (subject == DAEMON and event.kind not in OF_SOURCE):
        title, detail = OF_DAEMON.get(event.kind, (OTHER[0].format("The service"), OTHER[1]))
        return replace(event, title=title, detail=detail)
    if (name := names.get(SourceId(subject))) is None:
        return None
    title, detail = OF_SOURCE.get(event.kind, OTHER)
    return replace(event, title=title.format(name), detail=detail)

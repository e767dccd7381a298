"""Puts a backup in place of the database, with what readers know from after it: ids, merges, events and issues of digests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import Decision, Rules, Store
from aggregator.publish.messages.digests import LOOKED_KEY
from aggregator.publish.site.ownership import SITE_ID
from aggregator.settings import Settings
from aggregator.store import backup
from aggregator.store.decisions_since import Since
from aggregator.store.set_aside import Names, Published, TakenOver, take_over
from aggregator.store.sqlite import SqliteStore
from aggregator.stories.curate import Curator, horizons
from aggregator.stories.decisions.thread_edit import retell_threads
from aggregator.stories.restoring.published_entries import read_published


class Restored(Struct, frozen=True):
    """aside: where the old database is now, None if there was none; remembered: entries that came since the backup.

    decided: by a person, since the backup.
    """

    aside: Path | None
    remembered: int
    decided: Since = Since()


def restore_backup(file: Path, settings: Settings, rules: Callable[[], Rules], now: Instant) -> Restored:
    """Replaces the config's database by a copy of a backup. The caller holds its lock. Raises StoreError: nothing has changed."""
    database = Path(settings.storage.database)
    issues = frozenset(output.slug for output in settings.outputs if output.digest is not None)
    files = read_published(settings)
    published = Published(files.entries, {LOOKED_KEY + slug: at for slug, at in files.digests.items()})
    taken: list[TakenOver] = []

    def complete(copy: Path) -> None:
        taken.append(take_over(copy, database, published, Names(SITE_ID, LOOKED_KEY, issues), now))
        merges, holds = taken[0].merges, taken[0].decided.holds
        if merges or holds:
            with closing(SqliteStore(copy)) as store:
                _merge_again(store, settings, rules(), merges, now)
                _decide_again(store, settings, rules(), holds, now)

    aside = backup.restore(file, database, now, complete)
    return Restored(aside, taken[0].entries, taken[0].decided)


def _merge_again(store: Store, settings: Settings, rules: Rules, merges: Iterable[tuple[StoryId, StoryId]], now: Instant) -> None:
    """Merges stories (the one kept, its alias), but for those that were taken down or aren't equally private any more."""
    oldest = horizons(store)
    heirs: dict[StoryId, frozenset[Slug]] = {}
    with store.begin() as transaction:
        for kept, alias in merges:
            found = [one for one in transaction.stories([kept, alias]) if one.items and not one.dropped]
            if len(found) == 2 and found[0].private == found[1].private:
                heirs[kept] = heirs.get(kept, frozenset()) | transaction.members_of([alias])[alias]
                transaction.merge_stories(kept, alias, now)
        Curator(rules, transaction.outputs(), settings.publish.settle, now, oldest, heirs).refresh(transaction, heirs)


def _decide_again(
    store: Store, settings: Settings, rules: Rules, holds: Iterable[tuple[Decision, Collection[StoryId]]], now: Instant
) -> None:
    """Takes stories down that were taken down since, and shows the leads and headlines that a person chose since."""
    oldest = horizons(store)
    with store.begin() as transaction:
        concerned: dict[StoryId, None] = {}
        for decision, ids in holds:
            concerned |= dict.fromkeys(ids)
            if decision.kind == "drop":
                for story in transaction.stories(ids):
                    transaction.save_story(replace(story, dropped=True))
                concerned |= dict.fromkeys(retell_threads(transaction, transaction.threads_of(ids).values()))
        Curator(rules, transaction.outputs(), settings.publish.settle, now, oldest).refresh(transaction, concerned)

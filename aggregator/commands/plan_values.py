"""What `plan` tells, as values."""

from __future__ import annotations

from msgspec import Struct


class Headline(Struct, frozen=True):
    id: str
    title: str
    published: str | None


class SourcePlan(Struct, frozen=True):
    """A source with edited keys. entries: the stored ones that get another outlet, rank, group or tags."""

    id: str
    keys: tuple[str, ...]
    entries: int


class FilterPlan(Struct, frozen=True):
    """What the `keep` and `drop` of a source would do to its stored entries. out, back: those taken out and let in again."""

    id: str
    out: tuple[Headline, ...]
    back: tuple[Headline, ...]


class FeedPlan(Struct, frozen=True):
    """The changes of a feed. enter: stories that newly match and will be shown; leave: those that no longer match.

    new: the feed does not exist yet; held: number of newly matching stories that stay out, as too old or too many.
    ranked: its document shows the best of all that match. Then enter and leave are of the document, and `more` and `fewer`
    tell how many stories match newly, and no longer.
    """

    slug: str
    new: bool
    enter: tuple[Headline, ...]
    leave: tuple[Headline, ...]
    held: int
    ranked: bool = False
    more: int = 0
    fewer: int = 0

    @property
    def seen_as_new(self) -> int:
        """The number of stories that the feed's subscribers will see as new."""
        return 0 if self.new else len(self.enter)

    def __bool__(self) -> bool:
        return bool(self.enter or self.leave or self.new or self.held or self.more or self.fewer)


class DigestPlan(Struct, frozen=True):
    """The changes of a digest: its next issue draws on `enter` stories more, and on `leave` fewer."""

    slug: str
    new: bool
    digest: str
    next: str | None
    enter: int
    leave: int


class Plan(Struct, frozen=True):
    """All changes. retention: number of stories of which no entry is younger than `storage.keep`.

    sources_renamed: (id before, id now), with one address; hidden, shown: sources whose stories leave the public feeds
    (`private: true`), or may be in them from now on; config: keys that differ; apply: whether adopting applies the filters.
    taken_up: since when the config is in use just as it is; None if it has edits that nothing has adopted yet.
    stories_out, stories_back: stories of which nothing is left after the filters, and those that are there again.
    """

    sources_added: tuple[str, ...]
    sources_removed: tuple[str, ...]
    sources_renamed: tuple[tuple[str, str], ...]
    sources_changed: tuple[SourcePlan, ...]
    sources_hidden: tuple[str, ...]
    sources_shown: tuple[str, ...]
    filters: tuple[FilterPlan, ...]
    stories_out: int
    stories_back: int
    apply: bool
    feeds: tuple[FeedPlan, ...]
    digests: tuple[DigestPlan, ...]
    feeds_removed: tuple[str, ...]
    retention: int
    config: tuple[str, ...]
    taken_up: str | None = None

    def __bool__(self) -> bool:
        sources = self.sources_added or self.sources_removed or self.sources_renamed or self.sources_changed
        private = self.sources_hidden or self.sources_shown
        return bool(sources or private or self.filters or self.feeds or self.digests or self.feeds_removed or self.config)

"""Closed archive pages: closes them, writes their files, and serves them from the store."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TypeAlias

from aggregator.model import Instant, Slug, StoryId
from aggregator.ports import ArchivePage, Shown, Store
from aggregator.publish import archive
from aggregator.publish.entry.addresses import FORMATS, TYPES, older_path, page_path
from aggregator.publish.feed_documents import render_documents
from aggregator.publish.formats.head import ArchiveLinks, Head, head
from aggregator.publish.pages import older_pages, pages
from aggregator.publish.rendering import Rendered, Renderer, in_order
from aggregator.publish.shelf import Knows, Prepared, digest
from aggregator.publish.site.files import Tree
from aggregator.settings import Output, Settings

HTML = 2
"""Number of the form of the web pages: with another one, the files are written again."""
PAGES_KEY = "publish.pages."
"""Prefix of stored values: the digest and page count that a feed's page files were last written from."""
DROPS_KEY = "publish.drops"
"""Key of the stored digest of the drop decisions that were applied to archive pages."""
Closed: TypeAlias = tuple[ArchivePage, list[Rendered]]
"""A page and its entries, newest first."""

_PATH = re.compile(r"/feeds/([^/]+)/([1-9][0-9]{0,8})\.(atom|rss|json)")
_PAGE = re.compile(r"/topics/([^/]+)/([1-9][0-9]{0,8})\.html")


class ClosedPages:
    """The archive pages of all outputs of one config. site_id: see `Publisher.site_id`."""

    def __init__(
        self, settings: Settings, store: Store, renderer: Renderer, trees: Mapping[bool, Tree], site_id: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._store = store
        self._renderer = renderer
        self._trees = trees
        self._site_id = site_id
        self._outputs = {output.slug: output for output in settings.outputs if output.digest is None and not output.rejected}
        self._counts: dict[Slug, int] = {}

    def count(self, slug: Slug) -> int:
        """The feed's number of pages, which is also its newest page's number. 0 for digests, whose pages are issues."""
        if slug not in self._outputs:
            return 0
        if slug not in self._counts:
            self._counts[slug] = len(self._store.pages(slug))
        return self._counts[slug]

    def forget_counts(self) -> None:
        """Has pages counted anew: another process may have closed some."""
        self._counts = {}

    def close(self, output: Output, shown: list[Shown], now: Instant) -> list[Shown]:
        """Closes the pages that are due. Returns the members left in the subscription document."""
        if not archive.is_due(shown, output.items):
            return shown
        before, sources = self.count(output.slug), self._store.lead_sources(output.slug)
        closed: list[Closed] = []
        while members := archive.select_to_close(shown, output.items, sources):
            entries = in_order(self._renderer.entries(members, output), "published")
            closed.append((archive.make_page(output.slug, before + len(closed) + 1, entries, now), entries))
            gone = {one.story for one in members}
            shown = [one for one in shown if one.story not in gone]
        if closed:
            self._save(output, closed, before)
        return shown

    def _save(self, output: Output, closed: Sequence[Closed], before: int) -> None:
        """Stores these pages and writes their files. before: the number of pages before them."""
        with self._store.begin() as transaction:
            for page, _ in closed:
                transaction.mark_published(page.stories)
                transaction.save_page(page)
        self._counts[output.slug] = before + len(closed)
        if before:
            self._rewrite(output, before)  # it now links to a next page
        for page, entries in closed:
            self._write(output, page, entries)
        self._note_written(output, before)

    def _note_written(self, output: Output, before: int) -> None:
        """Records that the files of all pages are written, provided those of the earlier pages were."""
        made_from = self._made_from(output)
        if not before or self._store.value(PAGES_KEY + output.slug) == f"{made_from} {before}":
            with self._store.begin() as transaction:
                transaction.set_value(PAGES_KEY + output.slug, f"{made_from} {self.count(output.slug)}")

    def write_all(self) -> None:
        """Rewrites page files if the config changed their content or if writing was interrupted, and makes missing ones."""
        for output in self._outputs.values():
            count = self.count(output.slug)
            state = f"{self._made_from(output)} {count}"
            stored = self._store.value(PAGES_KEY + output.slug) or ""
            before, _, written = stored.partition(" ")
            first = int(written) if before == state.partition(" ")[0] else 1  # the last page written now links to a next one
            for number in range(1, count + 1):
                if (number >= first and stored != state) or not self._is_filed(output, number):
                    self._rewrite(output, number)
            if count and stored != state:
                with self._store.begin() as transaction:
                    transaction.set_value(PAGES_KEY + output.slug, state)

    def _is_filed(self, output: Output, number: int) -> bool:
        tree = self._trees[output.token is not None]
        return all(tree.has(path[1:]) for path in _paths_of(output, number))

    def take_down_dropped(self, now: Instant) -> bool:
        """Takes stories that a person dropped since the last call out of closed pages. Placement takes them out of feeds.

        Returns whether such decisions were made or undone.
        """
        decided = [override for override in self._store.overrides() if override.kind == "drop"]
        decisions = [one for one in self._store.decisions() if one.kind == "drop" and one.undone is None]
        dropped = [override.a for override in decided] + [story for one in decisions for story in one.traces.stories]
        applied = digest(repr([(override.a, override.at) for override in decided]).encode("utf-8", "surrogatepass"))
        if applied == self._store.value(DROPS_KEY) or not (dropped or self._store.value(DROPS_KEY)):
            return False
        found = {story for named in dropped if (story := self._store.story_of(named)) is not None}
        self._take_down({story.id for story in self._store.stories(found) if story.dropped}, now)
        with self._store.begin() as transaction:
            transaction.set_value(DROPS_KEY, applied)
        return True

    def _take_down(self, stories: Collection[StoryId], now: Instant) -> None:
        """Takes stories out of every closed page, in the store and in the files."""
        for output in self._outputs.values():
            for listed in self._store.pages(output.slug):
                page = self._store.page(output.slug, listed.page) if set(listed.stories) & set(stories) else None
                if page is not None:
                    rest = archive.remove_stories(page, stories, now)
                    with self._store.begin() as transaction:
                        transaction.save_page(rest)
                    self._write(output, rest, archive.unpack(rest.body))

    def withdraw(self, stories: Collection[StoryId], now: Instant) -> None:
        """Takes private stories out of closed pages of public feeds and renders the rest of `stories` again.

        A story that a private source reported along with public ones stays, without the private report.
        """
        for output in self._outputs.values():
            if output.token is None:
                self._render_again(output, stories, now)

    def retell(self, stories: Collection[StoryId], now: Instant) -> None:
        """Renders stories again whose entries tell a headline that was taken down.

        Those whose text has expired go: their entries can't be made without it.
        """
        for output in self._outputs.values():
            self._render_again(output, stories, now)

    def _render_again(self, output: Output, stories: Collection[StoryId], now: Instant) -> None:
        for listed in self._store.pages(output.slug):
            found = set(listed.stories).intersection(stories)
            page = self._store.page(output.slug, listed.page) if found else None
            if page is not None:
                anew = {one.story: one for one in self._renderer.render_current(found, output)}
                rest = archive.replace_stories(page, found, anew, now)
                with self._store.begin() as transaction:
                    transaction.withdraw(output.slug, set(page.stories).difference(rest.stories))
                    transaction.save_page(rest)
                self._write(output, rest, archive.unpack(rest.body))

    def paths(self, output: Output) -> Iterator[str]:
        """The paths of the documents of all pages of a feed."""
        for number in range(1, self.count(output.slug) + 1):
            yield from _paths_of(output, number)

    def prepared(self, path: str, knows: Knows) -> Prepared | None:
        """The document at a path. None if there is no such archive page, or if it is private and the token is not known."""
        if matched := _PAGE.fullmatch(path):
            return self._prepared_page(Slug(matched[1]), int(matched[2]))
        matched = _PATH.fullmatch(path)
        output = self._outputs.get(Slug(matched[1])) if matched else None
        if output is not None and output.token is not None and not knows(output.token):
            return None
        page = self._store.page(output.slug, int(matched[2])) if matched and output else None
        if matched is None or output is None or page is None:
            return None
        access = "private" if output.token is not None else "public"
        top = self._head(output, page)
        body = render_documents(top, archive.unpack(page.body))[matched[3]]
        return Prepared(TYPES[matched[3]], body, self._modified(page), f"{access}, max-age={top.ttl}", output.token)

    def _prepared_page(self, slug: Slug, number: int) -> Prepared | None:
        """The web page of a closed page. Feeds with a token have none, and are not looked up."""
        output = self._outputs.get(slug)
        page = self._store.page(slug, number) if output is not None and output.token is None else None
        if output is None or page is None:
            return None
        body = self._html(output, page, archive.unpack(page.body))
        headers = pages.headers(images=False, index=self._settings.site.index)
        return Prepared("text/html; charset=utf-8", body, self._modified(page), pages.CACHE, extra=headers)

    def _modified(self, page: ArchivePage) -> int:
        """When the documents of a page changed last. A page links to the next one from when that is closed."""
        following = self._store.page(page.slug, page.page + 1)
        return int(max(page.closed, following.closed if following is not None else page.closed))

    def _html(self, output: Output, page: ArchivePage, entries: Sequence[Rendered]) -> bytes:
        """The web page. It leads to the pages of those stories whose texts are still stored."""
        readable = {story.id for story in self._store.stories(page.stories) if story.items and not story.private}
        return older_pages.older(self._settings.site, self._head(output, page), entries, readable)

    def _rewrite(self, output: Output, number: int) -> None:
        page = self._store.page(output.slug, number)
        if page is not None:
            self._write(output, page, archive.unpack(page.body))

    def _write(self, output: Output, page: ArchivePage, entries: Sequence[Rendered]) -> None:
        made = render_documents(self._head(output, page), entries)
        for format, body in made.items():
            self._trees[output.token is not None].write(page_path(output.slug, page.page, format)[1:], body)
        if output.token is None:
            body = pages.as_file(self._html(output, page, entries))
            self._trees[False].write(older_path(output.slug, page.page)[1:], body)

    def _made_from(self, output: Output) -> str:
        """A digest of everything that page documents take from the config and from this database."""
        plain = head(output, self._settings, self._site_id(), 0.0)
        return digest(repr((plain, output.token is None, self._settings.site, HTML)).encode())

    def _head(self, output: Output, page: ArchivePage) -> Head:
        links = ArchiveLinks(
            page=page.page,
            previous=page.page - 1 if page.page > 1 else None,
            next=page.page + 1 if page.page < self.count(output.slug) else None,
        )
        return head(output, self._settings, self._site_id(), page.updated, links)


def _paths_of(output: Output, number: int) -> Iterator[str]:
    """The paths of the documents of a page. A feed with a token has no web pages."""
    yield from (page_path(output.slug, number, format) for format in FORMATS)
    if output.token is None:
        yield older_path(output.slug, number)

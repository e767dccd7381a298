"""Publishes committed state as documents, files, and prepared answers. Changes are stored before they become visible."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from aggregator.model import Instant, Slug, SourceId, StoryId
from aggregator.ports import Event, OutputState, Shown, Store
from aggregator.publish.entry.addresses import FORMATS, TYPES, feed_path, subscribe_path, topic_path
from aggregator.publish.feed_update import Content, FeedUpdate, make_update
from aggregator.publish.formats import opml
from aggregator.publish.formats.head import ArchiveLinks, Head, head, ttl
from aggregator.publish.health_page import HEALTH_FILE, SINCE, HealthPage
from aggregator.publish.messages import notices, notifications
from aggregator.publish.messages.digests import Digests, Following
from aggregator.publish.on_demand import OnDemand
from aggregator.publish.pages import pages
from aggregator.publish.pages.closed_pages import ClosedPages
from aggregator.publish.pages.feed_pages import FeedPages
from aggregator.publish.pages.front_page import FrontStories
from aggregator.publish.pages.open_threads import OpenThreads
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.publish.pages.story_pages import StoryPages
from aggregator.publish.pages.thread_pages import ThreadPages
from aggregator.publish.placed_documents import PlacedDocuments
from aggregator.publish.publications import Publications
from aggregator.publish.rendering import Renderer, feed_of
from aggregator.publish.selection import private, thread_listing
from aggregator.publish.selection.ranking import Rankings
from aggregator.publish.selection.thresholds import tell_reached
from aggregator.publish.shelf import Answer, Knows, Prepared, Shelf
from aggregator.publish.site import former_addresses
from aggregator.publish.site.folders import Folders
from aggregator.publish.site.ownership import SITE_ID
from aggregator.publish.site.paths import SITE_FILES, STORY_FOLDER
from aggregator.publish.site_rankings import SiteRankings
from aggregator.settings import Output, Settings

SPARE = 200
"""Rendered entries that may be kept beyond twice the number of entries in feeds."""


class Publisher:
    """Publishes the outputs of one config from one store. Used by one thread at a time; other threads may read `shelf`.

    rankings: of feeds that are not in order of time, and of the front page.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        shelf: Shelf | None = None,
        *,
        mint: Callable[[], uuid.UUID] = uuid.uuid4,
        folders: Folders | None = None,
    ) -> None:
        self.shelf = shelf or Shelf()
        self._settings = settings
        self._store = store
        self._mint = mint
        self._folders = folders or Folders(settings, store)
        self._trees = self._folders.trees
        self._placed = PlacedDocuments(self.shelf, self._trees)
        self._renderer = Renderer(settings, store.stories)
        self._closed = ClosedPages(settings, store, self._renderer, self._trees, self.site_id)
        self._publications = Publications(settings, store)
        self._rankings = Rankings(settings, store)
        self._digests = Digests(settings, store, self.site_id)
        public = PublicStories(settings)
        threads = OpenThreads(store, public.outputs, settings.storage.keep, lambda: self._now)
        self._stories = StoryPages(settings, store, self._trees[False], self.head_of, public, threads)
        self._health = HealthPage(settings, store, self.shelf, self.head_of, self.site_id)
        self._front = FrontStories(settings.site, store, public, threads)
        self.rankings = SiteRankings(settings, self._rankings, self._front)
        self._pages = FeedPages(settings, store, self._placed.put, self.head_of)
        self._on_demand = OnDemand(self._closed, self._stories, ThreadPages(settings, store, self.site_id, public, threads))
        self._now: Instant = 0.0
        self._site_id: str | None = None
        self._is_behind = True
        self._shown: dict[Slug, tuple[StoryId, ...]] = {}
        self._bases: dict[Slug, object] = {}

    def publish(self, slugs: Collection[Slug] | None, now: Instant, outage: str | None = None) -> tuple[Slug, ...]:
        """Brings the documents of these feeds up to date. slugs: None for all feeds, the OPML list, and health.

        outage: what keeps every source from being read, which pages tell.

        Returns the slugs of feeds whose documents changed. Raises AggregatorError if files can't be written, UsageError if they
        would lie among others' files.
        """
        self._now = now
        self.shelf.recall()
        self._begin(now)
        self._claim(again=slugs is None)
        if self._is_behind:
            slugs = None
        self._withdraw(now)
        self._pages.begin(outage)
        states = self._store.outputs()
        outputs = [one for one in self._settings.outputs if slugs is None or one.slug in slugs]
        updates = []
        for output in outputs:
            state = states.get(output.slug) or OutputState(output.slug, b"", changed=now)
            if (made := self._make_update(output, state, now)) is not None:
                updates.append(made)
        if self._closed.take_down_dropped(now):
            self._stories.write_all(states)
        self._publications.record(updates, now)
        self._write_story_pages(updates)
        for one in updates:
            self._show(one)
        tell_reached(self._store, outputs, states, now)
        if slugs is None:
            self._show_surroundings(states, now)
        self._show_front(now)
        self.shelf.show()
        self._placed.file_rest()
        if slugs is None:
            notifications.end_subscriptions(self._store, self._public_feeds(), now)
            self._is_behind = False
        self._forget()
        self._folders.sync()
        return tuple(one.output.slug for one in updates if one.has_changed)

    def has_other_notice(self, outage: str | None) -> bool:
        """Whether pages would say something else of the sources than they do. outage: see `publish`."""
        return self._pages.describe(outage) != self._pages.notice

    def issue_digests(self, now: Instant, following: Following) -> tuple[Slug, ...]:
        """Makes the digests that are due. Returns their feeds, which the caller then publishes."""
        return self._digests.issue(now, following)

    def follow(self, now: Instant) -> None:
        """Takes note that another process has published. For a node that serves and does not publish."""
        self._now = now
        self._closed.forget_counts()

    def answer(self, path: str, knows: Knows) -> Answer | None:
        """Makes a page on demand, on such a node; see `OnDemand.answer`."""
        return self._on_demand.answer(path, knows)

    def show_health(self, unstored: Sequence[Event] = ()) -> None:
        """Updates `/health.atom` from the stored events, and from those that the database refuses to store.

        It is served even if its file can't be written: what it tells may be just that. Raises AggregatorError then.
        """
        self.shelf.recall()
        body = self._health.put(unstored)
        self.shelf.show()
        self._claim(again=False)
        self._trees[False].write(HEALTH_FILE, body)

    def site_id(self) -> str:
        """This database's UUID, made at the first publication."""
        if self._site_id is None:
            self._site_id = self._store.value(SITE_ID)
        if self._site_id is None:
            self._site_id = str(self._mint())
            with self._store.begin() as transaction:
                transaction.set_value(SITE_ID, self._site_id)
        return self._site_id

    def _begin(self, now: Instant) -> None:
        if self._store.value(SINCE) is None:
            with self._store.begin() as transaction:
                transaction.set_value(SINCE, repr(float(int(now))))

    def _claim(self, *, again: bool) -> None:
        """Makes the folders ours before anything is written there. Where they were removed, everything is written anew."""
        if not self._folders.are_ours:
            self._is_behind = True
            self._placed.forget_files()
            self._bases.clear()
            self._pages.forget_front()
            self._stories.forget()
        if again or self._is_behind:
            self._folders.claim(self.site_id())

    def _make_update(self, output: Output, state: OutputState, now: Instant) -> FeedUpdate | None:
        """The update of a feed, or None if its content is known to be unchanged."""
        content = self._content(output, state, now)
        if content is None:
            return None
        changed = state.changed
        return make_update(
            output,
            self._settings,
            self.site_id(),
            content,
            self._publications.mark(output.slug),
            changed,
            now,
            filling=state.filling,
            notice=self._pages.notice,
        )

    def _content(self, output: Output, state: OutputState, now: Instant) -> Content | None:
        if output.digest is not None:
            return Content(*self._digests.feed(output), ArchiveLinks())
        if output.rejected:
            hidden = private.wanted_sources(self._store, self._settings) if output.token is None else frozenset[SourceId]()
            rejects = self._store.rejects(output.items, without=hidden)
            views = notices.reject_entries(rejects, self._settings.site, self.site_id())
            return Content(*feed_of(views, output, self._settings.site), ArchiveLinks())
        shown, links = self._shown_by(output, state, now)
        basis = (shown, links, state.filling, state.changed if not shown else None)
        if self._bases.get(output.slug) == basis:
            return None
        return Content(*self._renderer.feed(shown, output), links, basis)

    def _shown_by(self, output: Output, state: OutputState, now: Instant) -> tuple[list[Shown], ArchiveLinks]:
        """What a feed's document shows, and its archive. A ranked feed has none: who reads the pages it once had still can."""
        if output.ranked:
            return self._rankings.shown(output, state, now), ArchiveLinks()
        shown = self._store.shown(output.slug, output.items if state.filling else None)
        if not state.filling:
            shown = self._closed.close(output, shown, now)
        return shown, ArchiveLinks(previous=self._closed.count(output.slug) or None)

    def _forget(self) -> None:
        """Forgets rendered entries that are in no feed, once there are too many."""
        self._renderer.forget_views()
        places = sum(map(len, self._shown.values()))
        if max(len(self._renderer), len(self._publications)) > 2 * places + SPARE:
            shown = {story for stories in self._shown.values() for story in stories}
            self._renderer.forget_all_but(shown)
            self._publications.forget_all_but(shown)

    def _withdraw(self, now: Instant) -> None:
        """Takes what became private out of closed pages and digests of public feeds, and headlines out of others' entries.

        In the store and in files.
        """
        if stories := private.withdrawn(self._store):
            self._digests.withdraw(stories)
            self._closed.withdraw(stories, now)
            self._stories.write(stories)
            with self._store.begin() as transaction:
                private.save(transaction, private.WITHDRAWN_KEY, ())
        entries, story_pages = thread_listing.retold(self._store)
        if story_pages:
            self._closed.retell(entries, now)
            self._stories.retell(story_pages)
            with self._store.begin() as transaction:
                thread_listing.forget_retold(transaction, story_pages)

    def _write_story_pages(self, updates: Iterable[FeedUpdate]) -> None:
        """Writes the pages of stories before a page or feed links to them."""
        of_stories = [one for one in updates if not one.output.rejected and one.output.digest is None]
        self._stories.update({one.output.slug: one.content.entries for one in of_stories})

    def _show(self, one: FeedUpdate) -> None:
        output = one.output
        is_private = output.token is not None
        cache = f"{'private' if is_private else 'public'}, max-age={one.head.ttl}"
        for format, body in one.made.items():
            links = f'<{one.head.hub}>; rel="hub", <{one.head.self_url(format)}>; rel="self"'
            extra = {"link": links} if one.head.hub else {}
            prepared = Prepared(TYPES[format], body, one.mark.modified, cache, output.token, extra, one.digests[format])
            self._placed.put(feed_path(output.slug, format), prepared)
        self._pages.show(one)
        self._shown[output.slug] = one.stories
        self._bases[output.slug] = one.content.basis

    def _show_front(self, now: Instant) -> None:
        """Brings the front page up to date. The pages that it leads to are written before."""
        front = self._front.current(now)
        self._stories.write_missing(front.ids)
        self._pages.finish(front, now)

    def _show_surroundings(self, states: Mapping[Slug, OutputState], now: Instant) -> None:
        """Publishes the OPML list, health, and archive pages, and removes documents that are no longer published."""
        site, cache = self._settings.site, f"public, max-age={ttl(self._settings)}"
        public = [self.head_of(output) for output in self._settings.outputs if output.token is None]
        self._placed.put("/opml.xml", Prepared("text/x-opml; charset=utf-8", opml.document(site, public), int(now), cache))
        for one in public:
            self._pages.show_subscribe(one, now)
        self._trees[False].write(HEALTH_FILE, self._health.put())
        self._closed.write_all()
        self._stories.write_all(states)
        self.shelf.on_demand = self._on_demand.answer
        self._remove_the_rest(states)

    def head_of(self, output: Output) -> Head:
        """The current head of a feed's subscription document."""
        return head(output, self._settings, self.site_id(), self._publications.mark(output.slug).updated)

    def _remove_the_rest(self, states: Mapping[Slug, OutputState]) -> None:
        served = {f"/{name}" for name in SITE_FILES}
        wanted: dict[bool, set[str]] = {False: set(SITE_FILES), True: set()}
        for output in self._settings.outputs:
            feeds = [feed_path(output.slug, format) for format in FORMATS]
            served.update(feeds)
            wanted[output.token is not None].update(path[1:] for path in (*feeds, *self._closed.paths(output)))
            if output.token is None:
                own = (topic_path(output.slug), subscribe_path(output.slug))
                served.update(own)
                wanted[False].update((*(path[1:] for path in own), self._write_folder_page(output.slug)))
        stories = self._trees[False].names(STORY_FOLDER)  # StoryPages removes them
        wanted[False].update(f"{STORY_FOLDER}/{name}" for name in stories)
        self._folders.clean(wanted)
        for path in self.shelf.paths():
            if path not in served:
                self.shelf.drop(path)
        self.shelf.put_away(former_addresses.answers(self._settings, self._store, states.keys(), served))

    def _write_folder_page(self, slug: Slug) -> str:
        """Makes `/topics/SLUG` lead to the feed's page on hosts of files, too. Returns the path."""
        path = f"topics/{slug}/index.html"
        self._trees[False].write(path, pages.moved(self._settings.site, f"../{slug}.html"))
        return path

    def _public_feeds(self) -> set[str]:
        """The paths of all documents of public feeds."""
        return {feed_path(one.slug, format) for one in self._settings.outputs if one.token is None for format in FORMATS}

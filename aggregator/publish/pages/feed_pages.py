"""The front page and the pages of feeds, which also tell how far the sources are read."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.model import Instant, Slug
from aggregator.ports import Store
from aggregator.publish.entry.addresses import subscribe_path, topic_path
from aggregator.publish.feed_update import FeedUpdate, render_page
from aggregator.publish.formats.head import Head
from aggregator.publish.pages import front_page, pages
from aggregator.publish.pages.front_page import Front
from aggregator.publish.selection import filling
from aggregator.publish.shelf import Prepared
from aggregator.settings import Output, Settings

HTML = "text/html; charset=utf-8"


class FeedPages:
    """put: publishes a document; head_of: returns the current head of an output; notice: what pages say of the sources."""

    def __init__(
        self, settings: Settings, store: Store, put: Callable[[str, Prepared], None], head_of: Callable[[Output], Head]
    ) -> None:
        self.notice: str | None = None
        self._settings = settings
        self._images = settings.publish.images == "link"
        self._headers = pages.headers(images=self._images, index=settings.site.index)
        self._store = store
        self._put = put
        self._head_of = head_of
        self._headlines: dict[Slug, list[bytes]] = {}
        self._front: tuple[dict[Slug, list[bytes]], str | None, Front] | None = None
        self._unfinished: dict[Slug, FeedUpdate] = {}

    def describe(self, outage: str | None) -> str | None:
        """What pages should say now. outage: what keeps every source from being read."""
        return filling.describe(self._store, self._settings) if outage is None else f"No source can be read: {outage}."

    def begin(self, outage: str | None) -> None:
        """Takes up what pages should say."""
        self.notice = self.describe(outage)

    def show(self, one: FeedUpdate) -> None:
        """Publishes the page of a feed, and remembers its headlines for the front page."""
        slug = one.output.slug
        self._headlines[slug] = [entry.headline for entry in one.content.listed[: pages.HEADLINES]]
        if one.output.token is not None:
            return
        self._put_page(one, one.page, one.mark.modified)
        self._unfinished.pop(slug, None)
        if one.filling:
            self._unfinished[slug] = one

    def _put_page(self, one: FeedUpdate, body: bytes, modified: int) -> None:
        self._put(topic_path(one.output.slug), Prepared(HTML, body, modified, pages.CACHE, extra=self._headers))

    def show_subscribe(self, feed: Head, now: Instant) -> None:
        """Publishes the page that says how to subscribe to a public feed."""
        body = pages.subscribe(self._settings.site, feed)
        extra = pages.headers(images=False)
        self._put(subscribe_path(feed.output.slug), Prepared(HTML, body, int(now), pages.CACHE, extra=extra))

    def finish(self, front: Front, now: Instant) -> None:
        """Publishes the front page if it changed, and with another notice also the pages of feeds that are being filled."""
        shown = self._front
        if shown is not None and self.notice != shown[1]:
            for one in self._unfinished.values():
                self._put_page(one, render_page(self._settings, one.head, one.content, self.notice), int(now))
        if (self._headlines, self.notice, front) != shown:
            public = [self._head_of(output) for output in self._settings.outputs if output.token is None]
            body = front_page.render(self._settings.site, public, self._headlines, front, images=self._images, notice=self.notice)
            self._put("/index.html", Prepared(HTML, body, int(now), pages.CACHE, extra=self._headers))
            self._front = dict(self._headlines), self.notice, front

    def forget_front(self) -> None:
        """Has the front page published anew, whatever it said."""
        self._front = None

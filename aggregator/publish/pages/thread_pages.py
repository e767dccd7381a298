"""Threads for subscribers: a page and a feed for each, made when somebody asks for them. Until then a thread costs nothing."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TypeAlias

from msgspec.structs import replace

from aggregator.model import Slug, ThreadId
from aggregator.ports import StoreView
from aggregator.publish.entry.addresses import FORMATS, TYPES, thread_path
from aggregator.publish.entry.characters import language
from aggregator.publish.feed_documents import render_documents
from aggregator.publish.formats.head import Head, head
from aggregator.publish.pages import pages
from aggregator.publish.pages.open_threads import OpenThread, OpenThreads
from aggregator.publish.pages.public_stories import PublicStories
from aggregator.publish.rendering import in_order, render
from aggregator.publish.shelf import Answer, Gone, Moved, Prepared
from aggregator.settings import Output, Settings

PATH = re.compile(r"/threads/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(atom|rss|json|html)")
KEPT = 16
"""Threads whose documents are kept: with 50 entries, some 300 kB each. Others are made again when they are asked for."""
Documents: TypeAlias = dict[str, Prepared]
"""Format, or "html" → document."""


class ThreadPages:
    """The threads of one config. site_id: see `Publisher.site_id`."""

    def __init__(
        self, settings: Settings, store: StoreView, site_id: Callable[[], str], public: PublicStories, threads: OpenThreads
    ) -> None:
        self._settings = settings
        self._store = store
        self._site_id = site_id
        self._public = public
        self._threads = threads
        self._kept: OrderedDict[ThreadId, tuple[OpenThread, Documents]] = OrderedDict()
        self._turn = Lock()

    def prepared(self, id: ThreadId, format: str) -> Answer | None:
        """The answer for a thread. Thread-safe. Threads are made one after another, so that many requests take one processor."""
        found = self._threads.find(id)
        if found is None or isinstance(found, Gone):
            return found
        if found != id:
            return Moved(self._settings.site.url + thread_path(found, format))
        with self._turn:
            shown = self._threads.read(id)
            return self._documents(shown)[format] if shown is not None else None

    def _documents(self, shown: OpenThread) -> Documents:
        """The documents of a thread as it stands now: those kept, if nothing has changed since."""
        known = self._kept.get(shown.id)
        if known is None or known[0] != shown:
            known = self._kept[shown.id] = shown, self._make(shown)
        self._kept.move_to_end(shown.id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return known[1]

    def _make(self, shown: OpenThread) -> Documents:
        newest = [one.story for one in shown.stories[-self._settings.publish.items :]]
        stories = [story for story in self._store.stories(newest) if story.items and not story.private]
        entries = in_order((render(self._public.view(story, shown.feeds[story.id])) for story in stories), "published")
        top = self._head(shown, max((one.updated for one in entries), default=shown.stories[-1].updated))
        modified, cache = int(max(one.updated for one in shown.stories)), f"public, max-age={top.ttl}"
        made = {format: Prepared(TYPES[format], body, modified, cache) for format, body in render_documents(top, entries).items()}
        site = self._settings.site
        page, headers = pages.thread(site, top, shown), pages.headers(images=False, index=site.index)
        return made | {"html": Prepared("text/html; charset=utf-8", page, modified, pages.CACHE, extra=headers)}

    def _head(self, shown: OpenThread, updated: float) -> Head:
        """The head of the thread's feed. It names no hub: what is made on demand is not pushed."""
        output = Output(Slug(shown.id), shown.title, language=language(shown.head.language))
        plain = head(output, self._settings, self._site_id(), updated)
        home, path = self._settings.site.url + thread_path(shown.id), thread_path(shown.id, FORMATS[0]).removesuffix(".atom")
        return replace(plain, id=f"urn:uuid:{shown.id}", home=home, path=path, hub=None)

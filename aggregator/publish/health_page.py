"""`/health.atom` on the shelf."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from aggregator.model import Slug
from aggregator.ports import Event, StoreView
from aggregator.publish.formats.head import Head
from aggregator.publish.messages import health_feed
from aggregator.publish.shelf import Shelf
from aggregator.settings import Output, Settings

HEALTH_FILE = "health.atom"
SINCE = "publish.since"
"""Key of the stored time of the first publication, which dates empty documents."""


class HealthPage:
    """head_of: returns the current head of an output; site_id: see `Publisher.site_id`."""

    def __init__(
        self,
        settings: Settings,
        store: StoreView,
        shelf: Shelf,
        head_of: Callable[[Output], Head],
        site_id: Callable[[], str],
    ) -> None:
        self._settings, self._store, self._shelf = settings, store, shelf
        self._head_of, self._site_id = head_of, site_id

    def put(self, unstored: Sequence[Event] = ()) -> bytes:
        """Brings the shelf up to date, and returns the public document. unstored: see `render_health`."""
        title = f"{self._settings.site.title}: health"
        output = Output(Slug("health"), title, description="Sources that are broken, silent, gone or moved")
        head, since = self._head_of(output), float(self._store.value(SINCE) or 0.0)
        public, whole = health_feed.render_health(self._settings, self._store, head, self._site_id(), since, unstored)
        path = f"/{HEALTH_FILE}"
        if (shown := self._shelf.get(path)) is None or not shown.is_as(public):
            self._shelf.put(path, public)
        self._shelf.put_whole(path, whole)
        return public.body

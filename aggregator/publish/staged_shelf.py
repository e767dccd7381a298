"""What the publisher writes where several nodes serve it: stored for all of them before anybody sees it."""

from __future__ import annotations

from collections.abc import Mapping

from aggregator.ports import Cluster, Store
from aggregator.publish.shared_documents import is_same, load, to_row
from aggregator.publish.shelf import Prepared, Shelf


class StagedShelf(Shelf):
    """A shelf whose changes are seen once they are stored, all in one transaction of the leader.

    shown: the shelf that this node serves; tokens: see `tokens_of`. If the transaction fails, nobody sees anything of it, and
    the next `show` stores it.
    """

    is_seen_at_once = False

    def __init__(self, shown: Shelf, store: Store, cluster: Cluster, tokens: Mapping[str, str]) -> None:
        super().__init__()
        self._shown, self._store, self._cluster, self._tokens = shown, store, cluster, tokens
        self._is_recalled = False

    def recall(self) -> None:
        """Takes up what was published last, by whichever process: what has not changed since is not stored again."""
        if not self._is_recalled:
            load(self._cluster.documents, self._shown, self._tokens, 0)
            self.apply(self._shown.answers())
            self.on_demand = self._shown.on_demand
            self._is_recalled = True

    def put(self, path: str, document: Prepared) -> None:
        """Keeps the held document if only its date differs: other nodes serve that date."""
        if not _is_unchanged(self.get(path), document):
            super().put(path, document)

    def put_whole(self, path: str, document: Prepared | None) -> None:
        if document is None or not _is_unchanged(self.whole(path), document):
            super().put_whole(path, document)

    def show(self) -> None:
        """Stores what was changed, then shows it. Raises StoreError, LeadershipLostError if another process leads now."""
        staged, shown = self.answers(), self._shown.answers()
        keys = [key for key in {**shown, **staged} if not is_same(staged.get(key), shown.get(key))]
        if keys:
            with self._store.begin() as transaction:
                self._cluster.documents.publish(transaction, [to_row(key, staged.get(key)) for key in keys])
            self._shown.apply({key: staged.get(key) for key in keys})
        self._shown.on_demand, self._shown.is_filled = self.on_demand, True


def _is_unchanged(held: Prepared | None, document: Prepared) -> bool:
    return held is not None and held.is_as(document)

"""The two folders of a config that published files lie in: `publish.directory`, and `publish.private` for feeds with a token."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aggregator.model import Slug
from aggregator.ports import StoreView
from aggregator.publish.site.files import Tree
from aggregator.publish.site.ownership import Owner, make_owner
from aggregator.settings import Settings


class Folders:
    """trees: whether private → the folder."""

    def __init__(self, settings: Settings, store: StoreView) -> None:
        self._settings = settings
        self._store = store
        self._owner: Owner | None = None
        self.trees = {False: Tree(settings.publish.directory), True: Tree(settings.publish.private, private=True)}

    @property
    def are_ours(self) -> bool:
        """Whether they were claimed and still have their markers: somebody may remove a folder, or lay another one there."""
        return self._owner is not None and all(tree.is_claimed for tree in self.trees.values() if tree.has_feeds)

    def claim(self, site_id: str) -> None:
        """Makes the folders ours before anything is written there. The private one is needed only for feeds with a token.

        Raises UsageError if one of them is somebody else's.
        """
        owner = make_owner(self._settings, site_id, self._store.outputs().keys())
        for is_private, tree in self.trees.items():
            slugs = self._slugs(is_private)
            if slugs or tree.is_claimed or not is_private:
                tree.claim(owner, slugs)
        self._owner = owner

    def clean(self, wanted: Mapping[bool, Collection[str]]) -> None:
        """Removes our files that are not wanted, and forgets the feeds that are no longer published."""
        for is_private, tree in self.trees.items():
            if self._owner is not None and tree.is_claimed:
                tree.clean(wanted[is_private])
                tree.release(self._owner, self._slugs(is_private))

    def sync(self) -> None:
        """See `Tree.sync`."""
        for tree in self.trees.values():
            tree.sync()

    def _slugs(self, is_private: bool) -> list[Slug]:
        return [output.slug for output in self._settings.outputs if (output.token is not None) is is_private]

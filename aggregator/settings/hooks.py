"""Hooks: programs and addresses that are asked about stories (`enrich:`)."""

from __future__ import annotations

from msgspec import Struct

from aggregator.model import Slug, SourceId
from aggregator.text.masks import repr_without

SUMMARY, TITLE, TAGS = "summary", "title", "tags"
"""What a hook may be asked for."""


class Hook(Struct, frozen=True):
    """A command, or an HTTP address, that is asked about stories (`enrich:`). fields: what is taken from its answer.

    command: program and arguments; tags: those that it may give, any if there are none; rate: stories a minute at most;
    settle: seconds between a story's change and the question; env: variables of ours that the command sees; private: whether an
    address may be sent private stories. topics, outputs, sources: whose stories it is asked about.
    """

    name: str
    command: tuple[str, ...] = ()
    url: str | None = None
    fields: tuple[str, ...] = (SUMMARY, TITLE, TAGS)
    tags: tuple[str, ...] = ()
    timeout: float = 30.0
    rate: int = 10
    settle: float = 30.0
    token: str | None = None
    env: tuple[str, ...] = ()
    private: bool = False
    topics: tuple[Slug, ...] = ()
    outputs: tuple[Slug, ...] = ()
    sources: tuple[SourceId, ...] = ()

    def __repr__(self) -> str:
        return repr_without(self, "url", "token")

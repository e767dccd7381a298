"""A document on its way from the node that read it to the one that leads: what is handed over, and who stores it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aggregator.cadence import body_hash
from aggregator.model import Fetched, Instant, NotModified, PollReport, Source, SourceId, SourceState
from aggregator.pipeline.storage import ASKED_AGAIN, DocumentStorage, superseded
from aggregator.ports import Inbox, Transaction
from aggregator.reading.job import Read

HANDED_OVER = "handed over"


class Document(Struct, frozen=True):
    """A document as it was read. url: of the source in the reader's config; state: as it was claimed.

    fetched: without its body; not_modified: of a sitemap index whose sitemaps are new. Exactly one of them is set.
    """

    url: str
    state: SourceState
    read: Read
    fetched: Fetched | None = None
    not_modified: NotModified | None = None

    @property
    def answer(self) -> Fetched | NotModified:
        answer = self.fetched or self.not_modified
        assert answer is not None
        return answer


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Document)


def encode(source: Source, state: SourceState, answer: Fetched | NotModified, read: Read) -> bytes:
    """The document as msgpack."""
    if isinstance(answer, NotModified):
        return _ENCODER.encode(Document(source.url, state, read, not_modified=answer))
    without_body = replace(answer, body=b"", body_hash=body_hash(answer.body))
    return _ENCODER.encode(Document(source.url, state, read, fetched=without_body))


def decode(content: bytes) -> Document:
    """Raises msgspec.MsgspecError, as for what another release has written."""
    return _DECODER.decode(content)


class InboxStorage(Struct, frozen=True):
    """A `Storage` that hands documents over to the leader. turn_of: the turn in which a source was claimed."""

    inbox: Inbox
    turn_of: Callable[[SourceId], int]

    async def store_document(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> PollReport:
        """See `Storage.store_document`."""
        content = encode(source, state, answer, read)
        if not await asyncio.to_thread(self.inbox.put, source.id, self.turn_of(source.id), now, content):
            return superseded(source, ASKED_AGAIN)
        return PollReport(source.id, "changed", HANDED_OVER)


class OwnTurnStorage(Struct, frozen=True):
    """A `Storage` of a leader that asks sources beside others: what has been claimed anew since is not stored."""

    documents: DocumentStorage
    is_current: Callable[[Transaction, SourceId], bool]

    async def store_document(
        self, source: Source, state: SourceState, answer: Fetched | NotModified, read: Read, now: Instant
    ) -> PollReport:
        """See `Storage.store_document`."""

        def is_current(transaction: Transaction) -> bool:
            return self.is_current(transaction, source.id)

        return await self.documents.store_document(source, state, answer, read, now, is_current=is_current)

"""What goes to a reading worker and what comes back, as msgpack. A worker that was taken over can send nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from aggregator.dedup.signature import Signature
from aggregator.model import Fault, Feed, Fetched

MARK = 8
"""Bytes of a fingerprint (`Entry.fingerprint`)."""


class Described(Struct, frozen=True, array_like=True):
    """What is told of an entry besides itself. sure: whether its title alone tells the language."""

    language: str
    sure: bool
    signature: Signature


class Read(Struct, frozen=True):
    """A document as read, and each of its entries described, by fingerprint."""

    feed: Feed
    described: Mapping[bytes, Described]


class Wish(Struct, frozen=True):
    """What a reader wants of a document beside its entries: what the config and the source's past say, as far as it matters.

    known: fingerprints of entries that need not be read again; level: of grouping, None where nothing need be described;
    languages: how many sure titles of the source were in which; private: it is grouped apart from public ones.
    """

    known: frozenset[bytes] = frozenset()
    level: str | None = None
    languages: Mapping[str, int] = {}
    private: bool = False


class Job(Struct, frozen=True, array_like=True):
    """What to do with a body: a document, or with `is_page` a web page that is asked for the feeds it offers."""

    url: str
    content_type: str | None = None
    known: bytes = b""
    level: str | None = None
    languages: dict[str, int] = {}
    private: bool = False
    is_page: bool = False


class Answer(Struct, frozen=True, array_like=True):
    """To a job: the feed with what is told of its entries, in their order, or the fault; or the feeds of a page."""

    feed: Feed | None = None
    described: tuple[Described, ...] = ()
    fault: Fault | None = None
    feeds: tuple[str, ...] = ()

    def read(self) -> Read | Fault | None:
        if self.feed is None:
            return self.fault
        marks = (entry.fingerprint for entry in self.feed.entries)
        return Read(self.feed, dict(zip(marks, self.described, strict=False)))


def job_of(document: Fetched, wish: Wish) -> Job:
    known = b"".join(wish.known)
    return Job(document.url, document.header("content-type"), known, wish.level, dict(wish.languages), wish.private)


def document_of(job: Job, body: bytes) -> Fetched:
    headers = () if job.content_type is None else (("content-type", job.content_type),)
    return Fetched(job.url, 200, headers, body)


def known_of(job: Job) -> frozenset[bytes]:
    return frozenset(job.known[start : start + MARK] for start in range(0, len(job.known), MARK))


ENCODER = msgspec.msgpack.Encoder()
JOBS = msgspec.msgpack.Decoder(Job)
ANSWERS = msgspec.msgpack.Decoder(Answer)

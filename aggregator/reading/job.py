"""Messages to and from a reading worker, as msgpack. A compromised worker can send nothing but an `Answer`."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from aggregator.dedup.signature import Signature
from aggregator.model import Fault, Feed, Fetched, Validators
from aggregator.parse.raw import FINGERPRINT_BYTES

FRAME_LENGTH = struct.Struct("!Q")
"""The length before each frame in the pipes between pool and worker."""


class Described(Struct, frozen=True, array_like=True):
    """A reader's findings on an entry. sure: whether the title alone gives the language.

    headline: as in `Item.headline`, as far as the document tells how the outlet is called. The signature is made from it, and
    must be made anew for an item whose headline is another.
    """

    language: str
    sure: bool
    signature: Signature
    headline: str | None = None


class Sitemap(Struct, frozen=True):
    """A sitemap of an index as it was last read. body_hash: empty if it never was; marks: fingerprints of its entries."""

    url: str
    validators: Validators = Validators()
    validators_url: str | None = None
    body_hash: bytes = b""
    marks: bytes = b""


class Read(Struct, frozen=True):
    """A document as read. described: entry fingerprint → findings; sitemaps: those that it was put together from."""

    feed: Feed
    described: Mapping[bytes, Described]
    sitemaps: tuple[Sitemap, ...] = ()


class ReadOptions(Struct, frozen=True):
    """How to read a document, from the config and the source's history.

    known: fingerprints of entries not to be read again; level: of grouping, None if entries need not be described;
    languages: language → number of the source's titles that are surely in it; private: whether the source is grouped apart
    from public ones.
    """

    known: frozenset[bytes] = frozenset()
    level: str | None = None
    languages: Mapping[str, int] = {}
    private: bool = False


class Job(Struct, frozen=True, array_like=True):
    """A job for a body. task: to read it as a document, to find the feeds that a web page offers, or its article."""

    url: str
    content_type: str | None = None
    known: tuple[bytes, ...] = ()
    level: str | None = None
    languages: dict[str, int] = {}
    private: bool = False
    task: Literal["document", "feeds", "article"] = "document"


class Answer(Struct, frozen=True, array_like=True):
    """The answer to a job: a feed with the findings on its entries, in order, or a fault; the feeds of a page; its article."""

    feed: Feed | None = None
    described: tuple[Described, ...] = ()
    fault: Fault | None = None
    feeds: tuple[str, ...] = ()
    article: str = ""

    def read(self) -> Read | Fault | None:
        if self.feed is None:
            return self.fault
        marks = (entry.fingerprint for entry in self.feed.entries)
        return Read(self.feed, dict(zip(marks, self.described, strict=False)))


def job_of(document: Fetched, options: ReadOptions) -> Job:
    known, languages = tuple(options.known), dict(options.languages)
    return Job(document.url, document.header("content-type"), known, options.level, languages, options.private)


def document_of(job: Job, body: bytes) -> Fetched:
    headers = () if job.content_type is None else (("content-type", job.content_type),)
    return Fetched(job.url, 200, headers, body)


def split_marks(marks: bytes) -> list[bytes]:
    """Fingerprints of a sitemap's entries, which stand one behind the other."""
    return [marks[start : start + FINGERPRINT_BYTES] for start in range(0, len(marks), FINGERPRINT_BYTES)]


ENCODER = msgspec.msgpack.Encoder()
JOBS = msgspec.msgpack.Decoder(Job)
ANSWERS = msgspec.msgpack.Decoder(Answer)

"""Reads a sitemap index: the sitemaps that it names are fetched, each by a conditional request, and read as one document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aggregator.cadence.unchanged import body_hash
from aggregator.fetch.request import conditional_request
from aggregator.fetch.target import show_url
from aggregator.model import (
    Entry,
    Fault,
    FaultKind,
    Feed,
    Fetched,
    FetchFailed,
    FetchOutcome,
    FetchRequest,
    NotModified,
    Source,
    SourceId,
    Validators,
)
from aggregator.parse.sitemap import INDEX, MAX_ENTRIES, NEWS, SITEMAPS
from aggregator.ports import Values, ValueWrites
from aggregator.reading.job import Described, Read, Sitemap, split_marks

KEY = "sitemaps."
"""Prefix of the stored values that keep what is known of an index's sitemaps; behind it stands the source's id."""
MAX_SECONDS = 60.0
"""Seconds after which no further sitemap of an index is asked for: the next poll goes on."""
_MAX_WARNINGS = 10
_ENDS = frozenset(
    {FaultKind.OFFLINE, FaultKind.DNS, FaultKind.CONNECT, FaultKind.TLS, FaultKind.TIMEOUT, FaultKind.HELD, FaultKind.CHALLENGE}
)
"""Faults after which the host's other sitemaps would fail likewise."""

Ask: TypeAlias = Callable[[FetchRequest], Awaitable[FetchOutcome]]
ReadDocument: TypeAlias = Callable[[Fetched], AbstractAsyncContextManager[Read | Fault]]


class Followed(Struct, frozen=True):
    """What an index's sitemaps gave. read: their new entries, None if none has changed; fault: why none could be read."""

    sitemaps: tuple[Sitemap, ...]
    read: Read | None = None
    fault: Fault | None = None


def known_sitemaps(values: Values, source: SourceId) -> tuple[Sitemap, ...]:
    """The sitemaps of a source's index, as they were last read."""
    text = values.value(KEY + source)
    try:
        return msgspec.json.decode(text, type=tuple[Sitemap, ...]) if text else ()
    except msgspec.MsgspecError:  # of another version of the program
        return ()


def save_sitemaps(transaction: ValueWrites, source: SourceId, sitemaps: Sequence[Sitemap]) -> None:
    transaction.set_value(KEY + source, msgspec.json.encode(sitemaps).decode() if sitemaps else None)


def unexpected_kind(kind: str | None, feed: Feed) -> Fault | None:
    """The fault if a document is not of the kind that the config demands (`kind: sitemap`, `kind: feed`)."""
    is_sitemap = feed.format in SITEMAPS
    if kind is None or is_sitemap == (kind == "sitemap"):
        return None
    found = "a sitemap" if is_sitemap else f"a feed ({feed.format})"
    return Fault(FaultKind.NOT_A_FEED, f"{found}, but the config says `kind: {kind}`")


async def follow_index(
    source: Source,
    index: Feed | None,
    known: Sequence[Sitemap],
    ask: Ask,
    read: ReadDocument,
    monotonic: Callable[[], float],
    proxy: str | None = None,
) -> Followed:
    """Fetches and reads the sitemaps of an index, one after the other. index: as read; None if it is as it was.

    ask: sends a request when its host may be asked; read: has a document read in a worker.
    """
    before = {one.url: one for one in known}
    wanted = [before.get(url, Sitemap(url)) for url in index.sitemaps] if index else list(known)
    parts, after, faults = list[Feed](), list[Sitemap](), list[Fault]()
    described: dict[bytes, Described] = {}
    until, answered = monotonic() + MAX_SECONDS, False
    for sitemap in wanted:
        if (faults and _ends(faults[-1])) or monotonic() > until:
            after.append(sitemap)
            continue
        outcome = await ask(conditional_request(source, sitemap, proxy))
        found = await _read_one(sitemap, outcome, read)
        after.append(found.sitemap)
        if found.fault is not None:
            faults.append(found.fault)
        answered = answered or found.fault is None
        if found.read is not None:
            parts.append(found.read.feed)
            described.update(found.read.described)
    if not parts:
        return Followed(tuple(after), fault=None if answered else _failure(faults))
    listed = [mark for sitemap in after for mark in split_marks(sitemap.marks)]
    feed = _merge(index, parts, listed, [fault.detail for fault in faults])
    return Followed(tuple(after), Read(feed, described))


class _Found(Struct, frozen=True):
    sitemap: Sitemap
    read: Read | None = None
    fault: Fault | None = None


async def _read_one(sitemap: Sitemap, outcome: FetchOutcome, read: ReadDocument) -> _Found:
    match outcome:
        case FetchFailed():
            return _Found(sitemap, fault=_about(sitemap, outcome.fault))
        case NotModified():
            return _Found(_renewed(sitemap, outcome, sitemap.body_hash, sitemap.marks))
    digest = body_hash(outcome.body)
    if digest == sitemap.body_hash:
        return _Found(_renewed(sitemap, outcome, digest, sitemap.marks))
    async with read(outcome) as found:
        if isinstance(found, Fault):
            return _Found(sitemap, fault=_about(sitemap, found))
        if found.feed.format != NEWS:
            words = "an index in an index, which is not followed" if found.feed.format == INDEX else "no sitemap"
            return _Found(sitemap, fault=_about(sitemap, Fault(FaultKind.NOT_A_FEED, words)))
        marks = b"".join((*(entry.fingerprint for entry in found.feed.entries), *found.feed.unchanged))
        return _Found(_renewed(sitemap, outcome, digest, marks), found)


def _renewed(sitemap: Sitemap, outcome: Fetched | NotModified, digest: bytes, marks: bytes) -> Sitemap:
    given = outcome.validators
    return Sitemap(sitemap.url, given, outcome.url if given != Validators() else None, digest, marks)


def _about(sitemap: Sitemap, fault: Fault) -> Fault:
    """The fault of one sitemap as one of the index: if it is gone, the source is not."""
    kind = FaultKind.STATUS if fault.kind is FaultKind.GONE else fault.kind
    return replace(fault, kind=kind, detail=f"its sitemap {show_url(sitemap.url)}: {fault.detail}")


def _ends(fault: Fault) -> bool:
    return fault.kind in _ENDS or fault.holds_host or fault.retry_at is not None


def _failure(faults: Sequence[Fault]) -> Fault:
    """The fault of an index of which nothing could be read."""
    return faults[-1] if faults else Fault(FaultKind.NOT_A_FEED, "a sitemap index that lists no sitemap of its own site")


def _merge(index: Feed | None, parts: Sequence[Feed], listed: Sequence[bytes], problems: Sequence[str]) -> Feed:
    """One document of all that was read, newest first. listed: fingerprints of all entries of all sitemaps.

    It counts as partial, so that an entry may be in another sitemap in an older version.
    """
    entries = sorted((entry for part in parts for entry in part.entries), key=_age)
    dropped = Counter[str]()
    for part in parts:
        dropped.update(part.dropped)
    if len(entries) > MAX_ENTRIES:
        dropped["cap:entries"] += len(entries) - MAX_ENTRIES
    languages, read = {part.language for part in parts}, {entry.fingerprint for entry in entries}
    warnings = (*(index.warnings if index else ()), *problems, *(warning for part in parts for warning in part.warnings))
    return replace(
        index or replace(parts[0], format=INDEX),
        entries=tuple(entries[:MAX_ENTRIES]),
        title=next((part.title for part in parts if part.title), None),
        language=languages.pop() if len(languages) == 1 else None,
        unchanged=tuple(dict.fromkeys(mark for mark in listed if mark not in read)),
        partial=True,
        dropped=dict(dropped),
        warnings=warnings[:_MAX_WARNINGS],
        sitemaps=(),
    )


def _age(entry: Entry) -> float:
    at = entry.published if entry.published is not None else entry.updated
    return -at if at is not None else 0.0

"""The work of a reading worker: parse, clean, tell the language, take the signature."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aggregator.dedup.signature import WordHashes, signature
from aggregator.fetch.discover import offered_feeds
from aggregator.model import Entry, Fault, Feed
from aggregator.parse.read import read_document
from aggregator.ports import LanguageGuesser
from aggregator.reading.job import Answer, Described, Job, document_of, known_of
from aggregator.text.urls import canonical


class _Told(Struct, frozen=True):
    """What a signature is taken of."""

    entry: Entry
    canonical: str | None
    language: str
    private: bool


class Describer:
    """Tells languages and takes signatures. guesser: loaded before it has to work within limits."""

    def __init__(self, guesser: LanguageGuesser) -> None:
        self._guesser = guesser
        self._hashes = {private: WordHashes(private=private) for private in (False, True)}

    def describe(self, feed: Feed, level: str, job: Job) -> Iterator[Described]:
        """Each entry's language, which those before it help to tell, and its signature.

        Each step takes all entries before the next begins: one by one they need up to a tenth more time, because each step's code
        and tables push the others' out of the processor's caches.
        """
        languages, hashes = dict(job.languages), self._hashes[job.private]
        told = []
        for entry in feed.entries:
            language, sure = self._guesser.guess(entry, entry.language or feed.language, languages)
            if sure:
                languages[language] = languages.get(language, 0) + 1
            told.append((entry, language, sure))
        for entry, language, sure in told:
            link = canonical(entry.url) if entry.url else None
            yield Described(language, sure, signature(_Told(entry, link, language, job.private), hashes, level))


def answer(job: Job, body: bytes, describer: Describer) -> Answer:
    """Does a job. Raises nothing for what a document holds, but may need any time and memory."""
    if job.is_page:
        return Answer(feeds=offered_feeds(body, job.url))
    feed = read_document(document_of(job, body), known_of(job))
    if isinstance(feed, Fault):
        return Answer(fault=feed)
    return Answer(feed, tuple(describer.describe(feed, job.level, job)) if job.level else ())

"""The work of a reading worker: parses and cleans a document, guesses languages, and computes signatures."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from aggregator.dedup.signature import WordHashes, signature
from aggregator.fetch.discover import offered_feeds
from aggregator.fetch.lookups import named_feeds
from aggregator.model import Entry, Fault, Feed
from aggregator.parse.article import read_article
from aggregator.parse.read import read_document
from aggregator.ports import LanguageGuesser
from aggregator.reading.job import Answer, Described, Job, document_of
from aggregator.tag.places import find_places
from aggregator.text.canonical import canonical
from aggregator.text.outlet_names import may_name_outlet, outlet_in, whole_title, without_outlet
from aggregator.text.publishers import KNOWN


class _SignatureInput(Struct, frozen=True):
    """What a signature is computed from. headline: as far as the document tells it."""

    entry: Entry
    canonical: str | None
    language: str
    private: bool
    headline: str | None


class Describer:
    """Guesses languages and computes signatures. guesser: already loaded, since loading may exceed the worker's limits."""

    def __init__(self, guesser: LanguageGuesser) -> None:
        self._guesser = guesser
        self._hashes = {private: WordHashes(private=private) for private in (False, True)}

    def describe(self, feed: Feed, level: str, job: Job) -> Iterator[Described]:
        """Describes each entry. Languages of earlier entries help to guess those of later ones.

        Each step handles all entries before the next step begins. One entry at a time takes up to a tenth longer, because each
        step's code and tables evict the others' from the processor's caches.
        """
        languages, hashes = dict(job.languages), self._hashes[job.private]
        guessed = []
        for entry in feed.entries:
            language, sure = self._guesser.guess(entry, entry.language or feed.language, languages)
            if sure:
                languages[language] = languages.get(language, 0) + 1
            guessed.append((entry, language, sure))
        for entry, language, sure in guessed:
            link = canonical(entry.url) if entry.url else None
            headline = _likely_headline(entry, feed.title, job.url)
            read = _SignatureInput(entry, link, language, job.private, headline)
            yield Described(language, sure, signature(read, hashes, level, find_places), headline)


def _likely_headline(entry: Entry, title: str | None, url: str) -> str | None:
    """The title without the outlet's name, if it has one that the document tells. title, url: the feed's.

    The config and other sources may tell more of the outlet: `stories.identity.outlets.headline_of` decides.
    """
    if not may_name_outlet(entry.title):
        return None
    domains = {KNOWN.of(address) for address in (url, entry.url) if address}
    called = [outlet_in(title, domain) or whole_title(title) for domain in domains] if title else []
    names = [name for name in (*called, entry.origin and entry.origin.title) if name]
    shown = without_outlet(entry.title, names, [domain for domain in domains if "." in domain])
    return None if shown == entry.title else shown


def answer(job: Job, body: bytes, describer: Describer) -> Answer:
    """Does a job. No document makes it raise, but time and memory are unbounded."""
    if job.task == "feeds":
        return Answer(feeds=named_feeds(body, job.url) or offered_feeds(body, job.url))
    if job.task == "article":
        article = read_article(document_of(job, body))
        return Answer(fault=article) if isinstance(article, Fault) else Answer(article=article)
    feed = read_document(document_of(job, body), job.known)
    if isinstance(feed, Fault):
        return Answer(fault=feed)
    return Answer(feed, tuple(describer.describe(feed, job.level, job)) if job.level else ())

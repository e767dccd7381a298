"""Makes the signature of an item: all that two items are compared by, read once from title and text. Pure.

Words are the tokens of `text.words`, cut to six letters (a stem that needs no language), as 32-bit hashes. Scripts without spaces
are read as pairs of characters. There is no list of stop words: the index counts how common each word is (`weigh`).
"""

from __future__ import annotations

import hashlib
import re
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeAlias

from msgspec import Struct

from aggregator.model import Entry
from aggregator.text.newswire import bare_title, is_bare_version, is_generic, is_revision, without_dateline
from aggregator.text.number_words import NumberWords, number_words
from aggregator.text.weekdays import DAYS, date_words
from aggregator.text.words import tokens

STEM = 6
"""Letters of a word that count. Five would join more unrelated words, seven fewer inflected forms of one word."""
TEXT = 1_000
"""Characters of a text that are read: about 150 words."""
LEAD = 250
"""Characters of a text that form its lead. Word frequencies are counted over title and lead."""
BAG_WORDS = {"story": 100, "event": 120}
"""Words of a text that are compared by their weights, by level."""
GRAM_WORDS = 100
"""Words of a text whose runs are compared to find copies."""
READ_WORDS = max(GRAM_WORDS, *BAG_WORDS.values())
RUN = 5
"""Words of a run."""
_RUNS = tuple(slice(4 * first, 4 * (first + RUN)) for first in range(GRAM_WORDS - RUN + 1))
"""Where each run stands in words packed as 32-bit numbers."""
FEW_WORDS = 4
"""A text shorter than this counts as none."""
MAX_NUMBERS = 60
NOUNS_IN_CAPITALS = frozenset({"de", "lb"})
"""Languages in which a capital letter makes no name."""
NAMED_WITHIN = 400
"""Characters of a text that show whether a title's first word is a name."""
MOST_CAPITALS = 0.6
"""Share of capitalised words above which a title is in title case, so that capitals mark no names."""
PRIVATE = zlib.crc32(b"private")
"""Start value of private items' word hashes. As a key it also counts the private items in the index."""
_TITLE_COUNTS = 2
"""How many occurrences in the text one in the title counts as."""

NOTHING: frozenset[int] = frozenset()
"""Shared, because each empty set takes 200 bytes and an item has four."""
_WORD = re.compile(r"[^\W\d_][^\W_]*")
_LETTERS = re.compile(r"\w+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_ASCII_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
"""The same for ASCII texts, in a third of the time."""


class WordHashes(dict[str, int]):
    """Word → hash of its stem. A bounded memo of a pure function.

    private: uses other hashes, so that words of private items lead only to private items in the shared index.
    """

    LIMIT = 50_000

    def __init__(self, *, private: bool = False) -> None:
        super().__init__()
        self._start = PRIVATE if private else 0

    def __missing__(self, word: str) -> int:
        if len(self) >= self.LIMIT:
            self.clear()
        value = self[word] = zlib.crc32(word[:STEM].encode("utf-8", "replace"), self._start)
        return value


class Signature(Struct, frozen=True):
    """What an item is compared by.

    words: distinct stems: the title's first (`title` of them), then the lead's (`lead`, including the title's), then the text's;
    repeated: (place in words, count) of stems that occur more than once; order: the title's stems in order; runs: hashes of runs
    of the text's words, each once, as an array of 32-bit numbers; names: capitalised words of the title; days: weekdays in the
    title, 0 is Monday; revision: the title calls itself a correction or an update; generic: the title names a column, not a
    story; version: it is a bare version number; nameless: it is known to have no name; title_places, places: countries named in
    the title, and in all; language: a number, 0 for none; url: key of the canonical address; level: story or event; private:
    made from a private item.
    """

    words: tuple[int, ...]
    repeated: tuple[tuple[int, int], ...]
    title: int
    lead: int
    order: tuple[int, ...]
    runs: bytes
    numbers: frozenset[int]
    title_numbers: frozenset[int]
    names: frozenset[int]
    title_places: frozenset[int]
    places: frozenset[int]
    days: frozenset[int]
    revision: bool
    generic: bool
    version: bool
    nameless: bool
    language: int
    url: int | None
    level: str
    private: bool = False


class Place(Protocol):
    """A country that an item names. code: ISO 3166; written: its name there; in_title: the title has it.

    is_own_name: it is the country's name or adjective, not that of a city or a person.
    """

    @property
    def code(self) -> str: ...
    @property
    def written(self) -> str: ...
    @property
    def in_title(self) -> bool: ...
    @property
    def is_own_name(self) -> bool: ...


FindPlaces: TypeAlias = Callable[[str, str, str], Sequence[Place]]
"""Finds the countries that a title and its text name. The third argument is the language."""


def no_places(title: str, text: str, language: str) -> Sequence[Place]:
    """Finds none."""
    return ()


class Signable(Protocol):
    """What a signature is made from: an item, or an entry that is not an item yet."""

    @property
    def entry(self) -> Entry: ...
    @property
    def canonical(self) -> str | None: ...
    @property
    def language(self) -> str: ...
    @property
    def private(self) -> bool: ...
    @property
    def headline(self) -> str | None: ...


def signature(item: Signable, hashes: WordHashes, level: str, find_places: FindPlaces = no_places) -> Signature:
    """Makes the signature of an item."""
    shown = item.entry.title if item.headline is None else item.headline
    headline = bare_title(shown, with_suffix=item.headline is not None)
    words = tokens(headline)
    spelt = number_words(item.language)
    text = _text_of(item.entry, spelt)
    found = find_places(shown, item.entry.text, item.language)
    title, replaced = _with_countries(spelt.in_digits(words), found)
    dates, countries = date_words(title), [hashes[_country(place)] for place in found]
    stems = list(map(hashes.__getitem__, text.words[:READ_WORDS]))
    bag = _count_stems(
        [hashes[word] for word in title if word not in dates], stems[: text.lead], countries, stems[text.lead : BAG_WORDS[level]]
    )
    title_numbers = _numbers(headline, title, spelt)
    names = _names(headline, text.body, replaced, hashes) if item.language not in NOUNS_IN_CAPITALS else None
    link = item.canonical
    return Signature(
        words=tuple(bag.counts),
        repeated=tuple([(place, count) for place, count in enumerate(bag.counts.values()) if count > 1]),
        title=bag.title,
        lead=bag.lead,
        order=tuple(map(hashes.__getitem__, title)),
        runs=_runs(stems[:GRAM_WORDS]),
        numbers=(title_numbers | _numbers(text.body, text.words, spelt)) or NOTHING,
        title_numbers=title_numbers,
        names=names or NOTHING,
        title_places=frozenset([hashes[_country(place)] for place in found if place.in_title]) or NOTHING,
        places=frozenset(countries) or NOTHING,
        days=frozenset([DAYS[word] for word in title if word in DAYS]) or NOTHING,
        revision=is_revision(shown),
        generic=is_generic(headline, words),
        version=is_bare_version(title),
        nameless=names == NOTHING,
        language=_language(item.language),
        url=key("private url" if item.private else "url", link) if link and ("/" in link or "?" in link) else None,
        level=level,
        private=item.private,
    )


class _Text(NamedTuple):
    """The part of a text that is read. lead: how many of its words form the lead."""

    body: str
    words: list[str]
    lead: int


def _text_of(entry: Entry, spelt: NumberWords) -> _Text:
    """Nothing if the text has too few words."""
    body = without_dateline(entry.text[:TEXT])
    words = spelt.in_digits(tokens(body))
    if len(words) < FEW_WORDS:
        return _Text("", [], 0)
    return _Text(body, words, round(len(words) * LEAD / len(body)) if len(body) > LEAD else len(words))


class _Bag(NamedTuple):
    """The distinct stems, with how often each occurs. The first `title` are the title's, the first `lead` include the lead's."""

    counts: Mapping[int, int]
    title: int
    lead: int


def _count_stems(title: Sequence[int], lead: Sequence[int], countries: Iterable[int], rest: Sequence[int]) -> _Bag:
    """Counts the stems of the title, of the text's lead and of its rest. Countries count with the lead, once."""
    counts = Counter(title)
    for stem in counts:
        counts[stem] *= _TITLE_COUNTS
    in_title = len(counts)
    counts.update(lead)
    for country in countries:
        counts.setdefault(country, 1)
    in_lead = len(counts)
    counts.update(rest)
    return _Bag(counts, in_title, in_lead)


def _country(place: Place) -> str:
    """The word that stands for a country, whatever it is called in the text."""
    return "@" + place.code


def _with_countries(title: list[str], found: Sequence[Place]) -> tuple[list[str], Mapping[str, str]]:
    """The title with countries' names and adjectives replaced by the countries, and which words became which country."""
    replaced: dict[str, str] = {}
    for place in found:
        if not (place.in_title and place.is_own_name):
            continue
        written = tokens(place.written)
        for start in range(len(title) - len(written) + 1):
            if written and title[start : start + len(written)] == written:
                title = [*title[:start], _country(place), *title[start + len(written) :]]
                replaced |= dict.fromkeys(written, _country(place))
                break
    return title, replaced


def _language(tag: str) -> int:
    """A number for the primary subtag of a language tag, 0 if the language is unknown."""
    main = tag.partition("-")[0].casefold()
    return 0 if main in ("", "und") else zlib.crc32(main.encode()) & 0xFFFF or 1


def _names(headline: str, body: str, replaced: Mapping[str, str], hashes: WordHashes) -> frozenset[int] | None:
    """The capitalised words of a title. None if capitals mark no names: a title in title case, or a script without them.

    The first word is a name if the text's beginning has it with a capital and never without.
    """
    words = _WORD.findall(headline)
    capital = [word for word in words[1:] if word[0].isupper()]
    if len(capital) > MOST_CAPITALS * len(words[1:]) or not any(map(str.islower, words)):
        return None
    if words[0][0].isupper() and _is_name(words[0], body[:NAMED_WITHIN]):
        capital.append(words[0])
    return frozenset([hashes[replaced.get(token, token)] for word in capital for token in tokens(word)[:1]]) or NOTHING


def _is_name(word: str, text: str) -> bool:
    if word.isupper() and len(word) > 1:
        return True
    lower = word.lower()
    if text.isascii() and lower not in text.lower():
        return False
    found = [one for one in _LETTERS.findall(text) if one.lower() == lower]
    return bool(found) and all(one[0].isupper() for one in found)


def key(kind: str, value: str) -> int:
    """A 63-bit key of an address, always larger than a word's hash."""
    digest = hashlib.blake2b(f"{kind} {value}".encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 | 1 << 62


def _runs(words: Sequence[int]) -> bytes:
    """32-bit hashes of the runs of five words."""
    packed = array("I", words).tobytes()
    hashes = frozenset(map(zlib.crc32, map(packed.__getitem__, _RUNS[: max(0, len(words) - RUN + 1)])))
    return array("I", hashes).tobytes()


def _numbers(text: str, words: Sequence[str], spelt: NumberWords) -> frozenset[int]:
    """Hashes of the numbers in a text, in digits or spelt out."""
    found: Iterable[str] = (_ASCII_NUMBER if text.isascii() else _NUMBER).findall(text)[:MAX_NUMBERS]
    numbers = {number.replace(",", "") for number in found} | spelt.numbers.intersection(words)
    return frozenset([zlib.crc32(number.encode()) for number in numbers]) or NOTHING

"""Names of outlets in titles: which part of a feed's title is its outlet, whether a domain bears a name out, and headlines
without the name of their outlet.

A feed can call itself as it likes. So its own title is believed only as far as its domain says the same: "BBC News - World" at
`bbc.co.uk`, "Wall Street Journal" at `wsj.com`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import lru_cache

from aggregator.text.publishers import LEAST_LABEL as _LEAST
from aggregator.text.publishers import label_of
from aggregator.text.words import fold, tokens

MAX_WORDS = 6
"""Words of an outlet's name; longer parts of a title are sentences."""
MAX_NAME = 60
"""Characters of an outlet's name."""
_BREAK = re.compile(r"\s+(?:[-–—|/·•>»]|::|&gt;)\s+|\s*[|»]\s*|:\s+")
"""What stands between an outlet and its section: "NYT > Top Stories", "World news | The Guardian", "ABC News: US"."""
_PARTS = re.compile(r"\s+[-–—|•·»:]{1,2}\s+|\s*[|»]\s*|:\s+")
"""What stands behind an outlet's name at the beginning of a headline."""
_SUFFIX = re.compile(r"\s+[-–—|•·»:/]{1,2}\s+|\s*[|»]\s*")
"""What stands before one at its end."""
_LEAST_LEFT = 2
"""Words that a headline keeps."""
_ADDED_WORDS = """
    news online com net org co uk us au de fr tv radio sport sports magazine international world business english live daily media
    network today newspaper
"""
_ADDED = frozenset(_ADDED_WORDS.split())
"""Words that outlets add to their names: "BBC News", "theguardian.com"."""
_LOOK_ALIKES = str.maketrans("авекмнорстухіјѕαβεηικμνορτυχ", "abekmhopctyxijsabehikmnoptyx")
"""Cyrillic and Greek letters that look like Latin ones in lower or upper case."""
_ARTICLES = frozenset(["the", "le", "la", "les", "l", "der", "die", "das", "el", "los", "il", "lo", "o", "a", "de", "het"])
SPELT_OUT, WITH_A_WORD, ABBREVIATED = 3, 2, 1
"""How well a domain bears a name out: `BBC News` at `bbc.co.uk`; `Alpha Times` at `alpha.example`, but not "New York Times" at
`new.example`; initials (`sz.de`), and a domain with one letter more (`bbci.co.uk`)."""


@lru_cache(maxsize=1_024)
def outlet_in(title: str, publisher: str, *, trusted: bool = False) -> str | None:
    """The part of a feed's title that names its outlet, without the section; None if none is borne out by the publisher.

    trusted: a person wrote the title: then the part before the section, if the domain says nothing. Cached, because each document
    of a source asks for the same.
    """
    parts = [part for part in (part.strip() for part in _BREAK.split(title.strip())) if part]
    named = next((part for part in parts if is_borne_out(part, publisher)), None)
    if named is None and trusted and parts and tokens(parts[0]):
        named = parts[0]
    return named if named is not None and len(named) <= MAX_NAME else None


def whole_title(title: str) -> str | None:
    """A feed's title that names one thing alone, without a section."""
    title = title.strip()
    return title if len(title) <= MAX_NAME and not _BREAK.search(title) else None


def is_borne_out(name: str, publisher: str) -> bool:
    """True if a name and the domain of its publisher say the same: `BBC News` and `bbc.co.uk`, `SZ` and `sz.de`."""
    return strength(name, publisher) > 0


def strength(name: str, publisher: str) -> int:
    """How well the domain of a publisher bears a name out: 0, ABBREVIATED, WITH_A_WORD or SPELT_OUT."""
    words, label = tokens(name), _label(publisher)
    if not words or len(words) > MAX_WORDS or len(label) < 2:
        return 0
    bare = _without_article(words)
    return _strength(words, label) if bare is words else max(_strength(words, label), _strength(bare, label))


@lru_cache(maxsize=1_024)
def _label(publisher: str) -> str:
    """The label of a publisher as names are compared with it."""
    return "".join(tokens(label_of(publisher)))


def index_keys(publisher: str) -> set[str]:
    """Words under which to list a domain, so that `name_keys` of a name that it bears out finds it."""
    label = _label(publisher)
    return {label, label[:-1]} if len(label) > _LEAST else {label}


def name_keys(name: str) -> set[str]:
    """The words that domains are known by which may bear a name out."""
    words = tokens(name)[: MAX_WORDS + 1]
    keys = {"".join(said[:count]) for said in (words, _without_article(words)) for count in range(1, len(said) + 1)}
    return keys | {"".join(word[0] for word in said) for said in (words, _without_article(words)) if len(said) > 1}


def core_of(name: str) -> str:
    """What is the same in the names "BBC", "The BBC" and "BBC News", whichever alphabet their letters are borrowed from."""
    return "".join(_core(tokens(fold(name).translate(_LOOK_ALIKES))))


def leading_words(name: str, publisher: str) -> int:
    """How many of a name's first words make up the publisher's own name; 0 if none do. An article is counted in."""
    label, words = _label(publisher), tokens(name)
    if len(label) < 2:
        return 0
    for skipped in (0, len(words) - len(_without_article(words))):
        for count in range(skipped + 1, len(words) + 1):
            if "".join(words[skipped:count]) in (label, _bare(label)):
                return count
    return 0


def may_name_outlet(headline: str) -> bool:
    """False if no part of a headline stands apart: then `without_outlet` returns it as it is, whatever the outlet is called."""
    return _PARTS.search(headline) is not None


def without_outlet(headline: str, names: Collection[str], publishers: Collection[str]) -> str:
    """The headline without the name of its outlet at the end or the beginning ("… - The Guardian", "Courant News: …").

    names: what the outlet is called; publishers: its domain, and that of the page: a name that these bear out counts, too. What
    is left has two words at least, else the headline stays as it is.
    """
    found = _PARTS.search(headline)
    if found is None:
        return headline
    for head, tail in _suffixes(headline):
        if _is_outlet(tail, names, publishers) and _is_left(head, names, publishers):
            return head
    first, separator, rest = headline[: found.start()].strip(), found.group(), headline[found.end() :].strip()
    sure = len(tokens(first)) > 1 or ":" not in separator  # "Apple: …" is about Apple
    if sure and _is_outlet(first, names, publishers) and _is_left(rest, names, publishers):
        return rest
    return headline


def _is_left(rest: str, names: Collection[str], publishers: Collection[str]) -> bool:
    """True if enough of a headline is left."""
    return len(tokens(rest)) >= _LEAST_LEFT and not _is_outlet(rest, names, publishers)


def _suffixes(headline: str) -> Iterator[tuple[str, str]]:
    """What stands before and behind each of the last two separators: a name may hold one ("Post | Courier")."""
    for one in list(_SUFFIX.finditer(headline))[:-3:-1]:
        yield headline[: one.start()].strip(), headline[one.end() :].strip()


def _is_outlet(text: str, names: Collection[str], publishers: Collection[str]) -> bool:
    words = tokens(text)
    if not 0 < len(words) <= MAX_WORDS:
        return False
    core = _core(words)
    if core and any(core == _core(tokens(name)) for name in names):
        return True
    counts = [leading_words(text, publisher) for publisher in publishers]
    return any(count and _ADDED.issuperset(words[count:]) for count in counts)


def _core(words: list[str]) -> list[str]:
    """A name's words without an article before and "News" or ".com" behind."""
    words = _without_article(words)
    while len(words) > 1 and words[-1] in _ADDED:
        words = words[:-1]
    return words


def _strength(words: list[str], label: str) -> int:
    for count in range(1, len(words) + 1):
        if "".join(words[:count]) == label:
            more = len([word for word in words[count:] if word not in _ADDED])
            if more == 0:
                return SPELT_OUT
            if more == 1 and len(label) >= _LEAST and label not in _ARTICLES:
                return WITH_A_WORD
    if len(words[0]) >= _LEAST and label[:-1] == words[0] and _ADDED.issuperset(words[1:]):  # `bbci.co.uk`
        return ABBREVIATED
    return ABBREVIATED if len(words) > 1 and "".join(word[0] for word in words) == label else 0


def _bare(label: str) -> str:
    """A label without the article that it begins with: `courant` of `thecourant`."""
    return label.removeprefix("the")


def _without_article(words: list[str]) -> list[str]:
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words

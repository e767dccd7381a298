"""Names of outlets in titles: which part of a feed's title is its outlet, and whether a name is borne out by a domain.

A feed can call itself as it likes. So its own title is believed only as far as its domain says the same: "BBC News - World" at
`bbc.co.uk`, "Wall Street Journal" at `wsj.com`.
"""

from __future__ import annotations

import re

from aggregator.text.publishers import label_of
from aggregator.text.words import tokens

MAX_WORDS = 6
"""Words of an outlet's name; longer parts of a title are sentences."""
MAX_NAME = 60
"""Characters of an outlet's name."""
_BREAK = re.compile(r"\s+(?:[-–—|/·•>»]|::|&gt;)\s+|\s*[|»]\s*|:\s+")
"""What stands between an outlet and its section: "NYT > Top Stories", "World news | The Guardian", "ABC News: US"."""
_ARTICLES = frozenset(["the", "le", "la", "les", "l", "der", "die", "das", "el", "los", "il", "lo", "o", "a", "de", "het"])
_LEAST = 3
"""Letters of a name that begins a domain's: "NYT" at `nytimes.com`."""


def outlet_in(title: str, publisher: str, *, trusted: bool = False) -> str | None:
    """The part of a feed's title that names its outlet, without the section; None if none is borne out by the publisher.

    trusted: a person wrote the title: then the part before the section, if the domain says nothing.
    """
    parts = [part for part in (part.strip() for part in _BREAK.split(title.strip())) if part]
    named = next((part for part in parts if is_borne_out(part, publisher)), None)
    if named is None and trusted and parts and tokens(parts[0]):
        named = parts[0]
    return named if named is not None and len(named) <= MAX_NAME else None


def is_borne_out(name: str, publisher: str) -> bool:
    """True if a name and the domain of its publisher say the same: `BBC News` and `bbc.co.uk`, `SZ` and `sz.de`."""
    words = tokens(name)
    label = "".join(tokens(label_of(publisher)))
    if not words or len(words) > MAX_WORDS or len(label) < 2:
        return False
    return any(_says(said, label) for said in (words, _without_article(words)))


def leading_words(name: str, publisher: str) -> int:
    """How many of a name's first words make up the publisher's own name; 0 if none do. An article is counted in."""
    label = "".join(tokens(label_of(publisher)))
    words = tokens(name)
    for skipped in (0, len(words) - len(_without_article(words))):
        for count in range(skipped + 1, len(words) + 1):
            if "".join(words[skipped:count]) in (label, _bare(label)):
                return count
    return 0


def _says(words: list[str], label: str) -> bool:
    if any("".join(words[:count]) == label for count in range(1, len(words) + 1)):
        return True
    whole, rest = "".join(words), len(label) - len(words[0])
    if len(whole) >= _LEAST and label.startswith(whole):
        return True
    if len(words[0]) >= _LEAST and label.startswith(words[0]) and rest <= 1:  # `bbci.co.uk`
        return True
    return len(words) > 1 and "".join(word[0] for word in words) == label


def _bare(label: str) -> str:
    """A label without the article that it begins with: `courant` of `thecourant`."""
    return label.removeprefix("the")


def _without_article(words: list[str]) -> list[str]:
    return words[1:] if len(words) > 1 and words[0] in _ARTICLES else words

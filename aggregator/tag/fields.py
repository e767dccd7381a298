"""The fields of the query language, their values, and errors for unknown ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from aggregator.errors import QueryError
from aggregator.tag.nodes import AUTHOR, BODY, TITLE

TEXT_FIELDS = (TITLE, BODY, AUTHOR)
NAMED_FIELDS = ("source", "group", "tag", "topic", "entity", "subject")
"""Fields whose values are names that must exist."""
OPEN_FIELDS = ("url", "site", "outlet", "lang", "category", "origin", "thread", "first")
VALUE_FIELDS = NAMED_FIELDS + OPEN_FIELDS
NUMBER_FIELDS = ("outlets", "thread_outlets", "items", "words", "rank", "age")
THREAD_AGE = "thread_age"
"""What `age` becomes in feeds that are sorted by weight: it counts from the newest report of the story and of its thread."""
THREAD_FIELDS = frozenset({"thread", "first", "thread_outlets", THREAD_AGE})
"""Fields whose answer may change with the story's thread."""
FIRST_OF = "thread"
"""The only value of `first:`."""
DATE_FIELDS = ("date", "before", "after")
"""Fields whose value is a day, a month or a year."""
LEAD, OUTLETS = "lead", "outlets"
"""What chooses among a story's entries: `lead:(…)`, `outlets(…)>=2`."""
STORY_FIELDS = ("topic", "outlets", "items", "thread", "first", "thread_outlets")
"""Fields that a single entry does not have yet when `keep` and `drop` run."""
WHOLE_FIELDS = ("topic", "tag", "entity", "subject", "outlets", "items", "age", "thread", "first", "thread_outlets")
"""Fields of the story as a whole: single entries of it do not have them."""

ALIASES = {
    "intitle": "title", "headline": "title", "text": "body", "content": "body", "summary": "body", "intext": "body",
    "by": "author", "from": "source", "feed": "source", "publisher": "outlet", "domain": "site", "host": "site", "inurl": "url",
    "link": "url", "language": "lang", "country": "entity", "label": "tag", "folder": "group", "pubdate": "date", "on": "date",
    "published": "date", "since": "after", "until": "before", "newer": "after", "older": "before", "newer_than": "age",
    "older_than": "age", "agency": "origin", "sources": "outlets", "plural": "plurals",
}  # fmt: skip
"""Names of the fields elsewhere (other readers, mail, search engines), for suggestions only."""

SUBJECTS = (
    "arts", "conflict", "crime", "disaster", "economy", "education", "environment", "health", "human-interest", "labour",
    "lifestyle", "politics", "religion", "sci-tech", "society", "sport", "weather",
)  # fmt: skip
"""The 17 top levels of the IPTC Media Topics (NewsCodes), by short names."""

_CODES = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et
eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk
kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny
oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk
tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu und
"""
_LANGUAGES = frozenset(_CODES.split())
"""ISO 639-1 codes, and `und` for an unrecognised language."""

_LANGUAGE_NAMES = {
    "arabic": "ar", "bulgarian": "bg", "chinese": "zh", "croatian": "hr", "cz": "cs", "czech": "cs", "danish": "da",
    "deutsch": "de", "dk": "da", "dutch": "nl", "eng": "en", "english": "en", "estonian": "et", "finnish": "fi",
    "french": "fr", "gb": "en", "ger": "de", "german": "de", "gr": "el", "greek": "el", "hebrew": "he", "hindi": "hi",
    "hungarian": "hu", "italian": "it", "japanese": "ja", "jp": "ja", "korean": "ko", "latvian": "lv", "lithuanian": "lt",
    "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro", "russian": "ru",
    "serbian": "sr", "slovak": "sk", "slovenian": "sl", "spanish": "es", "swedish": "sv", "turkish": "tr", "ua": "uk",
    "ukrainian": "uk", "vietnamese": "vi",
}  # fmt: skip

SAME_LANGUAGE = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi", "mo": "ro", "fil": "tl", "cmn": "zh", "yue": "zh"}
"""Codes that are read as another one: old codes, and the two forms of Norwegian, which a headline doesn't separate."""


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing if no name is similar."""
    near = difflib.get_close_matches(word.lower(), {name.lower(): name for name in known}, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def unknown_field(name: str, offset: int) -> QueryError:
    """The error for an unknown field, with a suggestion."""
    known = (*TEXT_FIELDS, *VALUE_FIELDS, *NUMBER_FIELDS, *DATE_FIELDS, LEAD)
    hint = f"; did you mean {ALIASES[name]}?" if name in ALIASES else suggest(name, known)
    rest = "" if hint else f'; the fields are {", ".join(known)} (to look for a text with a colon, write "{name}: …" in quotes)'
    return QueryError(f"there is no field {name}:{hint}{rest}", offset)


def language(code: str) -> str:
    """A language code as items have it: the primary subtag in lower case, one code per language."""
    primary = code.lower().replace("_", "-").split("-", 1)[0]
    return SAME_LANGUAGE.get(primary, primary)


def language_error(code: str, offset: int) -> QueryError | None:
    """The error in a value of `lang:`, or None."""
    primary = code.lower().replace("_", "-").split("-", 1)[0]
    if primary in _LANGUAGES or primary in SAME_LANGUAGE:
        return None
    meant = _LANGUAGE_NAMES.get(primary)
    hint = f"; did you mean {meant}?" if meant else "; codes have two letters, such as en or uk"
    return QueryError(f"{code} is no language code (ISO 639-1){hint}", offset)

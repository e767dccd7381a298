"""Finds the countries and organisations that a story is about, by name lists in `data/` and the user's (docs/tags.md).

Title and lead are read as written: `US` is a country and `us` is not. A person's name counts on the days
of a term. Values are ISO 3166 codes in small letters (`entity:ua`) and short names (`entity:nato`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from msgspec.structs import replace

from aggregator.model import Instant, Item, Tag, TagKind
from aggregator.tag.evidence import Evidence
from aggregator.tag.name_finder import Form, Hit, NameFinder, inflected_form, open_form, plain_form
from aggregator.tag.namelist import EVER, Name, NameList, NameTest, from_mapping, read
from aggregator.tag.own import commonest

DATA = Path(__file__).with_name("data")
LEAD_LENGTH = 300
"""Characters of the text that are read with the title. Names further down are context, not what a story is about."""
MAX_ENTITIES = 12
"""Most entities of a story: those that most of its items name."""
MIN_CAPITALS = 4
"""In a title all in capitals, shorter names could be common words (US, WHO, IT)."""


class Found(Struct, frozen=True):
    """An entity in a text. where: "title" or "text"; written: the name as written there; by_person: only people name it there."""

    entity: str
    written: str
    where: str
    by_person: bool = False


@cache
def _english() -> NameList:
    return read(DATA / "countries.yaml")


@cache
def _organisations() -> NameList:
    return read(DATA / "organisations.yaml")


@cache
def _people() -> NameList:
    return read(DATA / "people.yaml")


@cache
def _abroad() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.load((DATA / "abroad.yaml").read_text("utf-8"), yaml.CSafeLoader)
    return loaded


def known_entities() -> frozenset[str]:
    """All built-in values of `entity:`."""
    return _english().entities | _organisations().entities


def entity_called(name: str) -> str | None:
    """The value of a country or organisation by its English name, for suggestions ("ukraine" → ua)."""
    wanted = name.casefold().replace("-", " ")
    names = (*_english().names, *_organisations().names)
    return next((one.entity for one in names if one.text.casefold() == wanted and one.entity is not None), None)


def built_in_tests() -> tuple[NameTest, ...]:
    """The tests that the built-in lists carry."""
    abroad = from_mapping({"entities": {}, "expect": _abroad()["expect"]})
    return _english().tests + _organisations().tests + _people().tests + abroad.tests


def country_names(language: str) -> dict[str, list[str]]:
    """Returns each country's names in a language, and its first English one if that language is not listed."""
    found: dict[str, list[str]] = {}
    if language in _territories():
        for code, name in _territories_of(language):
            found.setdefault(code, []).append(name)
    for one in _english().names:
        if one.entity is not None and one.entity not in found:
            found[one.entity] = [one.text]
    return found


class Entities:
    """Finds entities. The names of a language are loaded with its first text."""

    def __init__(self, file: Path | None = None, *, at_any_time: bool = False) -> None:
        """file: the user's own list; its `people:` replaces the built-in one. at_any_time: people count whatever the day.

        Raises ConfigError for a bad list.
        """
        self.own = read(file) if file is not None else NameList()
        others = _with_people(self.own)
        self._others = [replace(name, term=EVER) if name.term else name for name in others] if at_any_time else others
        self._finders: dict[tuple[str, bool], NameFinder] = {}
        self._hints = (_organisations() + self.own).hints
        self._remembered = lru_cache(maxsize=4096)(self._find)

    def find(self, title: str, text: str, language: str, at: Instant | None = None) -> tuple[Found, ...]:
        """Entities in a title and the beginning of its text, the title's first.

        at: when it was published. If that is not known no person counts.
        """
        day = datetime.fromtimestamp(max(0.0, at), UTC).date() if at is not None else None
        return self._remembered(title, text[:LEAD_LENGTH], language, day)

    def tags(self, items: Sequence[Item]) -> list[Tag]:
        """Entities of a story's items, most named first, each with the name that gave it and where."""
        counts: dict[str, int] = {}
        reasons: dict[str, str] = {}
        for item in items:
            for found in self.find(item.title, item.text, item.language, None if item.undated else item.published):
                counts[found.entity] = counts.get(found.entity, 0) + 1
                reasons.setdefault(found.entity, f"{found.written} in the {found.where} of {item.source}")
        return [Tag(TagKind.ENTITY, entity, reasons[entity]) for entity in commonest(counts, MAX_ENTITIES)]

    def failed_tests(self) -> list[str]:
        """What the tests in the user's own list report."""
        return [problem for test in self.own.tests for problem in self.failures(test)]

    def failures(self, test: NameTest) -> list[str]:
        """How the result differs from what a test expects."""
        found = {one.entity: one for one in self._find(test.title, test.body[:LEAD_LENGTH], test.language, test.day)}
        missing = [f'"{test.title}" should have {entity} and does not' for entity in test.has if entity not in found]
        return missing + [
            f'"{test.title}" should not have {entity} and does: {found[entity].written} in the {found[entity].where}'
            for entity in test.has_not
            if entity in found
        ]

    def _find(self, title: str, lead: str, language: str, day: date | None) -> tuple[Found, ...]:
        title, lead = title.replace("’", "'"), lead.replace("’", "'")
        capitals = title.isupper() and " " in title
        in_title = self._finder(language, capitals).find(title, day)
        in_lead = self._finder(language, False).find(lead, day)
        if not in_title and not in_lead:
            return ()
        evidence = Evidence(title, lead, language, (in_title, in_lead))
        found: dict[str, Found] = {}
        for passage, where in ((evidence.title, "title"), (evidence.lead, "text")):
            for hit in evidence.counting(passage, self._hints):
                if hit.entity not in found:
                    found[hit.entity] = Found(hit.entity, hit.written, where, _by_person(hit.entity, passage.hits))
        return tuple(found.values())

    def _finder(self, language: str, capitals: bool) -> NameFinder:
        key = (language if language in _territories() else "en", capitals)
        if key not in self._finders:
            forms = _forms(key[0], self._others)
            self._finders[key] = NameFinder([_in_capitals(form) for form in forms if _long(form)] if capitals else forms)
        return self._finders[key]


def _with_people(own: NameList) -> tuple[Name, ...]:
    """The user's names, with the user's people or else the built-in ones."""
    if own.people is not None:
        return own.names + own.people
    return own.names + _people().names + (_people().people or ())


def _forms(language: str, others: Sequence[Name]) -> list[Form]:
    """The names to find in texts of a language: its own, the organisations', and others."""
    names = [plain_form(name) for name in (*_organisations().names, *others)]
    if language == "en":
        return [*names, *(plain_form(name) for name in _english().names)]
    abroad = _abroad()
    exact, dropped = set(abroad["exact"].get(language, [])), set(abroad["drop"].get(language, []))
    by_hand = {(entity, text) for entity, texts in abroad["names"].get(language, {}).items() for text in _listed(texts)}
    for entity, text in sorted({*_territories_of(language), *by_hand}):
        name = Name(text, entity)
        if text in dropped:
            continue
        if language in abroad["open"]:
            names.append(open_form(name))
        elif language in abroad["inflected"] and text not in exact and not text.isupper():
            names.append(inflected_form(name))
        else:
            names.append(plain_form(name))
    return names


@cache
def _territories() -> dict[str, bytes]:
    """Language → its line, from CLDR (docs/tools/territories.py). Kept unparsed, in a tenth of the memory."""
    lines = (DATA / "territories.tsv").read_bytes().splitlines()
    return {language.decode(): rest for language, _, rest in (line.partition(b"\t") for line in lines)}


def _territories_of(language: str) -> list[tuple[str, str]]:
    """The territories' names in a language, as (code, name)."""
    return [(pair[:2], pair[3:]) for pair in _territories()[language].decode().split("\t")]


def _listed(texts: str | list[str]) -> list[str]:
    return [texts] if isinstance(texts, str) else texts


def _by_person(entity: str, hits: Sequence[Hit]) -> bool:
    return all(hit.is_person for hit in hits if hit.entity == entity)


def _long(form: Form) -> bool:
    return len(form.name.text) >= MIN_CAPITALS


def _in_capitals(form: Form) -> Form:
    return Form(form.name, tuple(stem.upper() for stem in form.stems), form.ending, form.open)

"""Finds the countries that a title and its text name, for grouping: Swedish and Sweden are one, Peru and India are not."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from msgspec import Struct

from aggregator.tag.entities import Entities, Found, country_names

PREFIX = 4
"""Letters by which a country's adjective is recognised: Ukraine, Ukrainian."""
OTHER_NAMES = frozenset(
    (
        "UK",
        "U.K.",
        "Britain",
        "British",
        "US",
        "U.S.",
        "USA",
        "U.S.A.",
        "America",
        "American",
        "Americans",
        "Dutch",
        "Holland",
        "Swiss",
        "UAE",
    )
)
"""Names of countries that begin like none of the names in the list."""


class Place(Struct, frozen=True):
    """A country in a text. code: ISO 3166, in small letters; written: the name there; in_title: the title has it, not only its
    head of state: "Putin" in one title and "Zelensky" in another are not two countries.

    is_own_name: it is the country's name or adjective, not that of a city or a person: Sweden and Swedish, not Stockholm.
    """

    code: str
    written: str
    in_title: bool
    is_own_name: bool


def find_places(title: str, text: str, language: str) -> tuple[Place, ...]:
    """Returns the countries that a title and the beginning of its text name, the title's first."""
    found = _entities().find(title, text, language)
    return tuple([_place(one, language) for one in found if len(one.entity) == 2])  # countries; organisations have longer names


def _place(found: Found, language: str) -> Place:
    in_title = found.where == "title" and not found.by_person
    return Place(found.entity, found.written, in_title, _is_own_name(found.entity, found.written, language))


@cache
def _entities() -> Entities:
    """The built-in lists alone: a person's own list must not change which stories there are. People stand for their countries
    on any day: which stories there are must not depend on when a term ends."""
    return Entities(at_any_time=True)


@cache
def _beginnings(language: str) -> Mapping[str, frozenset[str]]:
    """Country code to the beginnings of its names in a language."""
    return {code: frozenset([name[:PREFIX].casefold() for name in names]) for code, names in country_names(language).items()}


@lru_cache(maxsize=4096)
def _is_own_name(code: str, written: str, language: str) -> bool:
    return written in OTHER_NAMES or written[:PREFIX].casefold() in _beginnings(language).get(code, ())

"""Finds names in a text: whole words, leftmost and longest first; in inflected languages by their stems."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct

from aggregator.tag.automaton import NamePositions
from aggregator.tag.namelist import Mark, Name, Term

MAX_ENDING = 4
"""Most letters of an ending after an inflected name's stem."""
MIN_STEM = 4
_KANA = re.compile("[\u30a1-\u30fa\u30fc]")


class Form(Struct, frozen=True):
    """How a name is found: its words or their stems in order, and how many letters may follow each.

    open: no word boundary is needed, as in scripts without spaces.
    """

    name: Name
    stems: tuple[str, ...]
    ending: int = 0
    open: bool = False


class Hit(Struct, frozen=True):
    """A name found at text[start:end]. written: as in the text; is_person: it counts on some days alone."""

    entity: str
    mark: Mark
    start: int
    end: int
    written: str
    is_person: bool


def plain_form(name: Name) -> Form:
    """The unchanged name, with or without a genitive s."""
    return Form(name, (name.text,))


def inflected_form(name: Name) -> Form:
    """Each word without its final vowels; unchanged if a stem would be too short."""
    words = name.text.split(" ")
    stems = [re.sub("[aeiouyąęěáéíýóúůăâîāēīūаеёиоуыэюяіїєѣјьъõäöüõığ]+$", "", word) for word in words]
    if any(len(stem) < MIN_STEM for stem in stems) or not words[0][:1].isupper():
        return plain_form(name)
    return Form(name, tuple(stems), MAX_ENDING)


def open_form(name: Name) -> Form:
    return Form(name, (name.text,), open=True)


class NameFinder:
    """Finds all names of one language."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self._forms: list[list[Form]] = []
        numbers: dict[str, int] = {}
        for form in forms:
            number = numbers.setdefault(form.stems[0], len(numbers))
            if number == len(self._forms):
                self._forms.append([])
            self._forms[number].append(form)
        self._positions = NamePositions(list(numbers))

    def find(self, text: str, day: date | None = None) -> list[Hit]:
        """Hits from left to right, without overlaps. Longer names win, even those that are no entity.

        Names with a term are found on its days alone.
        """
        found: list[tuple[int, int, int, Form]] = []
        for number, start, _ in self._positions.find(text):
            for form in self._forms[number]:
                if form.name.term is not None and not _holds(form.name.term, day):
                    continue
                end = _end(text, start, form)
                if end is not None:
                    found.append((start, -end, -sum(map(len, form.stems)), form))
        if not found:
            return []
        hits: list[Hit] = []
        reached = 0
        for start, end, _, form in sorted(found, key=lambda one: one[:3]):
            if start < reached:
                continue
            reached = -end
            if (entity := form.name.entity) is not None:
                hits.append(Hit(entity, form.name.mark, start, -end, text[start:-end], form.name.term is not None))
        return hits


def _holds(term: Term, day: date | None) -> bool:
    return term.first <= (day or date.min) <= term.last


def _end(text: str, start: int, form: Form) -> int | None:
    """The end of a name that begins at `start`, or None if it is not there as whole words."""
    if form.open:
        return _open_end(text, start, form.stems[0])
    if start and text[start - 1].isalnum():
        return None
    at = start
    for number, stem in enumerate(form.stems):
        if number:
            if at >= len(text) or text[at] not in " -":
                return None
            at += 1
        if not text.startswith(stem, at):
            return None
        at = _word_end(text, at + len(stem), form.ending)
        if at < 0:
            return None
    return at


def _word_end(text: str, at: int, ending: int) -> int:
    """The end of a word whose stem ends at `at`; -1 if its ending is too long."""
    last = at
    while last < len(text) and text[last].isalnum() and last - at <= ending:
        last += 1
    if last - at <= ending and not (last < len(text) and text[last].isalnum()):
        return last
    if ending == 0 and text.startswith("s", at) and not text[at + 1 : at + 2].isalnum():
        return at
    return -1


def _open_end(text: str, start: int, name: str) -> int | None:
    """A katakana name must be a whole run of katakana, a Hangul name must begin a word; others match anywhere."""
    end = start + len(name)
    before, after = text[start - 1 : start], text[end : end + 1]
    if _KANA.match(name) and (_KANA.match(before) or _KANA.match(after)):
        return None
    if "\uac00" <= name[0] <= "\ud7a3" and "\uac00" <= before <= "\ud7a3":
        return None
    if name.isascii() and ((before.isascii() and before.isalnum()) or (after.isascii() and after.isalnum())):
        return None
    return end

"""Tells by its context whether a word is a name: for names that are also common words or parts of other names.

Texts are as written, apostrophes straight. Positions are character offsets.
"""

from __future__ import annotations

import re

_PREPOSITIONS = """
in from of to with for by at into near across between against over outside inside within throughout via towards toward around
beyond visits leave leaves invades
"""
PREPOSITIONS = frozenset(_PREPOSITIONS.split())
"""Words that precede a place name, and hardly ever a capitalised common word."""

TITLE_CASE_SHARE = 0.6
"""Share of capitalised longer words from which a title is in title case, so that capitals mean nothing."""

_STATES = """
Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Idaho Illinois Indiana Iowa Kansas
Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada Ohio Oklahoma
Oregon Pennsylvania Tennessee Texas Utah Vermont Virginia Wisconsin Wyoming New.Jersey New.York New.Hampshire New.Mexico
North.Carolina South.Carolina North.Dakota South.Dakota West.Virginia Rhode.Island Ontario Ont Alta Sask Man Que N.S N.B B.C
Ala Ariz Ark Calif Colo Conn Del Fla Ga Ill Ind Kan Ky La Md Mass Mich Minn Miss Mo Mont Neb Nev N.C N.D N.H N.J N.M N.Y Okla
Ore Pa Tenn Tex Va Vt Wash Wis Wyo W.Va
"""
_STATE = re.compile(rf", (?:{'|'.join(_STATES.split())})(?![^\W_])")
_WORD = re.compile(r"[^\W_]+(?:['.&-][^\W_]+)*")
_BEFORE = re.compile(r"([^\W_]+(?:['-][^\W_]+)*)[ ]$")
_AFTER = re.compile(r"[ ]([^\W_]+)")


def possessive(text: str, end: int) -> bool:
    """True if the name is possessive: `Turkey's`, `Maldives'`."""
    return text.startswith("'s", end) or text.startswith("' ", end)


def word_before(text: str, start: int) -> str | None:
    """The word directly before, separated by one blank."""
    found = _BEFORE.search(text, max(0, start - 40), start)
    return found[1] if found else None


def word_after(text: str, end: int) -> str | None:
    found = _AFTER.match(text, end)
    return found[1] if found else None


def begins_sentence(text: str, start: int) -> bool:
    """True if a sentence begins here, or a part after a colon, dash or quote."""
    before = text[:start].rstrip()
    return not before or before[-1] in ".!?:;|–—-\"'“‘«»([\n"


def title_case(text: str) -> bool:
    """True if a title is in title case."""
    words = [word for word in _WORD.findall(text) if len(word) >= 4]
    return len(words) >= 3 and sum(word[0].isupper() for word in words[1:]) >= TITLE_CASE_SHARE * (len(words) - 1)


def shows_a_name(text: str, start: int, end: int) -> bool:
    """True if a common word is a name here: possessive, after a preposition, or before a lower-case word in mid-sentence."""
    before, after = word_before(text, start), word_after(text, end)
    if possessive(text, end) or (before is not None and before.lower() in PREPOSITIONS):
        return True
    if begins_sentence(text, start) or (before is not None and before[0].isupper() and not _starts(text, start, before)):
        return False
    return after is not None and after[0].islower()


def another_place(text: str, end: int) -> bool:
    """True if a state or province follows: `Moscow, Idaho`, `Sydney, N.S.`."""
    return _STATE.match(text, end) is not None


def beside_a_capital(text: str, start: int, end: int) -> bool:
    """True if a capitalised word is directly before or after, so that the name is part of another one."""
    after = word_after(text, end)
    if after is not None and after[0].isupper():
        return True
    before = word_before(text, start)
    return before is not None and before[0].isupper() and not _starts(text, start, before)


def _starts(text: str, start: int, before: str) -> bool:
    """True if the word before is capitalised because it begins a sentence."""
    return begins_sentence(text, start - len(before) - 1)

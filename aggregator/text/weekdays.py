"""Names of the days in several languages, and the words of a date in a title."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

_DAY_NAMES = """
    monday tuesday wednesday thursday friday saturday sunday|montag dienstag mittwoch donnerstag freitag samstag sonntag|
    lundi mardi mercredi jeudi vendredi samedi dimanche|lunes martes miercoles jueves viernes sabado domingo|
    lunedi martedi mercoledi giovedi venerdi sabato domenica|segunda terca quarta quinta sexta sabado domingo|
    maandag dinsdag woensdag donderdag vrijdag zaterdag zondag|mandag tirsdag onsdag torsdag fredag lordag sondag|
    poniedzialek wtorek sroda czwartek piatek sobota niedziela|poniedzialku wtorku srode czwartku piatku sobote niedziele|
    pondeli utery streda ctvrtek patek sobota nedele|понедельник вторник среда четверг пятница суббота воскресенье|
    понедiлок вiвторок середа четвер пятниця субота недiля|mon tue wed thu fri sat sun|mon tues wednes thurs fri satur sun|
    pazartesi sali carsamba persembe cuma cumartesi pazar
"""
DAYS = {name: day for row in "".join(_DAY_NAMES.split("\n")).split("|") for day, name in enumerate(row.split())}
"""Folded name of a weekday → its number, 0 is Monday."""
_MONTHS = frozenset(("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"))


def date_words(title: Sequence[str]) -> frozenset[str]:
    """The words of a date in a title: they say when, not what."""
    found = {word for word in title if word in DAYS}
    for word, following in pairwise(title):
        if (word[:3] in _MONTHS and following.isdigit()) or (word.isdigit() and following[:3] in _MONTHS):
            found |= {word, following}
    return frozenset(found)

"""Time zones as feeds write them: offsets and abbreviations, many more than the ten of RFC 822 5.1."""

from __future__ import annotations

import re
from functools import lru_cache

_FURTHEST = 14 * 3600
"""Seconds; no place is further east (UTC+14)."""
_OFFSET = re.compile(r"(?:GMT|UTC|UT|Z)?\s*([+\-−])\s*(\d{1,2}):?(\d{2})?(?!\d)", re.I | re.A)
_NAME = re.compile(r"\(?([A-Za-z]{1,5})\b")

_HOURS: dict[str, float] = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0,
    "west": 1, "bst": 1, "ist": 5.5, "cet": 1, "cest": 2, "met": 1, "mest": 2,
    "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "msd": 4, "trt": 3, "sast": 2, "cat": 2, "eat": 3, "wat": 1,
    "gst": 4, "pkt": 5, "npt": 5.75, "wib": 7, "wita": 8, "wit": 9, "ict": 7, "hkt": 8, "sgt": 8, "myt": 8, "pht": 8, "awst": 8,
    "jst": 9, "kst": 9, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
    "est": -5, "edt": -4, "et": -5, "cst": -6, "cdt": -5, "ct": -6, "mst": -7, "mdt": -6, "mt": -7, "pst": -8, "pdt": -7,
    "pt": -8, "akst": -9, "akdt": -8, "hst": -10,
    "ast": -4, "adt": -3, "nst": -3.5, "ndt": -2.5, "brt": -3, "brst": -2, "art": -3, "clt": -4,
    "cot": -5, "pet": -5, "vet": -4, "bot": -4, "uyt": -3,
}  # fmt: skip
"""Hours east of UTC. Ambiguous names as most feeds mean them: IST is India, BST Britain, CST and EST are American."""


@lru_cache(maxsize=256)
def offset_of(zone: str | None) -> int:
    """Seconds east of UTC; 0 for no zone, an unknown one, or an offset that no place on Earth has.

    A single letter other than Z is 0, too: RFC 822 had the signs of the military zones wrong (RFC 2822 4.3).
    """
    if not zone:
        return 0
    text = zone.strip(" ()")
    found = _OFFSET.match(text)
    if found:
        seconds = int(found[2]) * 3600 + int(found[3] or 0) * 60
        if seconds > _FURTHEST or int(found[3] or 0) > 59:
            return 0
        return seconds if found[1] == "+" else -seconds
    name = _NAME.match(text)
    return int(_HOURS.get(name[1].lower(), 0) * 3600) if name else 0

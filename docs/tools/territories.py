"""Builds aggregator/tag/data/territories.tsv: what countries are called in each language, from the CLDR data that Babel ships.

Run by hand where Babel 2.18 is installed: `python docs/tools/territories.py`. One line a language: its code, then `code=name`
between tabs. Left out are territories without an own ISO code, organisations, and descriptions ("Congo - Kinshasa").
"""

from __future__ import annotations

import re
from pathlib import Path

from babel import Locale

OUT = Path(__file__).parents[2] / "aggregator" / "tag" / "data" / "territories.tsv"
_CODES = """
af am ar as az be bg bn ca cs cy da de el es et eu fa fi fr ga gl gu ha he hi hr hu hy id is it ja ka kk km kn ko ku ky lo lt lv
mk ml mn mr ms mt my ne nl no or pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg th tk tr ug uk ur uz vi zh zu
"""
LANGUAGES = _CODES.split()
ALSO = {"sr": ("sr_Latn",), "zh": ("zh_Hant",)}
NO_COUNTRY = {"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "DG", "EA", "IC", "TA", "AQ", "BV", "HM", "TF", "UM", "CQ"}
QUOTES = str.maketrans({"’": "'", "ʼ": "'", "‘": "'"})


def names(locale: str) -> list[tuple[str, str]]:
    """(code in small letters, name) of a locale."""
    found = []
    for code, name in sorted(Locale.parse(locale).territories.items()):
        if len(code) != 2 or not code.isalpha() or code in NO_COUNTRY:
            continue
        for part in re.split(r"\s*[()（）]\s*", name.translate(QUOTES)):
            if len(part) >= 2 and not re.search(r"SAR|САР|[&/–—]| - |,|\d|\.$", part):
                found.append((code.lower(), part.strip()))
    return found


def main() -> None:
    lines = []
    for language in LANGUAGES:
        pairs = dict.fromkeys(pair for locale in (language, *ALSO.get(language, ())) for pair in names(locale))
        lines.append("\t".join([language, *(f"{code}={name}" for code, name in pairs)]))
    OUT.write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()

"""The conventions of news desks: agencies, datelines, bylines, headline prefixes, outlet suffixes, and headlines of columns.

Copies of one report often differ in nothing else, so these are removed before texts are compared. A named agency is kept as
the item's origin.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aggregator.text.words import fold, tokens

_NAMED = """
    reuters: thomson reuters; ap: associated press, the associated press; afp: agence france-presse, agence france presse;
    dpa: deutsche presse-agentur; pap: polska agencja prasowa; ansa; efe: agencia efe; europa press; tass; interfax;
    interfax-ukraine; ukrinform; unian; xinhua; kyodo: kyodo news; jiji: jiji press; yonhap; pa: pa media, press
    association; upi; aap; cp: canadian press, the canadian press; ians; pti: press trust of india; ani; apa; belga; anp;
    ntb; ritzau; keystone-sda: sda; lusa; mti; ctk; tanjug; hina; anadolu: anadolu agency; wam; bernama; antara; agerpres;
    elta; bns; stt; bloomberg; cnn; sid; kna; epd
"""


def _by_name(text: str) -> dict[str, str]:
    rows = (row.partition(":") for row in " ".join(text.split()).split("; "))
    return {name.strip(): code for code, _, names in rows for name in (code, *filter(None, names.split(",")))}


AGENCIES = _by_name(_NAMED)
"""Folded names of news agencies, and of the few outlets that others reprint in full → the name of the origin."""

MAX_DATELINE = 70
"""Characters of the longest dateline (`WASHINGTON, June 15 (Reuters) -`)."""

_NAMES = "|".join(sorted((re.escape(name) for name in AGENCIES), key=len, reverse=True))
_MONTHS = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_IN_BRACKETS = re.compile(rf"[(\[/]\s*(?P<agency>{_NAMES})(?:\s*[/,;+&-]\s*[\w .-]{{2,20}})?\s*[)\]/]", re.I)
_LEADING = re.compile(rf"^\s*(?P<agency>{_NAMES})\s*(?:[:|–—]|-{{1,2}}\s)", re.I)
_BYLINE = re.compile(
    rf"(?:^|\b(?:by|from|via|with|von|par|de|di|za|source:?)\s+|[,/(|;&-]\s*)(?P<agency>{_NAMES})\s*(?:$|[,/)|;&-])", re.I
)
_CREDIT = re.compile(rf"[(\[]\s*(?P<agency>{_NAMES})\s*[)\]]\W*$", re.I)

_DATELINE = re.compile(
    rf"""^\s*(?:
      (?:[\w.,'’/ -]{{0,50}}?)[(\[](?:{_NAMES}|[A-Z]{{2,8}})(?:\s*[/,-]\s*[\w .]{{2,20}})?[)\]]\s*(?:[-–—:.]+\s*)?
    | [^\W\d_][\w.'’/ -]{{1,30}}(?:,\s*[\w.'’ -]{{2,25}}){{0,2}},?\s+{_MONTHS}\s*\d{{1,2}}(?:,?\s*\d{{4}})?\s*(?:[-–—]+|:)\s+
    | (?-i:[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ.'’/ -]{{2,30}}(?:,\s*[A-ZÀ-Þ][\w.'’ -]{{1,25}})?)\s*(?:--|[-–—]|:)\s+
    | (?:{_NAMES})\s*(?:[:|–—]|-{{1,2}}\s)\s*
    )""",
    re.I | re.X,
)
_PREFIX = re.compile(
    rf"""^\s*(?:[(\[]?(?:{_NAMES})[)\]]?\s*(?:[:|–—]|-\s)|[(\[](?:{_NAMES})[)\]]|
    (?:update|wrapup|refile|rpt|recast|corrected|correction|exclusive|breaking|breaking\ news|just\ in|urgent|alert|
    factbox|explainer|analysis|watch|video|photos?|live|eilmeldung|pilne|alerte|directo|ultima\ hora)
    \s*\d{{0,2}}\s*(?:[:|–—]|-(?=\S)|-\s))\s*""",
    re.I | re.X,
)
_REVISION = re.compile(
    r"\s*[(\[]?(?:update|wrapup|refile|rpt|recast|corrected|correction|berichtigung|korrektur)\s*\d{0,2}\s*[)\]]?\s*[-:–—]", re.I
)
_SUFFIX = re.compile(r"^(?P<head>.*\S)\s+[-–—|•·»:]{1,2}\s+(?P<tail>[^-–—|•]{2,30})$", re.S)
_SEPARATOR = re.compile(r"[-–—|•·»:]\s")
_PIPE_SUFFIX = re.compile(r"^(?P<head>.*\S)\s*\|\s*(?P<tail>[^|]{2,40})$", re.S)

_COLUMN_WORDS = """
    briefing briefings brief briefs digest roundup newsletter headlines news photo photos picture pictures image images gallery
    weather forecast horoscope horoscopes crossword puzzle puzzles sudoku quiz cartoon cartoons letters correction corrections
    obituaries editorial opinion podcast live updates update liveblog blog thread market markets results scores schedule
    calendar links recap untitled home video videos watch edition front page pages clarifications stories story quote word
    discussion question questions deal deals answer answers hint hints wordle quordle connections episode issue
    maintenance outage outages incident degraded elevated error errors rates performance latency disruption investigating resolved
    wiadomosci pogoda prognoza nachrichten wetter actualites meteo noticias notizie horoskop horoscopo kurznachrichten
"""
_FILLER_WORDS = """
    the a an of for in on and to at from with by your our my this that today todays tonight tomorrow yesterday daily weekly
    monthly morning midday noon afternoon evening night nightly day days week weeks weekend month year first top best latest more
    most all new world global national local international regional sport sports business monday tuesday wednesday thursday
    friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays january february march april may june
    july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec no title open round up wrap
    scheduled partial service api need know here s what you q a
    na dzis dnia der die das des und heute vom du le la les de et jour el los del y hoy
"""
_SERIES_WORDS = """
    horoscope horoscopes horoskop horoscopo quiz crossword puzzle puzzles sudoku wordle quordle forecast deals episode
    issue podcast
"""
_SERIES = frozenset(_SERIES_WORDS.split())
"""Column words that make a headline generic if they stand before its colon."""
_ASKS = re.compile(r"(?:a\s+)?questions?\s+(?:for|about|to)\s|q\s*&\s*a\b\W*#?\d*$", re.I)
_VERSION = re.compile(r"v?\d+|(?:rc|beta|alpha|b)\d*")
_VERSION_WORDS = frozenset(["v", "version", "release", "released", "stable", "longterm", "build"])
_COLUMNS = frozenset(_COLUMN_WORDS.split())
_FILLERS = frozenset(_FILLER_WORDS.split())


def find_agency(text: str, authors: Sequence[str]) -> str | None:
    """The news agency ("reuters") that a report names in its dateline, closing credit or byline, or None.

    The dateline and the credit win over the byline: an outlet's editor may sign an agency's report.
    """
    head = text[: MAX_DATELINE + 20]
    found = _IN_BRACKETS.search(head) or _LEADING.match(head) or _CREDIT.search(text[-60:])
    if found:
        return AGENCIES[fold(found["agency"])]
    for author in authors[:8]:
        signed = _BYLINE.search(author.strip()[:200])
        if signed:
            return AGENCIES[fold(signed["agency"])]
    return None


def without_dateline(text: str) -> str:
    """The text without agency prefix and dateline. Looks only at its beginning, and removes two at most."""
    for _ in range(2):
        found = _DATELINE.match(text[:MAX_DATELINE])
        if not found or found.end() >= len(text):
            break
        text = text[found.end() :]
    return text


def bare_title(title: str, *, with_suffix: bool = False) -> str:
    """The headline without agency and desk prefixes (`UPDATE 2-`, `(dpa)`) and without the outlet's name at the end.

    A suffix follows the last spaced dash, bar or bullet, has three words at most, and leaves at least three. with_suffix: it
    stays, as the outlet's name is known to be cut.
    """
    bare = _PREFIX.sub("", title, count=1).strip() or title
    if with_suffix:
        return bare
    found = ("|" in bare and _PIPE_SUFFIX.match(bare)) or (_SEPARATOR.search(bare) and _SUFFIX.match(bare))
    if found and len(found["tail"].split()) <= 3 and len(found["head"].split()) >= 3:
        bare = found["head"].strip()
    return bare


def is_revision(title: str) -> bool:
    """True if a headline says that it corrects, repeats or updates an earlier one (`CORRECTED -`, `UPDATE 2-`)."""
    return _REVISION.match(title) is not None


def is_generic(headline: str, words: Sequence[str]) -> bool:
    """True if a headline names a column, not a story: "Morning briefing", "Quiz of the week: How well do you remember?".

    words: the headline's `text.words.tokens`.
    """
    if not words:
        return True
    before, colon, _ = headline.partition(": ")
    return _names_a_column(words) or (bool(colon) and _begins_a_column(tokens(before))) or _ASKS.match(headline) is not None


def _names_a_column(words: Sequence[str]) -> bool:
    if not all(word in _COLUMNS or word in _FILLERS or word.isdigit() for word in words):
        return False
    return any(word in _COLUMNS for word in words) or len(words) < 4


def _begins_a_column(words: Sequence[str]) -> bool:
    """True for the words before a headline's colon if each issue of a column begins with them."""
    return not _SERIES.isdisjoint(words) and all(word in _COLUMNS or word in _FILLERS or word.isdigit() for word in words)


def is_bare_version(words: Sequence[str]) -> bool:
    """True if a headline (as `text.words.tokens`) is nothing but a version number: "v1.2.3", "Release 4.2.0"."""
    return all(word in _VERSION_WORDS or _VERSION.fullmatch(word) for word in words) and any(map(_VERSION.fullmatch, words))

"""Tells the language of an entry: by script, by function words, else by a model; and by what its feed usually has.

Measured: 98 % right for a title alone, 99 % within a feed. Figures below are from that measurement (docs/tags.md). The model is
loaded when the first text needs it.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from math import inf

from aggregator.model import Entry
from aggregator.tag.fields import language as normal
from aggregator.tag.language_model import LANGUAGES, Model
from aggregator.text.function_words import by_words

PAUSE = 600.0
"""Seconds until loading the model is tried again after a failure."""
UNKNOWN = "und"
SURE = 0.5
"""Least probability of an answer: 99.3 % of those above it are right."""
LIKELY = 0.35
"""Least probability if there is no summary to look at, too: three in four between this and SURE are right."""
SURE_ALONE = 0.8
"""Least probability, without any prior, at which a title counts for its source's history."""
SUMMARY_LENGTH = 200
DECLARED_WEIGHT = 1.0
HISTORY_WEIGHT = 4.0
LEAST_HISTORY = 5
"""Sure titles from which a source's history counts. Trusting the declared language more does harm."""
USUAL_HISTORY = 20
USUAL_SHARE = 0.95
"""Sure titles, and share of them in one language, from which an unclear title of the source is in that language, too."""
CANDIDATES = 12
CLEAR = 0.86
"""What the model finds so likely is the answer: no feed can make more of the rest, (1 - CLEAR) times at most 6."""
WORDS_UNDECLARED = 3
"""So many different function words, in title and summary, tell a language of which nothing was known before, …"""
WORDS_DECLARED = 2
"""… so many the one that the feed declares, and one alone that which nearly all of its other titles are in. Of 52,000 such
answers 51 are not the model's; one of these is wrong."""

_FIRST_OTHER_SCRIPT = "\u0370"
_LETTERS = re.compile(r"[^\W\d_]")
_KANA = re.compile("[\u3041-\u30fa\u31f0-\u31ff]")
_HAN = re.compile("[\u3005\u3400-\u9fff\uf900-\ufaff]")
_SCRIPTS = (
    ("ko", re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")), ("th", re.compile("[\u0e01-\u0e5b]")),
    ("hy", re.compile("[\u0531-\u058f]")), ("he", re.compile("[\u05d0-\u05ea]")), ("pa", re.compile("[\u0a05-\u0a74]")),
    ("gu", re.compile("[\u0a85-\u0af1]")), ("or", re.compile("[\u0b05-\u0b71]")), ("ta", re.compile("[\u0b85-\u0bd0]")),
    ("te", re.compile("[\u0c05-\u0c61]")), ("kn", re.compile("[\u0c85-\u0ce3]")), ("ml", re.compile("[\u0d05-\u0d61]")),
    ("si", re.compile("[\u0d85-\u0dc6]")), ("lo", re.compile("[\u0e81-\u0edf]")), ("my", re.compile("[\u1000-\u109f]")),
    ("ka", re.compile("[\u10a0-\u10ff\u1c90-\u1cbf]")), ("am", re.compile("[\u1200-\u137f]")),
    ("km", re.compile("[\u1780-\u17b3]")), ("el", re.compile("[\u0370-\u03ff\u1f00-\u1fff]")),
)  # fmt: skip
"""Scripts used by only one of the languages. Kana and Han are handled in `by_script`, because Japanese mixes them."""


def by_script(text: str) -> str | None:
    """The language that a text's script implies, `und` for a text without letters, None if the words must decide."""
    if text.isascii() or max(text) < _FIRST_OTHER_SCRIPT:
        return None if _LETTERS.search(text) else UNKNOWN
    letters = len(_LETTERS.findall(text))
    if not letters:
        return UNKNOWN
    kana, han = len(_KANA.findall(text)), len(_HAN.findall(text))
    if 2 * (kana + han) > letters:
        return "ja" if kana else "zh"
    for code, script in _SCRIPTS:
        if 2 * len(script.findall(text)) > letters:
            return code
    return None


class Guesser:
    """A ports.LanguageGuesser. Use one per process: the model is loaded at the first guess that needs it."""

    _not_before = 0.0

    @cached_property
    def _model(self) -> Model:
        return Model(LANGUAGES.split())

    def guess(self, entry: Entry, declared: str | None, history: Mapping[str, int]) -> tuple[str, bool]:
        """(language or "und", True if the title alone was sure, so that the source's history counts it).

        A title is sure if its function words decide the language or the model is sure of it.
        declared: by the entry or its feed, in any spelling; history: language → sure titles of this source.
        """
        said = normal(declared) if declared else None
        language = by_script(entry.title)
        if language is not None and language != UNKNOWN:
            return language, True
        told, words = by_words(f"{entry.title} {entry.text[:SUMMARY_LENGTH]}")
        if words and words >= _enough(told, said, history):
            return told, by_words(entry.title)[0] == told
        title: dict[str, float] = {} if language == UNKNOWN else self._likely(entry.title)
        sure = bool(title) and max(title.values()) >= SURE_ALONE
        best, chance = _best(title, said, history)
        least = SURE if entry.text else LIKELY
        if chance < least and entry.text:
            with_summary = f"{entry.title}. {entry.text[:SUMMARY_LENGTH]}"
            scripted = by_script(with_summary)
            best, chance = (scripted, 1.0) if scripted else _best(self._likely(with_summary), said, history)
        if chance >= least:
            return best, sure
        usual = _usual(history)
        return (usual if usual in title else UNKNOWN), sure

    def load(self) -> None:
        """Loads the model now, before a limit on memory or time applies."""
        self._likely("")

    def _likely(self, text: str) -> dict[str, float]:
        """The model's answer; empty while it can't be loaded, as when its temporary file doesn't fit on the disk."""
        if time.monotonic() < self._not_before:
            return {}
        try:
            return self._model.likely(text, CANDIDATES, CLEAR)
        except OSError as error:
            self._not_before = time.monotonic() + PAUSE
            from aggregator.logs import logger  # here: nothing else is logged where languages are told, in reading workers

            log = logger("tag")
            log.error("language_model_not_loaded", error=str(error), pause=PAUSE)
            return {}


def _enough(language: str, declared: str | None, history: Mapping[str, int]) -> float:
    """Function words needed to accept a language: fewer if it was likely before, infinite if another one was."""
    seen = sum(history.values())
    if seen >= LEAST_HISTORY:
        share = history.get(language, 0) / seen
        if share >= USUAL_SHARE:
            return 1
        return WORDS_UNDECLARED if share > 1 - USUAL_SHARE else inf
    if declared is None:
        return WORDS_UNDECLARED
    return WORDS_DECLARED if declared == language else inf


def _usual(history: Mapping[str, int]) -> str:
    """The language of nearly all of a source's sure titles, or `und`."""
    seen = sum(history.values())
    language, count = max(history.items(), key=lambda pair: pair[1], default=("", 0))
    return language if seen >= USUAL_HISTORY and count >= USUAL_SHARE * seen else UNKNOWN


def _best(likely: Mapping[str, float], declared: str | None, history: Mapping[str, int]) -> tuple[str, float]:
    """The likeliest language once the feed's own claim and its other titles have spoken, and how likely it is.

    Malay reads as Indonesian (headlines don't tell them apart) unless the feed says Malay.
    """
    seen = sum(history.values())
    weighed: defaultdict[str, float] = defaultdict(float)
    for language, chance in likely.items():
        meant = "id" if language == "ms" and declared != "ms" else language
        share = history.get(meant, 0) / seen if seen >= LEAST_HISTORY else 0.0
        weighed[meant] += chance * (1.0 + DECLARED_WEIGHT * (meant == declared) + HISTORY_WEIGHT * share)
    total = sum(weighed.values())
    if not total:
        return UNKNOWN, 0.0
    language, weight = max(weighed.items(), key=lambda pair: pair[1])
    return language, weight / total

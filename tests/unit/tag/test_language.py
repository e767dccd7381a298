"""Which language an entry is in."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

import pytest

from aggregator.model import Entry
from aggregator.tag.language import Guesser, by_script
from aggregator.tag.language_model import LANGUAGES
from aggregator.text.function_words import FUNCTION_WORDS, by_words


@pytest.fixture(scope="module")
def guesser() -> Guesser:
    return Guesser()


def entry(title: str, text: str = "") -> Entry:
    return Entry(None, None, title, text=text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "und"),
        ("12:30 — 4 %", "und"),
        ("東京で会議が始まる", "ja"),
        ("部长们在首都会面", "zh"),
        ("장관들이 수도에서 만났다", "ko"),
        ("รัฐมนตรีประชุมที่เมืองหลวง", "th"),
        ("Συνάντηση υπουργών στην πρωτεύουσα", "el"),
        ("שרים נפגשו בבירה", "he"),
        ("მინისტრები შეხვდნენ", "ka"),
        ("Նախարարները հանդիպեցին", "hy"),
        ("Ministers met", None),
        ("Министры встретились", None),
        ("Talks in 東京", None),
    ],
)
def test_a_script_of_one_language_answers_at_once(text: str, language: str | None) -> None:
    assert by_script(text) == language


@pytest.mark.parametrize(
    ("title", "language"),
    [
        ("Ministers meet to discuss the budget for next year", "en"),
        ("Die Minister beraten über den Haushalt für das nächste Jahr", "de"),
        ("Ministrowie rozmawiają o budżecie na przyszły rok", "pl"),
        ("Міністри обговорили бюджет на наступний рік", "uk"),
        ("Министры обсудили бюджет на следующий год", "ru"),
        ("Los ministros debaten el presupuesto del próximo año", "es"),
        ("Regjeringen legger fram statsbudsjettet for neste år", "no"),
    ],
)
def test_headlines(guesser: Guesser, title: str, language: str) -> None:
    assert guesser.guess(entry(title), None, {}) == (language, True)


def test_what_cannot_be_told_is_not_told(guesser: Guesser) -> None:
    assert guesser.guess(entry("12:30"), "en", {"en": 40}) == ("und", False)
    assert guesser.guess(entry("Zzz"), None, {})[0] == "und"


def test_the_summary_helps_where_the_title_is_not_enough(guesser: Guesser) -> None:
    text = "Ministrowie rozmawiają w stolicy o budżecie na przyszły rok i o podatkach."
    assert guesser.guess(entry("Sport", text), None, {})[0] == "pl"
    assert guesser.guess(entry("2023", text), None, {}) == ("pl", False)


@pytest.mark.parametrize("language", ["es", "pt", "ca"])
def test_the_feeds_history_helps_short_titles(guesser: Guesser, language: str) -> None:
    assert guesser.guess(entry("El temporal"), None, {})[0] == "und"
    assert guesser.guess(entry("El temporal"), language, {language: 30})[0] == language


def test_in_a_source_of_one_language_an_unclear_title_is_in_it_too(guesser: Guesser) -> None:
    assert guesser.guess(entry("Presidente", "Reset 2023."), None, {"pt": 8})[0] == "und"
    assert guesser.guess(entry("Presidente", "Reset 2023."), None, {"pt": 19, "ca": 1})[0] == "pt"
    assert guesser.guess(entry("Presidente", "Reset 2023."), None, {"pt": 19, "ca": 4})[0] == "und"
    assert guesser.guess(entry("12:30"), None, {"pt": 90})[0] == "und"


def test_a_wrong_claim_does_not_win_over_the_text(guesser: Guesser) -> None:
    title = "Ministrowie rozmawiają o budżecie na przyszły rok"
    assert guesser.guess(entry(title), "en-US", {})[0] == "pl"


def test_few_titles_are_no_history(guesser: Guesser) -> None:
    assert guesser.guess(entry("El temporal"), None, {"ca": 4})[0] == "und"


def test_malay_is_malay_only_where_the_feed_says_so(guesser: Guesser) -> None:
    title = "Menteri akan membincangkan belanjawan kerajaan untuk tahun hadapan"
    assert guesser.guess(entry(title), None, {})[0] == "id"
    assert guesser.guess(entry(title), "ms", {})[0] == "ms"


def test_there_are_eighty_three_languages() -> None:
    assert len(set(LANGUAGES.split())) == 83


ENGLISH = "The ministers met with their guests after the talks"


@pytest.mark.parametrize(
    ("title", "text", "declared", "history", "language", "sure"),
    [
        (ENGLISH, "", None, {}, "en", True),
        ("Harbour reopens", "The ships which were there have left with what they had.", None, {}, "en", False),
        ("2023", "The ships which were there have left.", "en", {}, "en", False),
        ("Hafen und Schiffe", "Die Schiffe wurden nach dem Sturm nicht gefunden.", "de-AT", {}, "de", True),
        ("Ports and ships", "", "pl", {"en": 39, "pl": 1}, "en", True),
        ("Statki są w porcie, ale nie wiadomo, czy będzie jeszcze miejsce", "", "en-US", {"pl": 9}, "pl", True),
        ("Le bateau est dans le port", "Avec the crew et sans eux.", "fr", {}, "fr", True),
    ],
)
def test_function_words_tell_without_the_model(
    title: str, text: str, declared: str | None, history: dict[str, int], language: str, sure: bool
) -> None:
    guesser = Guesser()
    assert guesser.guess(entry(title, text), declared, history) == (language, sure)
    assert "_model" not in vars(guesser)


@dataclass
class Asked:
    """A model that knows one language, and what it was asked."""

    texts: list[str]

    def likely(self, text: str, most: int, clear: float) -> dict[str, float]:
        self.texts.append(text)
        return {"eo": 0.9}


@pytest.mark.parametrize(
    ("title", "declared", "history"),
    [
        ("Ports and ships of the north", None, {}),  # two words, of which nothing is known
        ("Ports and ships", "en", {}),
        ("Ports and ships", None, {"en": 4}),
        ("Ports and ships of the north", None, {"en": 9, "pl": 1}),
        (ENGLISH, "pl", {}),  # something else is declared, …
        (ENGLISH, None, {"pl": 20}),  # … or usual
        ("Schiffe und Hafen with the crew nach dem Sturm from there", "de", {}),
    ],
)
def test_where_words_are_few_or_speak_against_the_feed_the_model_is_asked(
    title: str, declared: str | None, history: dict[str, int]
) -> None:
    guesser, model = Guesser(), Asked([])
    vars(guesser)["_model"] = model
    assert guesser.guess(entry(title), declared, history) == ("eo", True)
    assert model.texts == [title]


def test_strays_of_another_language_do_not_outvote_the_text() -> None:
    german = "Wenn die Schiffe nicht nach dem Sturm wieder im Hafen sind"
    assert by_words(german) == ("de", 5)
    assert by_words(f"the film {german}") == ("de", 5)
    assert by_words(f"the film {german} and what") == ("", 0)
    assert by_words("Sport 2023") == by_words("") == ("", 0)


def test_a_function_word_belongs_to_one_language_that_is_asked_for() -> None:
    words = [word for some in FUNCTION_WORDS.values() for word in some.split()]
    assert sorted(words) == sorted(set(words))
    assert all(word == word.lower() for word in words)
    assert set(FUNCTION_WORDS) <= set(LANGUAGES.split())


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_a_feed_of_plain_english_loads_neither_model_nor_numpy() -> None:
    guess = "Guesser().guess(Entry(None, None, 'The ministers met with their guests'), 'en', {})"
    code = f"import sys; from aggregator.model import Entry; from aggregator.tag.language import Guesser; print({guess})"
    assert run(f"{code}; print(sys.modules.keys() & {{'numpy', 'py3langid'}})").split("\n")[:2] == ["('en', True)", "set()"]


def rows(shared: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in (shared / "data/stories/langid.jsonl").read_text("utf-8").splitlines()]


def label(row: dict[str, str]) -> str:
    return {"nb": "no", "nn": "no"}.get(row["label"], row["label"])


@pytest.mark.shared
def test_titles_alone(shared: Path, guesser: Guesser) -> None:
    told = rows(shared)
    right = sum(guesser.guess(entry(row["title"]), None, {})[0] == label(row) for row in told)
    assert right / len(told) >= 0.98


@pytest.mark.shared
@pytest.mark.parametrize("declares", ["own", "nothing", "en"])
def test_titles_within_a_feed(shared: Path, guesser: Guesser, declares: str) -> None:
    """Each language's titles as one feed without summaries, that declares its language, nothing, or a wrong one."""
    right = wrong = 0
    histories: defaultdict[str, Counter[str]] = defaultdict(Counter)
    told = rows(shared)
    for row in told:
        declared = {"own": label(row), "nothing": None, "en": "en"}[declares]
        language, sure = guesser.guess(entry(row["title"]), declared, histories[label(row)])
        histories[label(row)][language] += sure
        right += language == label(row)
        wrong += language not in (label(row), "und")
    assert right / len(told) >= 0.99
    assert wrong / len(told) <= 0.01


def test_a_model_that_can_not_be_loaded_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def full(languages: object) -> None:
        tries.append(1)
        raise OSError("No space left on device")

    monkeypatch.setattr("aggregator.tag.language.Model", full)
    guesser, unclear = Guesser(), Entry(None, None, "Zelensky trifft Scholz")
    assert guesser.guess(unclear, None, {}) == ("und", False)
    assert guesser.guess(unclear, None, {}) == ("und", False)
    assert guesser.guess(Entry(None, None, "The ministers met with their guests"), "en", {})[0] == "en"
    assert len(tries) == 1
    monkeypatch.undo()
    guesser._not_before = 0.0
    assert guesser.guess(unclear, "de", {})[0] == "de"

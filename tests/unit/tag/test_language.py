"""Which language an entry is in."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from aggregator.model import Entry
from aggregator.tag.language import LANGUAGES, Guesser, by_script


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


def test_the_model_of_all_labels_is_not_kept(guesser: Guesser) -> None:
    """Its name is py3langid's own: where it is gone, the line that frees it can go, too."""
    labels = guesser._model._full_model[2]
    assert len(set(labels)) == 83


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

"""The model in less memory: the probabilities of py3langid itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from aggregator.tag import language_model
from aggregator.tag.language import CANDIDATES, CLEAR, LANGUAGES
from aggregator.tag.language_model import Model

TEXTS = [
    "Ministers meet to discuss the budget for next year",
    "MINISTERS MEET TO DISCUSS THE BUDGET",
    "Ministrowie rozmawiają o budżecie na przyszły rok. Statki są w porcie.",
    "Министры обсудили бюджет на следующий год",
    "Министри су разговарали о буџету за следећу годину",
    "Ministri su razgovarali o budžetu za narednu godinu",
    "وزراء يناقشون الميزانية",
    "部长们在首都会面",
    "El temporal",
    "e\u0301te\u0301",
    "12:30",
    "",
    "\ud800 half a character",
    "harbour " * 500,
]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(LANGUAGES.split())


@pytest.fixture(scope="module")
def own() -> LanguageIdentifier:
    """py3langid as it comes."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(LANGUAGES.split())
    return identifier


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:12].encode("ascii", "replace").decode())
def test_its_probabilities_are_those_of_py3langid(model: Model, own: LanguageIdentifier, text: str) -> None:
    found = model.likely(text, CANDIDATES, clear=2.0)
    assert list(found) == [language for language, _ in islice(own.rank(text), CANDIDATES)]
    assert found == pytest.approx(dict(own.rank(text)[:CANDIDATES]), rel=1e-4)


def test_a_clear_answer_stands_alone(model: Model) -> None:
    assert list(model.likely(TEXTS[0], CANDIDATES, CLEAR)) == ["en"]
    assert len(model.likely("El temporal", CANDIDATES, CLEAR)) == CANDIDATES


GROWTH = """
from pathlib import Path
from typing import Any
import numpy, aggregator.tag.language as language

def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))

before = resident()
model = language.Guesser()._model
print(resident() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own count")
def test_it_takes_a_third_of_the_memory() -> None:
    """py3langid as it comes takes 95 MB; here it is 31. The rest is what another allocator may keep."""
    kilobytes = int(subprocess.run([sys.executable, "-c", GROWTH], check=True, capture_output=True, text=True).stdout)
    assert kilobytes < 45_000


def test_what_is_made_is_kept_and_made_anew_where_it_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model
) -> None:
    place = tmp_path / "compiled" / "model.npz"
    made: list[bool] = []
    parts = language_model._parts

    def counted(languages: list[str]) -> dict[str, Any]:
        made.append(True)
        return parts(languages)

    monkeypatch.setattr(language_model, "_place", lambda languages: place)
    monkeypatch.setattr(language_model, "_parts", counted)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    Model(LANGUAGES.split())
    assert not place.exists()
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    Model(LANGUAGES.split())
    kept = Model(LANGUAGES.split())
    assert len(made) == 2
    for text in TEXTS:
        assert kept.likely(text, 12, 2.0) == model.likely(text, 12, 2.0)
    whole = place.read_bytes()
    place.write_bytes(whole[:1_000_000] + b"?" + whole[1_000_001:])
    Model(LANGUAGES.split())
    place.write_bytes(b"")
    Model(LANGUAGES.split())
    assert len(made) == 4
    assert [file.name for file in place.parent.iterdir()] == ["model.npz"]


def test_a_place_that_cannot_be_written_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(language_model, "_place", lambda languages: tmp_path / "file" / "model.npz")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    assert Model(LANGUAGES.split()).likely("Der Minister sprach nach der Sitzung", 1, 0.9).keys() == {"de"}

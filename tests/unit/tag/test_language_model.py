"""The model in less memory: the answers of py3langid itself."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

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
def test_its_answers_are_those_of_py3langid(model: Model, own: LanguageIdentifier, text: str) -> None:
    found = model.likely(text, CANDIDATES, clear=2.0)
    assert list(found) == [language for language, _ in islice(own.rank(text), CANDIDATES)]
    assert found == pytest.approx(dict(own.rank(text)[:CANDIDATES]), abs=1.5e-3)


def test_a_clear_answer_stands_alone(model: Model) -> None:
    assert list(model.likely(TEXTS[0], CANDIDATES, CLEAR)) == ["en"]
    assert len(model.likely("El temporal", CANDIDATES, CLEAR)) == CANDIDATES


GROWTH = """
import sys
from pathlib import Path
import aggregator.tag.language as language

def resident():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS"))

before = resident()
language.Guesser()._model.likely("El temporal", 12, 1.0)
print(resident() - before, sys.modules.keys() & {"numpy", "py3langid"})
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's own count")
def test_once_made_it_takes_little_memory_and_no_numpy(tmp_path: Path) -> None:
    """py3langid as it comes takes 95 MB and numpy; here it is 3. The rest is what another allocator may keep."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = str(tmp_path)
    subprocess.run([sys.executable, "-m", "aggregator.tag.language_model"], check=True, env=environment)
    assert len([*tmp_path.rglob("language_model-*")]) == 1
    told = subprocess.run([sys.executable, "-c", GROWTH], check=True, capture_output=True, text=True, env=environment).stdout
    kilobytes, modules = told.split(maxsplit=1)
    assert int(kilobytes) < 8_000
    assert modules.strip() == "set()"


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files that were made."""
    make = language_model._make
    made: list[Path] = []

    def told(languages: list[str], place: Path) -> None:
        make(languages, place)
        made.append(place)

    monkeypatch.setattr(language_model, "_make", told)
    return made


def test_what_is_made_is_kept_and_made_anew_where_it_is_not_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model, making: list[Path]
) -> None:
    place = tmp_path / "compiled" / "language_model-9.tables"
    monkeypatch.setattr(language_model, "_place", lambda languages: place)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    Model(LANGUAGES.split())
    kept = Model(LANGUAGES.split())
    assert len(making) == 1
    for text in TEXTS:
        assert kept.likely(text, 12, 2.0) == model.likely(text, 12, 2.0)
    whole = place.read_bytes()
    broken = [b"", whole[:5], whole[:1_000_000], whole[:-1], whole[:1_000_000] + b"?" + whole[1_000_001:], b"\xff" * len(whole)]
    for content in broken:
        place.write_bytes(content)
        assert language_model._read(place) is None
    Model(LANGUAGES.split())
    assert len(making) == 2
    assert place.read_bytes() == whole


def test_what_was_kept_for_another_model_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("language_model-1-0.4.0.npz", "language_model-8.tables", "language_model.cpython-311.pyc"):
        (tmp_path / name).write_bytes(b"old")
    monkeypatch.setattr(language_model, "_place", lambda languages: tmp_path / "language_model-9.tables")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    Model(LANGUAGES.split())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["language_model-9.tables", "language_model.cpython-311.pyc"]


@pytest.mark.parametrize("unwritten", [True, False])
def test_where_nothing_can_be_kept_it_is_made_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, making: list[Path], unwritten: bool
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(language_model, "_place", lambda languages: tmp_path / ("kept" if unwritten else "file/kept"))
    monkeypatch.setattr("sys.dont_write_bytecode", unwritten)
    assert Model(LANGUAGES.split()).likely("Der Minister sprach nach der Sitzung", 1, 0.9).keys() == {"de"}
    assert len(making) == 1
    assert not making[0].exists()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_where_it_cannot_be_made_it_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language_model, "_place", lambda languages: tmp_path / "kept.tables")
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    with pytest.raises(OSError, match="Unknown language"):
        Model(["en", "nobody's"])
    assert not [*tmp_path.iterdir()]

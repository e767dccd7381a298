"""The model in less memory: the answers of py3langid itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

from aggregator.tag import language_model
from aggregator.tag.language import CANDIDATES, CLEAR
from aggregator.tag.language_model import LANGUAGES, Model

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
def test_installed_it_takes_little_memory_and_no_numpy() -> None:
    """py3langid as it comes takes 95 MB and numpy; here it is 3. The rest is what another allocator may keep."""
    told = subprocess.run([sys.executable, "-c", GROWTH], check=True, capture_output=True, text=True).stdout
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


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where an installation keeps the tables; nothing is there yet."""
    place = tmp_path / "language.tables"
    monkeypatch.setattr(language_model, "INSTALLED", place)
    return place


def test_what_an_installation_made_is_used_where_it_is_whole(installed: Path, model: Model, making: list[Path]) -> None:
    language_model.install(sorted(LANGUAGES.split()), installed)
    making.clear()
    found = Model(LANGUAGES.split())
    assert not making
    for text in TEXTS:
        assert found.likely(text, 12, 2.0) == model.likely(text, 12, 2.0)
    whole = installed.read_bytes()
    broken = [b"", whole[:5], whole[:1_000_000], whole[:-1], whole[:1_000_000] + b"?" + whole[1_000_001:], b"\xff" * len(whole)]
    for content in broken:
        installed.write_bytes(content)
        assert language_model._read(installed) is None
    Model(LANGUAGES.split())
    assert len(making) == 1 and language_model._read(installed) is not None, "it is made anew"


def test_what_was_installed_for_other_languages_is_not_used(installed: Path, making: list[Path]) -> None:
    language_model.install(["de", "en"], installed)
    making.clear()
    assert Model(["de", "en", "fr"]).labels == ["de", "en", "fr"]
    assert len(making) == 1


def test_where_nothing_is_installed_it_is_made_once(installed: Path, making: list[Path]) -> None:
    for _ in range(2):
        assert Model(LANGUAGES.split()).likely("Der Minister sprach nach der Sitzung", 1, 0.9).keys() == {"de"}
    assert len(making) == 1
    assert [*installed.parent.iterdir()] == [installed]


def test_where_the_installation_cannot_be_written_it_is_made_each_time_and_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, making: list[Path]
) -> None:
    (tmp_path / "no-folder").touch()
    monkeypatch.setattr(language_model, "INSTALLED", tmp_path / "no-folder" / "language.tables")
    for times in (1, 2):
        assert Model(LANGUAGES.split()).likely("Der Minister sprach nach der Sitzung", 1, 0.9).keys() == {"de"}
        assert len(making) == times and not making[-1].exists()
    assert [path.name for path in tmp_path.iterdir()] == ["no-folder"]


def test_where_it_cannot_be_made_it_is_told_why(installed: Path) -> None:
    with pytest.raises(OSError, match="Unknown language"):
        Model(["en", "nobody's"])
    with pytest.raises(OSError, match="Unknown language"):
        language_model.install(["en", "nobody's"], installed)
    assert not [*installed.parent.iterdir()]

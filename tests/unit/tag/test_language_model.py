"""The model in less memory: the probabilities of py3langid itself."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from py3langid.langid import MODEL_FILE, LanguageIdentifier

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

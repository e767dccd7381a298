"""How texts are folded and cut into words."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.words import fold, is_unspaced, searchable, tokens

ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=40)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Łódź", "lodz"),
        ("STRASSE Straße", "strasse strasse"),
        ("İstanbul ISIL ısı", "istanbul isil isi"),
        ("São Tomé e Príncipe", "sao tome e principe"),
        ("Smørrebrød, Þór, Œuvre", "smorrebrod, thor, oeuvre"),
        ("ＮＡＴＯ ﬁne", "nato fine"),
        ("l’Ukraine “dit” –", 'l\'ukraine "dit" -'),
        ("Ёлка й ї", "елка й ї"),
        ("Οδός ΟΔΟΣ", "οδοσ οδοσ"),
        ("العَرَبِيَّة أإآ", "العربية ااا"),
        ("٣٤ ४५", "34 45"),
        ("हिन्दी में", "हिन्दी में"),
        ("กรุงเทพ", "กรุงเทพ"),
        ("Việt Nam", "viet nam"),
        ("co\u00adoperate", "cooperate"),
    ],
)
def test_folding(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Russia's war", ["russia", "war"]),
        ("Russia’s al-Shabaab", ["russia", "al", "shabaab"]),
        ("U.S. and U.S.-led", ["us", "and", "us", "led"]),
        ("the U.S.A.", ["the", "usa"]),
        ("see x.y.example.com", ["see", "x", "y", "example", "com"]),
        ("l'Ukraine, N'Djamena", ["l", "ukraine", "n", "djamena"]),
        ("O'Brien don't", ["o", "brien", "don", "t"]),
        ("1,000 of 12,500,000", ["1000", "of", "12500000"]),
        ("3.5 1,2", ["3", "5", "1", "2"]),
        ("F-16 G7 covid-19", ["f", "16", "g7", "covid", "19"]),
        ("snake_case #tag @nato AT&T", ["snake", "case", "tag", "nato", "at", "t"]),
        ("пам'ять Київ", ["пам", "ять", "київ"]),
        ("日本語", ["日本", "本語", "語"]),
        ("NATO東京2023年", ["nato", "東京", "京", "2023", "年"]),
        ("우크라이나는", ["우크", "크라", "라이", "이나", "나는", "는"]),
        ("ไทย", ["ไท", "ทย", "ย"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("", []),
        ("… 🚀 —", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert tokens(text) == words


@given(ANY_TEXT)
def test_folding_twice_changes_nothing(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_case_and_composition_make_no_difference(text: str) -> None:
    import unicodedata

    assert fold(unicodedata.normalize("NFD", text)) == fold(text)
    assert tokens(fold(text)) == tokens(text)


@given(ANY_TEXT)
def test_the_full_text_index_keeps_tokens_as_they_are(text: str) -> None:
    words = tokens(text)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE VIRTUAL TABLE t USING fts5(words, tokenize='ascii')")
    database.execute("CREATE VIRTUAL TABLE v USING fts5vocab(t, 'row')")
    for kept in (" ".join(words), searchable(text)):
        database.execute("INSERT INTO t (rowid, words) VALUES (1, ?)", (kept,))
        assert [row[0] for row in database.execute("SELECT term FROM v ORDER BY term")] == sorted(
            set(words), key=lambda word: word.encode()
        )
        database.execute("DELETE FROM t")


@given(st.text("日本語はニュース速報", min_size=1, max_size=12), st.data())
def test_any_part_of_an_unspaced_run_is_found_by_its_pairs(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    part, whole = text[start:end], tokens(text)
    pairs = [part[at : at + 2] for at in range(max(1, len(part) - 1))]
    assert any(
        whole[at : at + len(pairs) - 1] == pairs[:-1] and whole[at + len(pairs) - 1].startswith(pairs[-1])
        for at in range(len(whole) - len(pairs) + 1)
    )


def test_scripts_without_spaces_are_known() -> None:
    assert all(map(is_unspaced, ["日本", "ไท", "ອັ", "မြ", "ខ្", "나"]))
    assert not any(map(is_unspaced, ["nato", "киев", "हिन्दी", "ኢት", "2023"]))

"""Spelt numbers from two to twenty in the languages of most feeds: "three dead" and "3 dead" say the same."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aggregator.text.words import fold

_SPELT = """
    en: two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
        nineteen twenty;
    de: zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn
        neunzehn zwanzig;
    fr: deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf
        vingt;
    es: dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho
        diecinueve veinte;
    it: due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici diciassette
        diciotto diciannove venti;
    pt: dois três quatro cinco seis sete oito nove dez onze doze treze catorze quinze dezesseis dezessete dezoito dezenove
        vinte;
    nl: twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien achttien
        negentien twintig;
    sv: två tre fyra fem sex sju åtta nio tio elva tolv tretton fjorton femton sexton sjutton arton nitton tjugo;
    da: to tre fire fem seks syv otte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tyve;
    nb: to tre fire fem seks sju åtte ni ti elleve tolv tretten fjorten femten seksten sytten atten nitten tjue;
    pl: dwa trzy cztery pięć sześć siedem osiem dziewięć dziesięć jedenaście dwanaście trzynaście czternaście piętnaście
        szesnaście siedemnaście osiemnaście dziewiętnaście dwadzieścia;
    cs: dva tři čtyři pět šest sedm osm devět deset jedenáct dvanáct třináct čtrnáct patnáct šestnáct sedmnáct osmnáct
        devatenáct dvacet;
    ru: два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать пятнадцать
        шестнадцать семнадцать восемнадцать девятнадцать двадцать;
    uk: два три чотири п'ять шість сім вісім дев'ять десять одинадцять дванадцять тринадцять чотирнадцять п'ятнадцять
        шістнадцять сімнадцять вісімнадцять дев'ятнадцять двадцять;
"""
"""By language, from two to twenty."""
_FURTHER = {
    "pt": {"duas": "2", "dezasseis": "16", "dezassete": "17", "dezanove": "19"},
    "pl": {"dwie": "2", "dwoje": "2", "troje": "3"},
    "cs": {"dvě": "2"},
    "ru": {"две": "2", "двое": "2", "трое": "3"},
    "uk": {"дві": "2", "двоє": "2", "троє": "3"},
}


class NumberWords(Struct, frozen=True):
    """A language's number words. digits: folded word → its digits; words: these words; numbers: all of these digits."""

    digits: Mapping[str, str] = {}
    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()

    def in_digits(self, words: list[str]) -> list[str]:
        """Folded words with those that spell a number replaced by its digits."""
        return words if self.words.isdisjoint(words) else [self.digits.get(word, word) for word in words]


def _number_words(language: str, spelt: str) -> NumberWords:
    words = {fold(word): str(number) for number, word in enumerate(spelt.split(), 2)}
    further = {fold(word): number for word, number in _FURTHER.get(language, {}).items()}
    digits = {word: number for word, number in (words | further).items() if word.isalpha()}
    return NumberWords(digits, frozenset(digits), frozenset(digits.values()))


_ROWS = (row.partition(":") for row in _SPELT.split(";") if row.strip())
_LANGUAGES = {language.strip(): _number_words(language.strip(), spelt) for language, _, spelt in _ROWS}
_NONE = NumberWords()


def number_words(language: str) -> NumberWords:
    """The number words of a language tag; none for languages that are not listed."""
    return _LANGUAGES.get(language.partition("-")[0].casefold(), _NONE)

"""Phrases that the product adds to a story, in the story's language."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Wording(Struct, frozen=True):
    """and_others: with places for names, and for how many more there are. summary_by, headline_by: with one for a hook's name.

    other_news: what a digest calls events that are in no topic; also_new: what it says above further new stories of an event.
    """

    also_reported_by: str
    reported_by: str
    earlier: str
    discussion: str
    story_page: str
    and_others: str
    summary_by: str
    headline_by: str
    other_news: str
    also_new: str


_ENGLISH = Wording(
    "Also reported by",
    "Reported by",
    "Earlier:",
    "Discussion:",
    "Story page",
    "{} and {} others",
    "Summary by {}:",
    "Headline by {}. The original:",
    "Other news",
    "Also new:",
)
_NORWEGIAN = Wording(
    "Også omtalt av",
    "Omtalt av",
    "Tidligere:",
    "Debatt:",
    "Sakens side",
    "{} og {} andre",
    "Sammendrag av {}:",
    "Overskrift av {}. Originalen:",
    "Andre nyheter",
    "Også nytt:",
)
_LANGUAGES = {
    "en": _ENGLISH,
    "da": Wording(
        "Også omtalt af",
        "Omtalt af",
        "Tidligere:",
        "Debat:",
        "Historiens side",
        "{} og {} andre",
        "Resumé af {}:",
        "Overskrift af {}. Originalen:",
        "Andre nyheder",
        "Også nyt:",
    ),
    "de": Wording(
        "Auch berichtet von",
        "Berichtet von",
        "Zuvor:",
        "Diskussion:",
        "Seite der Meldung",
        "{} und {} weitere",
        "Zusammenfassung von {}:",
        "Überschrift von {}. Original:",
        "Weitere Nachrichten",
        "Außerdem neu:",
    ),
    "es": Wording(
        "También lo publica",
        "Lo publica",
        "Antes:",
        "Debate:",
        "Página de la noticia",
        "{} y otros {}",
        "Resumen de {}:",
        "Titular de {}. Original:",
        "Otras noticias",
        "También es nuevo:",
    ),
    "fi": Wording(
        "Myös näissä:",
        "Lähde:",
        "Aiemmin:",
        "Keskustelu:",
        "Uutisen sivu",
        "{} ja {} muuta",
        "Tiivistelmä, {}:",
        "Otsikko, {}. Alkuperäinen:",
        "Muita uutisia",
        "Uutta myös:",
    ),
    "fr": Wording(
        "Aussi rapporté par",
        "Rapporté par",
        "Auparavant :",
        "Discussion :",
        "Page de l’article",
        "{} et {} autres",
        "Résumé par {} :",
        "Titre par {}. Original :",
        "Autres actualités",
        "Aussi nouveau :",
    ),
    "it": Wording(
        "Ne parla anche",
        "Ne parla",
        "In precedenza:",
        "Discussione:",
        "Pagina della notizia",
        "{} e altri {}",
        "Riassunto di {}:",
        "Titolo di {}. Originale:",
        "Altre notizie",
        "Altre novità:",
    ),
    "nl": Wording(
        "Ook gemeld door",
        "Gemeld door",
        "Eerder:",
        "Discussie:",
        "Pagina van het bericht",
        "{} en {} andere",
        "Samenvatting door {}:",
        "Kop door {}. Origineel:",
        "Ander nieuws",
        "Ook nieuw:",
    ),
    "no": _NORWEGIAN,
    "nb": _NORWEGIAN,
    "pl": Wording(
        "Piszą o tym także:",
        "Źródło:",
        "Wcześniej:",
        "Dyskusja:",
        "Strona tej wiadomości",
        "{} i {} innych",
        "Streszczenie ({}):",
        "Tytuł ({}). Oryginał:",
        "Inne wiadomości",
        "Nowe jest też:",
    ),
    "pt": Wording(
        "Também noticiado por",
        "Noticiado por",
        "Antes:",
        "Discussão:",
        "Página da notícia",
        "{} e mais {}",
        "Resumo de {}:",
        "Título de {}. Original:",
        "Outras notícias",
        "Também é novo:",
    ),
    "ru": Wording(
        "Также сообщают:",
        "Сообщает:",
        "Ранее:",
        "Обсуждение:",
        "Страница новости",
        "{} и ещё {}",
        "Краткое содержание ({}):",
        "Заголовок ({}). Оригинал:",
        "Другие новости",
        "Также новое:",
    ),
    "sv": Wording(
        "Rapporteras även av",
        "Rapporteras av",
        "Tidigare:",
        "Diskussion:",
        "Nyhetens sida",
        "{} och {} andra",
        "Sammanfattning av {}:",
        "Rubrik av {}. Originalet:",
        "Andra nyheter",
        "Också nytt:",
    ),
    "uk": Wording(
        "Також повідомляють:",
        "Повідомляє:",
        "Раніше:",
        "Обговорення:",
        "Сторінка новини",
        "{} і ще {}",
        "Стислий виклад ({}):",
        "Заголовок ({}). Оригінал:",
        "Інші новини",
        "Також нове:",
    ),
}


NAMED = 3
"""Outlets that are named where more tell a story."""


def outlets_in_words(names: Sequence[str], words: Wording, most: int = NAMED) -> str:
    """Who tells a story: "Northwire, Daily Post", or "Northwire, Daily Post, Gazette and 12 others".

    most: how many are named; one more is named rather than counted.
    """
    named = list(dict.fromkeys(names))
    if len(named) <= most + 1:
        return ", ".join(named)
    return words.and_others.format(", ".join(named[:most]), len(named) - most)


def wording(language: str) -> Wording:
    """The phrases in a language (a tag such as `de-AT`), or in English if there are none."""
    return _LANGUAGES.get(language.lower().split("-")[0], _ENGLISH)

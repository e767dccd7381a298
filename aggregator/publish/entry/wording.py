"""Phrases that the product adds to a story, in the story's language."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

NAMED = 3
"""Outlets that are named where more tell a story."""


class Wording(Struct, frozen=True, kw_only=True):
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
    also_reported_by="Also reported by",
    reported_by="Reported by",
    earlier="Earlier:",
    discussion="Discussion:",
    story_page="Story page",
    and_others="{} and {} others",
    summary_by="Summary by {}:",
    headline_by="Headline by {}. The original:",
    other_news="Other news",
    also_new="Also new:",
)
_NORWEGIAN = Wording(
    also_reported_by="Også omtalt av",
    reported_by="Omtalt av",
    earlier="Tidligere:",
    discussion="Debatt:",
    story_page="Sakens side",
    and_others="{} og {} andre",
    summary_by="Sammendrag av {}:",
    headline_by="Overskrift av {}. Originalen:",
    other_news="Andre nyheter",
    also_new="Også nytt:",
)
LANGUAGES = {
    "en": _ENGLISH,
    "da": Wording(
        also_reported_by="Også omtalt af",
        reported_by="Omtalt af",
        earlier="Tidligere:",
        discussion="Debat:",
        story_page="Historiens side",
        and_others="{} og {} andre",
        summary_by="Resumé af {}:",
        headline_by="Overskrift af {}. Originalen:",
        other_news="Andre nyheder",
        also_new="Også nyt:",
    ),
    "de": Wording(
        also_reported_by="Auch berichtet von",
        reported_by="Berichtet von",
        earlier="Zuvor:",
        discussion="Diskussion:",
        story_page="Seite der Meldung",
        and_others="{} und {} weitere",
        summary_by="Zusammenfassung von {}:",
        headline_by="Überschrift von {}. Original:",
        other_news="Weitere Nachrichten",
        also_new="Außerdem neu:",
    ),
    "es": Wording(
        also_reported_by="También lo publica",
        reported_by="Lo publica",
        earlier="Antes:",
        discussion="Debate:",
        story_page="Página de la noticia",
        and_others="{} y otros {}",
        summary_by="Resumen de {}:",
        headline_by="Titular de {}. Original:",
        other_news="Otras noticias",
        also_new="También es nuevo:",
    ),
    "fi": Wording(
        also_reported_by="Myös näissä:",
        reported_by="Lähde:",
        earlier="Aiemmin:",
        discussion="Keskustelu:",
        story_page="Uutisen sivu",
        and_others="{} ja {} muuta",
        summary_by="Tiivistelmä, {}:",
        headline_by="Otsikko, {}. Alkuperäinen:",
        other_news="Muita uutisia",
        also_new="Uutta myös:",
    ),
    "fr": Wording(
        also_reported_by="Aussi rapporté par",
        reported_by="Rapporté par",
        earlier="Auparavant :",
        discussion="Discussion :",
        story_page="Page de l’article",
        and_others="{} et {} autres",
        summary_by="Résumé par {} :",
        headline_by="Titre par {}. Original :",
        other_news="Autres actualités",
        also_new="Aussi nouveau :",
    ),
    "it": Wording(
        also_reported_by="Ne parla anche",
        reported_by="Ne parla",
        earlier="In precedenza:",
        discussion="Discussione:",
        story_page="Pagina della notizia",
        and_others="{} e altri {}",
        summary_by="Riassunto di {}:",
        headline_by="Titolo di {}. Originale:",
        other_news="Altre notizie",
        also_new="Altre novità:",
    ),
    "nl": Wording(
        also_reported_by="Ook gemeld door",
        reported_by="Gemeld door",
        earlier="Eerder:",
        discussion="Discussie:",
        story_page="Pagina van het bericht",
        and_others="{} en {} andere",
        summary_by="Samenvatting door {}:",
        headline_by="Kop door {}. Origineel:",
        other_news="Ander nieuws",
        also_new="Ook nieuw:",
    ),
    "no": _NORWEGIAN,
    "nb": _NORWEGIAN,
    "pl": Wording(
        also_reported_by="Piszą o tym także:",
        reported_by="Źródło:",
        earlier="Wcześniej:",
        discussion="Dyskusja:",
        story_page="Strona tej wiadomości",
        and_others="{} i {} innych",
        summary_by="Streszczenie ({}):",
        headline_by="Tytuł ({}). Oryginał:",
        other_news="Inne wiadomości",
        also_new="Nowe jest też:",
    ),
    "pt": Wording(
        also_reported_by="Também noticiado por",
        reported_by="Noticiado por",
        earlier="Antes:",
        discussion="Discussão:",
        story_page="Página da notícia",
        and_others="{} e mais {}",
        summary_by="Resumo de {}:",
        headline_by="Título de {}. Original:",
        other_news="Outras notícias",
        also_new="Também é novo:",
    ),
    "ru": Wording(
        also_reported_by="Также сообщают:",
        reported_by="Сообщает:",
        earlier="Ранее:",
        discussion="Обсуждение:",
        story_page="Страница новости",
        and_others="{} и ещё {}",
        summary_by="Краткое содержание ({}):",
        headline_by="Заголовок ({}). Оригинал:",
        other_news="Другие новости",
        also_new="Также новое:",
    ),
    "sv": Wording(
        also_reported_by="Rapporteras även av",
        reported_by="Rapporteras av",
        earlier="Tidigare:",
        discussion="Diskussion:",
        story_page="Nyhetens sida",
        and_others="{} och {} andra",
        summary_by="Sammanfattning av {}:",
        headline_by="Rubrik av {}. Originalet:",
        other_news="Andra nyheter",
        also_new="Också nytt:",
    ),
    "uk": Wording(
        also_reported_by="Також повідомляють:",
        reported_by="Повідомляє:",
        earlier="Раніше:",
        discussion="Обговорення:",
        story_page="Сторінка новини",
        and_others="{} і ще {}",
        summary_by="Стислий виклад ({}):",
        headline_by="Заголовок ({}). Оригінал:",
        other_news="Інші новини",
        also_new="Також нове:",
    ),
}
"""The phrases of each language, by its code."""


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
    return LANGUAGES.get(language.lower().split("-")[0], _ENGLISH)

"""Phrases that the product adds to a story, in the story's language."""

from __future__ import annotations

from msgspec import Struct


class Wording(Struct, frozen=True):
    also_reported_by: str
    reported_by: str
    discussion: str
    story_page: str


_ENGLISH = Wording("Also reported by", "Reported by", "Discussion:", "Story page")
_LANGUAGES = {
    "en": _ENGLISH,
    "da": Wording("Også omtalt af", "Omtalt af", "Debat:", "Historiens side"),
    "de": Wording("Auch berichtet von", "Berichtet von", "Diskussion:", "Seite der Meldung"),
    "es": Wording("También lo publica", "Lo publica", "Debate:", "Página de la noticia"),
    "fi": Wording("Myös näissä:", "Lähde:", "Keskustelu:", "Uutisen sivu"),
    "fr": Wording("Aussi rapporté par", "Rapporté par", "Discussion :", "Page de l’article"),
    "it": Wording("Ne parla anche", "Ne parla", "Discussione:", "Pagina della notizia"),
    "nl": Wording("Ook gemeld door", "Gemeld door", "Discussie:", "Pagina van het bericht"),
    "no": Wording("Også omtalt av", "Omtalt av", "Debatt:", "Sakens side"),
    "nb": Wording("Også omtalt av", "Omtalt av", "Debatt:", "Sakens side"),
    "pl": Wording("Piszą o tym także:", "Źródło:", "Dyskusja:", "Strona tej wiadomości"),
    "pt": Wording("Também noticiado por", "Noticiado por", "Discussão:", "Página da notícia"),
    "ru": Wording("Также сообщают:", "Сообщает:", "Обсуждение:", "Страница новости"),
    "sv": Wording("Rapporteras även av", "Rapporteras av", "Diskussion:", "Nyhetens sida"),
    "uk": Wording("Також повідомляють:", "Повідомляє:", "Обговорення:", "Сторінка новини"),
}


def wording(language: str) -> Wording:
    """The phrases in a language (a tag such as `de-AT`), or in English if there are none."""
    return _LANGUAGES.get(language.lower().split("-")[0], _ENGLISH)

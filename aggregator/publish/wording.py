"""Phrases that the product adds to a story, in the story's language."""

from __future__ import annotations

from msgspec import Struct


class Wording(Struct, frozen=True):
    also_reported_by: str
    reported_by: str
    earlier: str
    discussion: str
    story_page: str


_ENGLISH = Wording("Also reported by", "Reported by", "Earlier:", "Discussion:", "Story page")
_LANGUAGES = {
    "en": _ENGLISH,
    "da": Wording("Også omtalt af", "Omtalt af", "Tidligere:", "Debat:", "Historiens side"),
    "de": Wording("Auch berichtet von", "Berichtet von", "Zuvor:", "Diskussion:", "Seite der Meldung"),
    "es": Wording("También lo publica", "Lo publica", "Antes:", "Debate:", "Página de la noticia"),
    "fi": Wording("Myös näissä:", "Lähde:", "Aiemmin:", "Keskustelu:", "Uutisen sivu"),
    "fr": Wording("Aussi rapporté par", "Rapporté par", "Auparavant :", "Discussion :", "Page de l’article"),
    "it": Wording("Ne parla anche", "Ne parla", "In precedenza:", "Discussione:", "Pagina della notizia"),
    "nl": Wording("Ook gemeld door", "Gemeld door", "Eerder:", "Discussie:", "Pagina van het bericht"),
    "no": Wording("Også omtalt av", "Omtalt av", "Tidligere:", "Debatt:", "Sakens side"),
    "nb": Wording("Også omtalt av", "Omtalt av", "Tidligere:", "Debatt:", "Sakens side"),
    "pl": Wording("Piszą o tym także:", "Źródło:", "Wcześniej:", "Dyskusja:", "Strona tej wiadomości"),
    "pt": Wording("Também noticiado por", "Noticiado por", "Antes:", "Discussão:", "Página da notícia"),
    "ru": Wording("Также сообщают:", "Сообщает:", "Ранее:", "Обсуждение:", "Страница новости"),
    "sv": Wording("Rapporteras även av", "Rapporteras av", "Tidigare:", "Diskussion:", "Nyhetens sida"),
    "uk": Wording("Також повідомляють:", "Повідомляє:", "Раніше:", "Обговорення:", "Сторінка новини"),
}


def wording(language: str) -> Wording:
    """The phrases in a language (a tag such as `de-AT`), or in English if there are none."""
    return _LANGUAGES.get(language.lower().split("-")[0], _ENGLISH)

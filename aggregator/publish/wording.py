"""Phrases that the product adds to a story, in the story's language."""

from __future__ import annotations

from msgspec import Struct


class Wording(Struct, frozen=True):
    also_reported_by: str
    reported_by: str


_ENGLISH = Wording("Also reported by", "Reported by")
_LANGUAGES = {
    "en": _ENGLISH,
    "da": Wording("Også omtalt af", "Omtalt af"),
    "de": Wording("Auch berichtet von", "Berichtet von"),
    "es": Wording("También lo publica", "Lo publica"),
    "fi": Wording("Myös näissä:", "Lähde:"),
    "fr": Wording("Aussi rapporté par", "Rapporté par"),
    "it": Wording("Ne parla anche", "Ne parla"),
    "nl": Wording("Ook gemeld door", "Gemeld door"),
    "no": Wording("Også omtalt av", "Omtalt av"),
    "nb": Wording("Også omtalt av", "Omtalt av"),
    "pl": Wording("Piszą o tym także:", "Źródło:"),
    "pt": Wording("Também noticiado por", "Noticiado por"),
    "ru": Wording("Также сообщают:", "Сообщает:"),
    "sv": Wording("Rapporteras även av", "Rapporteras av"),
    "uk": Wording("Також повідомляють:", "Повідомляє:"),
}


def wording(language: str) -> Wording:
    """The phrases in a language (a tag such as `de-AT`), or in English if there are none."""
    return _LANGUAGES.get(language.lower().split("-")[0], _ENGLISH)

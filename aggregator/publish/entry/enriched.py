"""What an entry shows of what hooks told (`enrich:`): always with the hook's name, as it is not the outlet's words."""

from __future__ import annotations

import html

from msgspec import Struct

from aggregator.model import Story
from aggregator.publish.entry import characters
from aggregator.publish.entry.wording import Wording


class Told(Struct, frozen=True):
    """What one hook told, fit to be published. title: empty unless it stands for the story's headline."""

    hook: str
    title: str
    summary: tuple[str, ...]
    language: str | None


def told_of(story: Story) -> tuple[Told, ...]:
    """What hooks told that readers see, in the order of the config. The first title is the one that is shown."""
    found: list[Told] = []
    for one in story.enriched:
        title = characters.plain(one.title) if one.of == story.title and not any(told.title for told in found) else ""
        lines = tuple(line for part in one.summary.split("\n") if (line := characters.plain(part)))
        if title or lines:
            found.append(Told(characters.plain(one.hook), title, lines, characters.language(one.language)))
    return tuple(found)


def shown_title(told: tuple[Told, ...]) -> str:
    """The headline that a hook told; empty if none did."""
    return next((one.title for one in told if one.title), "")


def above(told: tuple[Told, ...], original: str, words: Wording, *, with_summaries: bool) -> str:
    """HTML that stands above the entry's text: the original headline, then each summary, with whose it is."""
    parts = []
    for one in told:
        if one.title and original:
            parts.append(f"<p><em>{_text(words.headline_by.format(one.hook))}</em> {_text(original)}</p>")
        if one.summary and with_summaries:
            lang = f' lang="{one.language}"' if one.language else ""
            first, *rest = map(_text, one.summary)
            marked = f"<p{lang}><em>{_text(words.summary_by.format(one.hook))}</em> {first}</p>"
            parts.append(marked + "".join(f"<p{lang}>{line}</p>" for line in rest))
    return "".join(parts)


def plain_summary(told: tuple[Told, ...], words: Wording) -> str:
    """The first summary on one line, with whose it is; empty if there is none."""
    return next((f"{words.summary_by.format(one.hook)} {' '.join(one.summary)}" for one in told if one.summary), "")


def _text(value: str) -> str:
    return html.escape(value, quote=False)

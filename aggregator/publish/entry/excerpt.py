"""The short form of an entry, which the default `content: summary` publishes."""

from __future__ import annotations

import html
import re

from aggregator.model import Entry
from aggregator.text.chars import one_line, shorten
from aggregator.text.debris import without_debris
from aggregator.text.html import text_of
from aggregator.text.words import tokens

LONGEST_SUMMARY = 1_000
"""Characters of text. An outlet's own summary up to this length is used whole, with its markup."""
EXCERPT = 500
"""Characters taken from a longer text: about the length of the summaries that outlets write."""
LONG_WORD, FEW_WORDS = 4, 6
"""Letters of a word that says something, and how many such words a summary must have to be compared with the content."""
SUMMARY_TOLD = 0.15
"""Share of a summary's words that its content must contain. Chosen, not measured; below it an excerpt of the content is shown."""
LONGEST_READ = 20_000
"""Characters of the content in which they are looked for."""

_MEDIA = re.compile(r"<(?:img|video|audio|picture)\b", re.I)
_PARAGRAPH = re.compile(r"\s*<p(?:\s[^>]*)?>.*?</p>", re.S)
"""A paragraph at the top: cleaned HTML is balanced, and a paragraph can't hold another."""
_SENTENCE_END = re.compile(r"[.!?…。！？]['\"”’»)]*\s")


def is_bare(markup: str) -> bool:
    """Whether cleaned HTML shows nothing: neither text nor picture, sound or film."""
    return not _MEDIA.search(markup) and not text_of(markup)


def excerpt(text: str, limit: int = EXCERPT) -> str:
    """The beginning of a one-line text: whole sentences if they fill at least half of `limit` characters, else whole words."""
    if len(text) <= limit:
        return text
    ends = [found.end() for found in _SENTENCE_END.finditer(text, limit // 2, limit)]
    return text[: ends[-1]].rstrip() if ends else shorten(text, limit)


def summary_text(entry: Entry) -> str:
    """The summary as plain text; empty if the outlet gave only a title."""
    if not (entry.summary or entry.content):
        return excerpt(one_line(entry.text))
    return excerpt(text_of(_tidy(_summary(entry), entry)) or text_of(_tidy(entry.content, entry)))


def _tidy(markup: str, entry: Entry) -> str:
    return without_debris(markup, entry.title, (entry.url, entry.comments)) if markup else ""


def _summary(entry: Entry) -> str:
    """The outlet's summary; empty if it tells nothing of the content, by which the entry was grouped and found."""
    if not (entry.summary and entry.content and entry.text):
        return entry.summary
    words = {word for word in tokens(text_of(entry.summary)[:LONGEST_SUMMARY]) if len(word) >= LONG_WORD}
    if len(words) < FEW_WORDS:
        return entry.summary
    told = words.intersection(tokens(entry.text[:LONGEST_READ]))
    return entry.summary if len(told) >= SUMMARY_TOLD * len(words) else ""


def summary_html(entry: Entry) -> str:
    """The summary as HTML: the outlet's summary, or else its content, whole if it is short.

    From a longer text the first paragraphs are taken, or the beginning if these do not fit.
    """
    markup = _tidy(_summary(entry), entry)
    if is_bare(markup):
        markup = _tidy(entry.content, entry)
    if markup and len(markup) <= 4 * LONGEST_SUMMARY and len(text_of(markup)) <= LONGEST_SUMMARY:
        return markup
    if first := _first_paragraphs(markup):
        return first
    text = summary_text(entry)
    return f"<p>{html.escape(text, quote=False)}</p>" if text else ""


def _first_paragraphs(markup: str) -> str:
    """The leading paragraphs of cleaned HTML that fit an excerpt; empty if the first is too long or is no paragraph."""
    taken, length = [], 0
    position = 0
    while found := _PARAGRAPH.match(markup, position):
        length += len(text_of(found[0]))
        if length > EXCERPT:
            break
        taken.append(found[0].strip())
        position = found.end()
    return "".join(taken) if length else ""

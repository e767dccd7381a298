"""Reads a hook's answer, as untrusted as a feed: bounded, cleaned, without markup. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from aggregator.model import Enrichment
from aggregator.settings import SUMMARY, TAGS, TITLE, Hook
from aggregator.text.chars import one_line, scrub, shorten
from aggregator.text.html import BREAKING, has_markup, plain_text, without_raw_text
from aggregator.text.words import fold

MAX_ANSWER = 64 * 1024
"""Bytes of an answer. `fetch.messenger` reads no more of one by HTTP."""
MAX_TITLE = 300
MAX_SUMMARY = 2_000
"""Characters; longer texts are cut."""
MAX_TAGS = 12
MAX_TAG = 60
"""Tags of a story, and characters of a tag. More are left out."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
_TAG = re.compile(r"\w[\w.\-/ ]*")


class BadAnswerError(ValueError):
    """An answer that can't be used; the message says why, in one line."""


def read_answer(hook: Hook, body: bytes, headline: str) -> Enrichment:
    """What the hook told. headline: of the story that it was asked about. Raises BadAnswerError."""
    if len(body) >= MAX_ANSWER:
        raise BadAnswerError(f"its answer is longer than {MAX_ANSWER // 1024} KiB")
    try:
        found = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadAnswerError("its answer is not JSON" if body.strip() else "it answered nothing") from None
    if not isinstance(found, dict):
        raise BadAnswerError("its answer is JSON, but no object")
    title = _text(found, "title") if TITLE in hook.fields else ""
    summary = _text(found, "summary") if SUMMARY in hook.fields else ""
    language = _text(found, "language").strip()
    if language and not _LANGUAGE.fullmatch(language):
        raise BadAnswerError("`language` is no language tag")
    return Enrichment(
        hook.name,
        title=_title(title),
        summary=_summary(summary),
        tags=_tags(hook, found.get("tags")) if TAGS in hook.fields else (),
        language=language or None,
        of=headline,
    )


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadAnswerError(f"`{key}` must be text")
    return value


def _title(value: str) -> str:
    return shorten(_plain(value), MAX_TITLE)


def _summary(value: str) -> str:
    """Plain text, a line for each paragraph."""
    if has_markup(value):
        parts = [plain_text(part) for part in BREAKING.sub("\0", without_raw_text(value)).split("\0")]
    else:
        parts = [one_line(part) for part in re.split(r"\n\s*\n", scrub(value))]
    return shorten("\n".join(part for part in parts if part), MAX_SUMMARY)


def _plain(value: str) -> str:
    """Text on one line, without markup."""
    return plain_text(value) if has_markup(value) else one_line(value)


def _tags(hook: Hook, value: object) -> tuple[str, ...]:
    """Tags, each once; those that the hook may give, as the config spells them."""
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise BadAnswerError("`tags` must be a list of texts")
    allowed = {fold(tag): tag for tag in hook.tags}
    tags: dict[str, str] = {}
    for one in value:
        name = _plain(one)
        if len(name) <= MAX_TAG and _TAG.fullmatch(name) and (not allowed or fold(name) in allowed):
            tags.setdefault(fold(name), allowed.get(fold(name), name))
    return tuple(tags.values())[:MAX_TAGS]

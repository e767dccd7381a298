"""When a hook is asked about a story, and asked again. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from aggregator.model import Enrichment, Fault, Instant
from aggregator.ports import Asking
from aggregator.settings import Hook

WAITS = (60.0, 300.0, 1_800.0, 7_200.0)
"""Seconds until a hook that failed is asked again, longer each time; then it is given up for what the story tells now."""
ATTEMPTS = len(WAITS) + 1
AGAIN = 600.0
"""Seconds between two questions about one story, if that tells something else meanwhile: a story that is corrected every minute
must not keep a model busy."""
CRASHED = 5.0
"""Seconds beyond a hook's timeout after which a question without an answer is taken for lost: the daemon was killed. A question
that is under way is not asked twice, however long it takes to store the answer."""


def note_change(known: Asking | None, wanted: Asking, settle: float, now: Instant) -> Asking | None:
    """What to store when a hook is to know what a story tells now; None if nothing has changed. wanted: with the story's input.

    A question that waits already is not put off: it will be about the story as it is then.
    """
    if known is None:
        return replace(wanted, due=now + settle)
    if known.input == wanted.input:
        return None
    if known.due is not None and known.attempts == 0:
        return replace(known, input=wanted.input)
    due = max(now + settle, known.asked + AGAIN) if known.asked else now + settle
    return replace(known, input=wanted.input, due=due, attempts=0, error=None)


def begin(known: Asking, hook: Hook, now: Instant) -> Asking | None:
    """What to store before the hook is asked, so that a crash doesn't ask for ever; None if it was asked often enough."""
    if known.attempts >= ATTEMPTS:
        return None
    return replace(known, attempts=known.attempts + 1, asked=now, due=now + hook.timeout + CRASHED)


def give_up(known: Asking, why: str | None) -> Asking:
    """What to store if the hook is not to be asked about what the story tells now."""
    return replace(known, due=None, error=why if why is not None else known.error)


def conclude(known: Asking, asked: Asking, answer: Enrichment | Fault, *, private: bool, now: Instant) -> Asking:
    """What to store once the hook has answered. known: as stored now; asked: as it was when the hook was asked.

    If the story tells something else meanwhile, what was stored for that stays.
    """
    is_current = known.input == asked.input
    if isinstance(answer, Enrichment):
        due = None if is_current else known.due
        return replace(known, due=due, answered=asked.input, result=answer, private=private, error=None)
    if not is_current:
        return replace(known, error=answer.detail)
    if known.attempts > len(WAITS):
        return give_up(known, answer.detail)
    return replace(known, due=now + WAITS[known.attempts - 1], error=answer.detail)

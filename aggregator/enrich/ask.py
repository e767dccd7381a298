"""Asks a hook about one story: its program, or its address."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aggregator.enrich.answer import BadAnswerError, read_answer
from aggregator.enrich.command import run_command
from aggregator.model import Enrichment, Fault, FaultKind
from aggregator.ports import Message, Messenger
from aggregator.settings import Hook


async def ask(
    hook: Hook, body: bytes, headline: str, messenger: Messenger, environ: Mapping[str, str], folder: Path
) -> Enrichment | Fault:
    """What the hook tells of the story in `body`, or why it tells nothing. folder: where a program runs."""
    answer = await run_command(hook, body, environ, folder) if hook.command else await _post(hook, body, messenger)
    if isinstance(answer, Fault):
        return answer
    try:
        return read_answer(hook, answer, headline)
    except BadAnswerError as error:
        return Fault(FaultKind.PARSE, str(error))


async def _post(hook: Hook, body: bytes, messenger: Messenger) -> bytes | Fault:
    """The answer to a POST. Addresses are guarded as those of webhooks are: what is not public must be in `network.allow`."""
    assert hook.url is not None
    headers = [("Content-Type", "application/json; charset=utf-8"), ("Accept", "application/json")]
    if hook.token is not None:
        headers.append(("Authorization", f"Bearer {hook.token}"))
    reply = await messenger.send(Message("POST", hook.url, tuple(headers), body, hook.timeout))
    if isinstance(reply, Fault):
        return reply
    if not 200 <= reply.status < 300:
        return Fault(FaultKind.STATUS, f"it answered with status {reply.status}")
    return reply.body

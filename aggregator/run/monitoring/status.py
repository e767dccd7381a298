"""How each source is doing, and the daemon: what `aggregator status` prints and the status page shows."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from aggregator.model import Instant, Source, SourceState
from aggregator.ports import EVENTS, HookState, StoreView
from aggregator.publish.pages.status_page import FeedRow, SourceRow
from aggregator.run.monitoring.disks import disk_conditions, why_unwritable
from aggregator.run.monitoring.health import daemon_conditions
from aggregator.settings import Settings
from aggregator.text.masks import mask_text, mask_url
from aggregator.text.times import format_duration, rfc3339


def unpolled(source: Source) -> SourceState:
    """The state of a source that no poll or daemon has met yet: it is in the config alone."""
    return SourceState(source.id, source.url)


def as_mapping(source: Source, state: SourceState, secrets: Collection[str]) -> dict[str, Any]:
    """A source's state as `status --json` prints it. Passwords and filled-in secrets in addresses are masked."""
    return {
        "id": source.id,
        "url": source.shown if state.url == source.url else mask_text(mask_url(state.url), secrets),
        "state": condition(source, state),
        "last_status": state.last_status,
        "last_error": mask_text(state.last_error, secrets) if state.last_error else state.last_error,
        "next_poll": None if state.gone or not source.enabled or not state.due else rfc3339(max(state.due, state.not_before)),
        "entries": state.entries,
        "title": source.title or state.title,
        "group": source.group,
        "format": state.format,
        "reason": state.reason,
        "last_poll": rfc3339(state.last_poll),
        "last_success": rfc3339(state.last_success),
        "last_new": rfc3339(state.last_new),
        "failures": state.failures,
        "moved_to": state.moved_to and mask_text(mask_url(state.moved_to), secrets),
        "configured_url": source.shown,
        "dropped": {key: count for key, count in state.counters.items() if count},
        "notes": list(state.notes),
    }


def condition(source: Source, state: SourceState) -> str:
    """Returns one word: disabled, gone, fault, new (never polled) or ok."""
    if not source.enabled:
        return "disabled"
    if state.gone:
        return "gone"
    if state.last_error:
        return "fault"
    return "new" if state.last_poll is None else "ok"


def source_rows(settings: Settings, store: StoreView, sources: Collection[Source], now: Instant) -> list[SourceRow]:
    """The state of these sources, a line for each, with secrets masked."""
    states = store.states()
    return [_source_row(source, states.get(source.id) or unpolled(source), settings, now) for source in sources]


def _source_row(source: Source, state: SourceState, settings: Settings, now: Instant) -> SourceRow:
    ahead = "never" if state.gone or not source.enabled else _format_wait(max(state.due, state.not_before) - now)
    return SourceRow(
        id=source.id,
        state=condition(source, state),
        entries=state.entries,
        last=f"{format_duration(now - state.last_poll)} ago" if state.last_poll else "never",
        next=ahead,
        why=mask_text(state.last_error or state.reason, settings.secrets),
        details=as_mapping(source, state, settings.secrets),
    )


def feed_rows(settings: Settings, store: StoreView) -> list[FeedRow]:
    """All published feeds, private ones included. Tokens and addresses of webhooks are left out."""
    states = store.outputs()
    return [
        FeedRow(
            slug=output.slug,
            title=output.title,
            is_private=output.token is not None,
            stories=len(store.shown(output.slug)),
            changed=state.changed if (state := states.get(output.slug)) else None,
            filling=state is not None and state.filling,
            webhook=output.webhook is not None,
            channels=", ".join(one.service for one in output.notify),
        )
        for output in settings.outputs
    ]


def hook_lines(settings: Settings, store: StoreView, *, failing: bool = False) -> list[str]:
    """How each hook (`enrich:`) is doing, a line for each. failing: those alone whose last answer could not be used."""
    states = store.hook_states() if settings.enrich else {}
    found = [(name, states.get(name, HookState())) for name in settings.enrich]
    return [mask_text(_hook_line(name, state), settings.secrets) for name, state in found if state.failing or not failing]


def _hook_line(name: str, state: HookState) -> str:
    line = f"hook {name}: {state.told:,} {'story' if state.told == 1 else 'stories'} told, {state.waiting:,} waiting"
    given_up = f", {state.failed:,} given up" if state.failed else ""
    return line + given_up + (f"; its last answer could not be used: {state.error}" if state.failing else "")


def daemon_problems(settings: Settings, store: StoreView, *, probe: bool = True) -> list[str]:
    """Lists what is wrong with the daemon itself: what it has stored (a refused edit, no readable source, a channel that fails),
    and the disks as they are now: on a full one it can't store anything. probe: also try to write there (`disks.find_places`)."""
    found = {one.key: (one.title, one.detail) for one in store.events(EVENTS) if one.closed is None}
    found = {key: told for key, told in found.items() if key.endswith(" daemon") or key.startswith(("channel ", "lost "))}
    disks = list(disk_conditions(settings, probe=probe))
    if any(one.kind in ("disk", "readonly") for one in disks):
        found.pop("space daemon", None)
    why = why_unwritable(settings.storage.folder, probe=probe)
    found |= {one.key: (one.title, one.detail) for one in (*daemon_conditions({"database": why}), *disks)}
    return [mask_text(f"{title}: {detail}", settings.secrets) for title, detail in found.values()]


def _format_wait(seconds: float) -> str:
    return f"in {format_duration(seconds)}" if seconds > 0 else "due"

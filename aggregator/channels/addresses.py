"""Checks the addresses of channels: whether Apprise, or we ourselves, can send to them. Nothing is sent for that."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence

from aggregator.channels import mastodon
from aggregator.channels.senders import MISSING, WORKER, has_apprise, worker_environment
from aggregator.channels.worker import NOT_KNOWN
from aggregator.errors import ConfigError, Problem
from aggregator.settings import Settings, configured_channels

SECONDS = 30.0
"""For Apprise to load and read all addresses."""


def check_channels(settings: Settings) -> None:
    """Raises ConfigError with each channel that can't be sent to, at its place, or with what to install."""
    urls = list(dict.fromkeys(channel.url for _, channel in configured_channels(settings)))
    ids = {channel.url: channel.id for _, channel in configured_channels(settings)}
    found = [(settings.channel_places.get(ids[url], (1, 1)), why) for url, why in _find_problems(urls)]
    if found:
        raise ConfigError(
            [Problem(str(settings.file), line, column, f"notify: {why}") for (line, column), why in sorted(found)],
            settings.includes,
        )


def _find_problems(urls: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Address and what is wrong with it. The words hold no part of it."""
    ours = [url for url in urls if mastodon.is_address(url)]
    for url in ours:
        if isinstance(account := mastodon.read_address(url), str):
            yield url, account
    others = [url for url in urls if url not in ours]
    if others and not has_apprise():
        yield others[0], MISSING
    elif others:
        yield from ((url, f"{NOT_KNOWN}; {_hint(url)}") for url in _unknown(others))


def _hint(url: str) -> str:
    if url.lower().startswith(("mailto:", "mailtos:")):
        return "write for example `mailto://192.168.0.2:25?to=you@example.org&from=news@example.org`"
    return "compare it with Apprise's own page of that service"


def _unknown(urls: Sequence[str]) -> list[str]:
    """Those that Apprise does not know, by the process that knows Apprise."""
    question = json.dumps({"urls": urls}).encode() + b"\n"
    try:
        done = subprocess.run(WORKER, input=question, capture_output=True, check=False, timeout=SECONDS, env=worker_environment())
        known = json.loads(done.stdout)["known"]
    except subprocess.TimeoutExpired:  # a machine under load: the first message will tell
        return []
    except (ValueError, KeyError):
        return list(urls)
    return [url for url, is_known in zip(urls, known, strict=True) if not is_known]

"""How a channel is doing, as it is stored: what was sent lately, what may have been told, and why it fails."""

from __future__ import annotations

import json

from msgspec import Struct
from msgspec.structs import asdict

from aggregator.model import Instant

STATE = "channel."
"""Prefix of the keys of stored `ChannelState`s."""


class ChannelState(Struct, frozen=True):
    """A channel's past. sent: when messages were sent, as far as the limit needs it.

    under_way: subjects of the message that is being sent, or of which nobody knows whether it arrived; tries: how often that was
    so. failures: in a row; since: the first of them; retry: no message before; error: why the last one failed; lost: how many
    deliveries were given up since it fails.
    """

    sent: tuple[Instant, ...] = ()
    under_way: tuple[str, ...] = ()
    tries: int = 0
    failures: int = 0
    since: Instant | None = None
    retry: Instant = 0.0
    error: str = ""
    lost: int = 0

    @classmethod
    def read(cls, stored: str | None) -> ChannelState:
        if stored is None:
            return cls()
        found = json.loads(stored)
        return cls(**found | {"sent": tuple(found["sent"]), "under_way": tuple(found["under_way"])})

    def __str__(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)


def state_key(place: str, id: str) -> str:
    """The key of a channel's state. place: the slug of its output, "" for alerts; id: see `Channel.id`."""
    return f"{STATE}{place}#{id}"

"""Asks sources again that we refused for their address, once `network.allow` is another one."""

from __future__ import annotations

import json

from aggregator.model import Instant
from aggregator.ports import Store
from aggregator.settings import Settings

KEY = "network.allow"
"""Key of the stored value: the ranges that were allowed when the config was adopted last."""


def follow(store: Store, settings: Settings, now: Instant) -> None:
    """Makes refused sources due, if other ranges are allowed than before. Without an edit their pauses stay.

    A source may be another's server that redirects into a private network: it is not to be asked at each start.
    """
    allowed = json.dumps(settings.network.allow)
    if store.value(KEY) == allowed:
        return
    with store.begin() as transaction:
        transaction.set_value(KEY, allowed)
        transaction.ask_refused(now)

"""Forgets channels that the config has no longer: what still waits for them, and how they did."""

from __future__ import annotations

from aggregator.ports import CHANNEL, CHANNEL_ALERT, Store
from aggregator.publish.messages.channel_states import STATE, state_key
from aggregator.publish.messages.notifications import NOTIFIED
from aggregator.settings import Settings, configured_channels


def follow(store: Store, settings: Settings) -> None:
    """Removes deliveries and states of channels that are gone. One that comes back begins anew."""
    configured = {(CHANNEL if place else CHANNEL_ALERT, place, channel.id) for place, channel in configured_channels(settings)}
    gone = [one for one in store.channels_told() if one not in configured]
    known = {state_key(place, id) for _, place, id in configured}
    states = [key for key in store.values(STATE) if key not in known]
    plain = {NOTIFIED + output.slug for output in settings.outputs if any(one.when is None for one in output.notify)}
    states += [key for key in store.values(NOTIFIED) if key not in plain]
    if not gone and not states:
        return
    with store.begin() as transaction:
        for kind, topic, target in gone:
            transaction.remove_channel_deliveries(kind, topic, target)
        for key in states:
            transaction.set_value(key, None)

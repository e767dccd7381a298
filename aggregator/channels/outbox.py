"""Tells channels what waits for them: one message at a time to each, and none waits for another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from msgspec import Struct

from aggregator.channels import decide
from aggregator.model import Instant
from aggregator.ports import (
    CHANNEL,
    CHANNEL_ALERT,
    SENT,
    ChannelSender,
    Delivery,
    Sent,
    Store,
    Transaction,
)
from aggregator.publish.messages.channel_messages import ChannelComposer, Told
from aggregator.publish.messages.channel_states import ChannelState, state_key
from aggregator.settings import Channel, Settings, configured_channels

log = structlog.get_logger("channels")

ALERTS = "alerts"
"""What the log calls the place of channels that are told alerts."""
AT_ONCE = 4
"""Messages in flight: each has a process of its own for a second."""
LAST_WAIT = 3.0
"""Seconds that messages in flight get when the daemon is told to end: most need one."""
AT_A_TIME = 500
"""Deliveries to one channel that are looked at, and told by one message at most."""


class Parts(Struct, frozen=True):
    """What the config in use makes."""

    settings: Settings
    composer: ChannelComposer
    sender: ChannelSender


class ChannelOutbox:
    """parts: returns those in use; commit: runs a write in the writer's thread; record: called with service and outcome."""

    def __init__(
        self,
        store: Store,
        commit: Callable[[Callable[[Transaction], None]], Awaitable[None]],
        parts: Callable[[], Parts],
        now: Callable[[], Instant],
        record: Callable[[str, str], None] = lambda service, outcome: None,
    ) -> None:
        self._store = store
        self._commit = commit
        self._parts = parts
        self._now = now
        self._record = record
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def send_due(self) -> None:
        """Starts the messages that may be sent now; does not wait for them. To be called every few seconds."""
        parts = self._parts()
        for place, channel in configured_channels(parts.settings):
            key = state_key(place, channel.id)
            if key in self._under_way or len(self._under_way) >= AT_ONCE:
                continue
            if waiting := self._waiting(place, channel):
                await self._start(parts, place, channel, waiting)

    def _waiting(self, place: str, channel: Channel) -> list[Delivery]:
        return self._store.channel_deliveries(CHANNEL if place else CHANNEL_ALERT, place, channel.id, AT_A_TIME)

    async def _start(self, parts: Parts, place: str, channel: Channel, waiting: list[Delivery]) -> None:
        """Starts a message to a channel, if the limit and earlier failures allow it."""
        key, now = state_key(place, channel.id), self._now()
        stored = ChannelState.read(self._store.value(key))
        state = decide.correct(stored, now)
        step = decide.choose(state, waiting, channel.limit, now)
        if step.drop or step.state != stored:
            await self._save(key, step.state, step.drop)
        if step.drop:
            log.warning("channel_gave_up", place=place or ALERTS, service=channel.service, count=len(step.drop))
        if step.tell:
            task = asyncio.create_task(self._tell(parts, place, channel, step))
            self._under_way[key] = task
            task.add_done_callback(partial(self._ended, key, place))

    def _ended(self, key: str, place: str, done: asyncio.Task[None]) -> None:
        del self._under_way[key]
        if not done.cancelled() and (error := done.exception()) is not None:
            # A bug, or the store can't be written: the deliveries stay in the outbox.
            log.error("channel_crashed", place=place or ALERTS, error=repr(error), exc_info=error)

    async def _tell(self, parts: Parts, place: str, channel: Channel, step: decide.Step) -> None:
        key = state_key(place, channel.id)
        told = await asyncio.to_thread(parts.composer.compose, place, channel, step.tell)
        kept = told.deliveries if told is not None else ()
        useless = tuple(one for one in step.tell if one not in kept)
        if told is None:
            await self._save(key, step.state, useless)
            return
        state = decide.begin(step.state, kept, channel.limit, self._now())
        sent = await parts.sender.send(channel.url, told.notice, lambda: self._save(key, state, useless))
        await self._conclude(place, channel, told, state, sent)

    async def _conclude(self, place: str, channel: Channel, told: Told, state: ChannelState, sent: Sent) -> None:
        key = state_key(place, channel.id)
        after = decide.end(state, sent, self._now())
        await self._save(key, after, told.deliveries if sent.outcome == SENT else ())
        self._record(channel.service, sent.outcome)
        fields = {"place": place or ALERTS, "service": channel.service, "told": len(told.deliveries)}
        if sent.outcome == SENT:
            log.info("channel", outcome="sent", **fields)
        else:
            log.warning("channel", outcome=sent.why, **fields)

    async def _save(self, key: str, state: ChannelState, over: tuple[Delivery, ...]) -> None:
        """Stores a channel's state, and removes the deliveries that are over."""

        def write(transaction: Transaction) -> None:
            transaction.set_value(key, str(state))
            for delivery in over:
                transaction.remove_delivery(delivery)

        await self._commit(write)

    async def drain(self) -> None:
        """Waits for messages in flight, and cancels what takes too long: it is sent once more after the next start."""
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WAIT)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

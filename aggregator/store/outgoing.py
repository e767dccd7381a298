"""What goes out, in the database: the hub's subscriptions, deliveries still to be sent, and events for the operator."""

from __future__ import annotations

from aggregator.model import Instant, StoryId, ThreadId
from aggregator.ports import CHANNEL, CHANNEL_ALERT, Delivery, Event, Reached, Subscription
from aggregator.store.connection import Connection

_SUBSCRIPTIONS = "SELECT topic, callback, secret, lease_until, created, domain FROM subscriptions"
ALL_SUBSCRIPTIONS = f"{_SUBSCRIPTIONS} ORDER BY topic, callback"
TOPIC_SUBSCRIPTIONS = f"{_SUBSCRIPTIONS} WHERE topic = ? ORDER BY callback"
SUBSCRIPTION = f"{_SUBSCRIPTIONS} WHERE topic = ? AND callback = ?"
COUNT_SUBSCRIPTIONS = """SELECT (SELECT count(*) FROM subscriptions WHERE topic = ?),
    (SELECT count(*) FROM subscriptions WHERE domain = ?)"""
_SAVE_SUBSCRIPTION = """INSERT OR REPLACE INTO subscriptions (topic, callback, secret, lease_until, created, domain)
    VALUES (?, ?, ?, ?, ?, ?)"""
REMOVE_SUBSCRIPTION = "DELETE FROM subscriptions WHERE topic = ? AND callback = ?"
END_LEASES = "DELETE FROM subscriptions WHERE lease_until <= ?"
_DELIVERY = "kind, topic, target, subject, version, created, due, attempts, last_error"
DELIVERIES = f"""SELECT {_DELIVERY} FROM deliveries WHERE due <= ? AND kind NOT IN ('{CHANNEL}', '{CHANNEL_ALERT}')
    ORDER BY due, created, topic, target LIMIT ?"""
_TO_CHANNEL = "kind = ? AND topic = ? AND target = ?"
CHANNEL_DELIVERIES = f"SELECT {_DELIVERY} FROM deliveries WHERE {_TO_CHANNEL} ORDER BY created, subject LIMIT ?"
CHANNELS_TOLD = f"""SELECT DISTINCT kind, topic, target FROM deliveries WHERE kind IN ('{CHANNEL}', '{CHANNEL_ALERT}')
    ORDER BY kind, topic, target"""
REMOVE_CHANNEL_DELIVERIES = f"DELETE FROM deliveries WHERE {_TO_CHANNEL}"
_SAVE_DELIVERY = f"INSERT OR REPLACE INTO deliveries ({_DELIVERY}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
REMOVE_DELIVERY = "DELETE FROM deliveries WHERE kind = ? AND topic = ? AND target = ? AND subject = ? AND version = ?"
_EVENT = "key, kind, title, detail, opened, closed"
EVENTS = f"SELECT {_EVENT} FROM events ORDER BY opened DESC, key LIMIT ?"
_SAVE_EVENT = f"INSERT OR REPLACE INTO events ({_EVENT}) VALUES (?, ?, ?, ?, ?, ?)"


REACHED = "SELECT number, story FROM reached WHERE slug = ? AND number > ? ORDER BY number"
ADD_REACHED = "INSERT INTO reached (slug, subject, story, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
REACHED_ALREADY = "UPDATE OR IGNORE reached SET subject = ? WHERE subject = ?"


def reached(connection: Connection, threshold: str, after: int) -> list[Reached]:
    """See `Subscribers.reached`."""
    return [Reached(*row) for row in connection.execute(REACHED, (threshold, after))]


def add_reached(connection: Connection, threshold: str, subject: StoryId | ThreadId, story: StoryId, now: Instant) -> bool:
    """See `SubscriberWrites.add_reached`."""
    return connection.execute(ADD_REACHED, (threshold, subject, story, now)).rowcount > 0


def merge_reached(connection: Connection, kept: StoryId | ThreadId, alias: StoryId | ThreadId) -> None:
    """Has a story or thread take over what one that was merged into it has reached."""
    connection.execute(REACHED_ALREADY, (kept, alias))


def subscriptions(connection: Connection, topic: str | None) -> list[Subscription]:
    """The subscriptions to a topic, or all, by topic and callback."""
    rows = connection.execute(ALL_SUBSCRIPTIONS) if topic is None else connection.execute(TOPIC_SUBSCRIPTIONS, (topic,))
    return [Subscription(*row) for row in rows]


def subscription(connection: Connection, topic: str, callback: str) -> Subscription | None:
    """The subscription of a callback to a topic, or None."""
    row = connection.execute(SUBSCRIPTION, (topic, callback)).fetchone()
    return Subscription(*row) if row else None


def count_subscriptions(connection: Connection, topic: str, domain: str) -> tuple[int, int]:
    """Counts (subscriptions to the topic, subscriptions of the domain to any topic)."""
    of_topic, of_domain = connection.execute(COUNT_SUBSCRIPTIONS, (topic, domain)).fetchone()
    return of_topic, of_domain


def save_subscription(connection: Connection, one: Subscription) -> None:
    """Stores a subscription; a renewal replaces the one of the same topic and callback."""
    row = (one.topic, one.callback, one.secret, one.lease_until, one.created, one.domain)
    connection.execute(_SAVE_SUBSCRIPTION, row)


def remove_subscription(connection: Connection, topic: str, callback: str) -> None:
    """Removes the subscription, if it is there."""
    connection.execute(REMOVE_SUBSCRIPTION, (topic, callback))


def end_leases(connection: Connection, now: Instant) -> None:
    """Removes subscriptions whose lease has ended."""
    connection.execute(END_LEASES, (now,))


def deliveries(connection: Connection, now: Instant, limit: int) -> list[Delivery]:
    """Deliveries that are due, longest due first."""
    return [Delivery(*row) for row in connection.execute(DELIVERIES, (now, limit))]


def channel_deliveries(connection: Connection, kind: str, topic: str, target: str, limit: int) -> list[Delivery]:
    """See `Subscribers.channel_deliveries`."""
    return [Delivery(*row) for row in connection.execute(CHANNEL_DELIVERIES, (kind, topic, target, limit))]


def channels_told(connection: Connection) -> list[tuple[str, str, str]]:
    """See `Subscribers.channels_told`."""
    return [(kind, topic, target) for kind, topic, target in connection.execute(CHANNELS_TOLD)]


def remove_channel_deliveries(connection: Connection, kind: str, topic: str, target: str) -> None:
    """Removes all deliveries of this kind to a channel."""
    connection.execute(REMOVE_CHANNEL_DELIVERIES, (kind, topic, target))


def save_delivery(connection: Connection, one: Delivery) -> None:
    """Stores a delivery; a newer one replaces the one of the same key."""
    key = (one.kind, one.topic, one.target, one.subject)
    connection.execute(_SAVE_DELIVERY, (*key, one.version, one.created, one.due, one.attempts, one.last_error))


def remove_delivery(connection: Connection, one: Delivery) -> None:
    """Removes a delivery, unless the stored one has another version."""
    connection.execute(REMOVE_DELIVERY, (one.kind, one.topic, one.target, one.subject, one.version))


def events(connection: Connection, limit: int) -> list[Event]:
    """Events, newest first."""
    return [Event(*row) for row in connection.execute(EVENTS, (limit,))]


def save_event(connection: Connection, one: Event) -> None:
    """Stores an event, by key and opening time."""
    connection.execute(_SAVE_EVENT, (one.key, one.kind, one.title, one.detail, one.opened, one.closed))

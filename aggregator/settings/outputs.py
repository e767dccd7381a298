"""Published feeds, and the channels where people are told of stories."""

from __future__ import annotations

from hashlib import sha256

from msgspec import Struct

from aggregator.model import Slug
from aggregator.text.masks import repr_without
from aggregator.text.times import DAY

WEIGHT, OUTLETS = "weight", "outlets"
"""Orders of a feed: by the outlets of a story's thread in the last day (`selection/weight.py`), and by the story's own."""


class Rate(Struct, frozen=True):
    """At most so many in any span of so many seconds."""

    count: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.count}/{ {60.0: 'm', 3600.0: 'h', DAY: 'd'}.get(self.seconds, f'{self.seconds:g}s') }"


class Channel(Struct, frozen=True):
    """Where people are told of stories or alerts. url: an Apprise address, secret as a whole.

    when: the query of what is told; template: the message, None for the usual one; limit: most messages.
    """

    url: str
    when: str | None = None
    template: str | None = None
    limit: Rate = Rate(20, 3600.0)

    @property
    def id(self) -> str:
        """Stands for the address wherever that is not used to send. Another address is another channel."""
        return sha256(self.url.encode()).hexdigest()[:16]

    @property
    def service(self) -> str:
        """The scheme of its address, which is all that may be shown of it."""
        return self.url.partition("://")[0].lower()

    def __repr__(self) -> str:
        return f"Channel({self.id!r}, {self.service!r}, {self.when!r}, {self.template!r}, {self.limit})"


class Output(Struct, frozen=True):
    """A published feed. Each topic has one with its slug, and `all` always exists; `outputs:` adds more or changes these.

    when: the query of stories that the webhook is told of, once each, or once a thread; None: of all, at each change.
    notify: channels that are told of each story once.
    query: None for all stories; token: makes it private; digest: a cron line; rejected: it shows what keep/drop removed.
    formerly: earlier slugs, oldest first: their addresses redirect here, and the feed's id is that of the oldest.
    per_thread, per_outlet: most entries of one thread, and of one outlet's leads; None for any number.
    """

    slug: Slug
    title: str
    query: str | None = None
    description: str | None = None
    items: int = 50
    content: str = "summary"
    sort: str = "published"
    per_thread: int | None = None
    per_outlet: int | None = None
    language: str | None = None
    token: str | None = None
    digest: str | None = None
    webhook: str | None = None
    webhook_secret: str | None = None
    when: str | None = None
    notify: tuple[Channel, ...] = ()
    rejected: bool = False
    topic: Slug | None = None
    formerly: tuple[Slug, ...] = ()

    @property
    def first_slug(self) -> Slug:
        """The feed's oldest slug, which stands for it whatever it is called now."""
        return self.formerly[0] if self.formerly else self.slug

    @property
    def thresholds(self) -> dict[str, str]:
        """The query of each threshold by its key: the slug for that of the webhook, slug and id for that of a channel."""
        found = {str(self.slug): self.when} if self.when is not None else {}
        return found | {threshold_key(self.slug, one): one.when for one in self.notify if one.when is not None}

    def __repr__(self) -> str:
        return repr_without(self, "token", "webhook", "webhook_secret")

    @property
    def ranked(self) -> bool:
        """Whether its document shows the best of all stories that match, not the last that came. Such a feed has no archive."""
        bounded = self.per_thread is not None or self.per_outlet is not None
        return self.digest is None and not self.rejected and (self.sort in (WEIGHT, OUTLETS) or bounded)


def threshold_key(slug: Slug, channel: Channel) -> str:
    """The key of a channel's threshold. No slug has a `#`."""
    return f"{slug}#{channel.id}"

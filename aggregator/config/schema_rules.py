"""What may be said of rules and published feeds, in `tags`, `topics` and `outputs`."""

from __future__ import annotations

from collections.abc import Sequence

from aggregator import settings as to
from aggregator.config.channels import CHANNEL_URL, LIMIT, LIMIT_SAID, TEMPLATE
from aggregator.config.kinds import SWITCH, ListOf, choice, count, text
from aggregator.config.schema_hooks import ENRICH, HOOKS, Named
from aggregator.config.secrets import TOKEN, URL, Secretive
from aggregator.config.section import CONTENT, Part, Section, key, needed
from aggregator.config.values import CRON, LANGUAGE, QUERY, SLUG, TAG, TEXT
from aggregator.model import Slug

PLAIN = to.Output(Slug(""), "")
"""A feed of which nothing is said."""
PLAIN_CHANNEL = to.Channel("")


class Expected(Section):
    """An entry that a rule is tested with."""

    title: str = needed(TEXT, "Title of the entry.")
    body: str = key(text(), "Its text.", default="")
    source: str | None = key(TEXT, "Id of the source that it comes from.", default=None)
    tags: Sequence[str] = key(ListOf(TAG), "Tags that it has.", default=())


class Expect(Section):
    """Tests of a rule, run by `check` and `plan`."""

    match: Sequence[Expected] = key(ListOf(Part(Expected, "title")), "Titles (or maps) that must match.", default=())
    not_: Sequence[Expected] = key(
        ListOf(Part(Expected, "title")), "Titles (or maps) that must not match.", default=(), name="not"
    )


class TagRule(Section):
    """A tag by rule."""

    query: str = needed(QUERY, "Stories that get the tag.")
    expect: Expect | None = key(Part(Expect), "Tests of the rule.", default=None)


class Topic(Section):
    """A subject that is followed; by default also a published feed."""

    slug: str = needed(SLUG, "Name in addresses: `/feeds/SLUG.atom`.")
    title: str | None = key(TEXT, "Title of its feed. Default: the slug.", default=None)
    query: str = needed(QUERY, "Stories that belong to it.")
    formerly: Sequence[str] = key(ListOf(SLUG), "Slugs that it had before: their addresses lead here.", default=())
    enrich: Named | None = key(HOOKS, ENRICH, default=None)
    expect: Expect | None = key(Part(Expect), "Tests of the rule.", default=None)


class Access(Section):
    """Who may read a feed."""

    token: Secretive = needed(TOKEN, "Readers give it as `?token=` or as Basic password. Such a feed is named nowhere in public.")


class Channel(Section):
    """A channel: where people are told of stories."""

    url: Secretive = needed(CHANNEL_URL, "Apprise address: `ntfys://…`, `slack://…`, `mailtos://…`. Secret as a whole.")
    when: str | None = key(
        QUERY, "Query: the channel is told of a story when it first matches; of a thread once, if it asks for one.", default=None
    )
    template: str | None = key(TEMPLATE, "The message: text with `{title}`, `{link}`, `{outlets}`, …", default=None)
    limit: to.Rate = key(LIMIT, LIMIT_SAID, default=PLAIN_CHANNEL.limit)


class Output(Section):
    """A published feed; with the slug of a topic, another shape of that topic's feed."""

    slug: str = needed(SLUG, "Name in addresses: `/feeds/SLUG.atom`.")
    title: str | None = key(TEXT, "Title of the feed. Default: the topic's, else the slug.", default=None)
    formerly: Sequence[str] = key(ListOf(SLUG), "Slugs that it had before: their addresses lead here.", default=())
    description: str | None = key(TEXT, "One sentence on the feed.", default=None)
    query: str | None = key(QUERY, "Stories in it; `age` may be used. Default: all, or the topic's.", default=None)
    items: int | None = key(count(1, 10_000), "Stories in it. Default: `publish.items`.", default=None)
    content: str | None = key(CONTENT, "`full`, `summary` or `title`. Default: `publish.content`.", default=None)
    sort: str = key(
        choice("newest", "published", "updated", to.OUTLETS, to.WEIGHT),
        "Order of the stories. `newest` and `published` are one.",
        default=PLAIN.sort,
    )
    per_thread: int | None = key(count(1, 10_000), "Most stories of one thread in it.", default=None)
    per_outlet: int | None = key(count(1, 10_000), "Most stories in it whose leads are of one outlet.", default=None)
    language: str | None = key(LANGUAGE, "Language of the feed. Default: `site.language`.", default=None)
    access: Access | None = key(Part(Access), "Makes the feed private.", default=None)
    webhook: Secretive | None = key(URL, "Address that each new or changed story is posted to.", default=None)
    webhook_secret: Secretive | None = key(TOKEN, "Signs what is posted: `X-Hub-Signature: sha256=…`.", default=None)
    when: str | None = key(
        QUERY, "Query: the webhook is told of a story once, when it first matches; of a thread, if it asks for one.", default=None
    )
    notify: Sequence[Channel] = key(
        ListOf(Part(Channel, "url")),
        "Channels (addresses or maps) that are told of each story once.",
        default=(),
    )
    enrich: Named | None = key(HOOKS, ENRICH, default=None)
    digest: str | None = key(CRON, "Cron line: one entry each time, of the top stories of the query.", default=None)
    rejected: bool = key(SWITCH, "The feed of what `keep` and `drop` threw away.", default=PLAIN.rejected)

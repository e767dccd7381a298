"""What may be said of rules and published feeds, in `tags`, `topics` and `outputs`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from aggregator.config.secrets import Token, Url
from aggregator.config.section import Content, Section, wrapped
from aggregator.config.values import (
    CronLine,
    Language,
    Query,
    SlugText,
    TagText,
    Text,
    count,
)


class Expected(Section):
    """An entry that a rule is tested with."""

    title: Text = Field(description="Title of the entry.")
    body: Annotated[str, Field(strict=True)] = Field(default="", description="Its text.")
    source: Text | None = Field(default=None, description="Id of the source that it comes from.")
    tags: list[TagText] = Field(default=[], description="Tags that it has.")


class Expect(Section):
    """Tests of a rule, run by `check` and `plan`."""

    match: list[Annotated[Expected, wrapped("title", Expected)]] = Field(
        default=[], description="Titles (or maps) that must match."
    )
    not_: list[Annotated[Expected, wrapped("title", Expected)]] = Field(
        default=[], alias="not", description="Titles (or maps) that must not match."
    )


class TagRule(Section):
    """A tag by rule."""

    query: Query = Field(description="Stories that get the tag.")
    expect: Expect | None = Field(default=None, description="Tests of the rule.")


class Topic(Section):
    """A subject that is followed; by default also a published feed."""

    slug: SlugText = Field(description="Name in addresses: `/feeds/SLUG.atom`.")
    title: Text | None = Field(default=None, description="Title of its feed. Default: the slug.")
    query: Query = Field(description="Stories that belong to it.")
    formerly: list[SlugText] = Field(default=[], description="Slugs that it had before: their addresses lead here.")
    expect: Expect | None = Field(default=None, description="Tests of the rule.")


class Access(Section):
    """Who may read a feed."""

    token: Token = Field(description="Readers give it as `?token=` or as Basic password. Such a feed is named nowhere in public.")


class Output(Section):
    """A published feed; with the slug of a topic, another shape of that topic's feed."""

    slug: SlugText = Field(description="Name in addresses: `/feeds/SLUG.atom`.")
    title: Text | None = Field(default=None, description="Title of the feed. Default: the topic's, else the slug.")
    formerly: list[SlugText] = Field(default=[], description="Slugs that it had before: their addresses lead here.")
    description: Text | None = Field(default=None, description="One sentence on the feed.")
    query: Query | None = Field(default=None, description="Stories in it; `age` may be used. Default: all, or the topic's.")
    items: Annotated[int, count(1, 10_000)] | None = Field(default=None, description="Stories in it. Default: `publish.items`.")
    content: Content | None = Field(default=None, description="`full`, `summary` or `title`. Default: `publish.content`.")
    sort: Literal["published", "updated"] = Field(default="published", description="Order of the stories.")
    language: Language | None = Field(default=None, description="Language of the feed. Default: `site.language`.")
    access: Access | None = Field(default=None, description="Makes the feed private.")
    webhook: Url | None = Field(default=None, description="Address that each new or changed story is posted to.")
    webhook_secret: Token | None = Field(default=None, description="Signs what is posted: `X-Hub-Signature: sha256=…`.")
    digest: CronLine | None = Field(default=None, description="Cron line: one entry each time, of the top stories of the query.")
    rejected: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="The feed of what `keep` and `drop` threw away."
    )

"""From the checked models to `Settings`: defaults and groups applied, ids made, paths resolved, feeds listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from aggregator import settings as to
from aggregator.config import ids, inactive
from aggregator.config import schema as said
from aggregator.config import schema_rules as rules
from aggregator.config import schema_sources as feeds
from aggregator.config.document import Document, find
from aggregator.config.opml import Subscription
from aggregator.config.secrets import Secretive, Surroundings
from aggregator.config.subscriptions import List, addresses, included, listed
from aggregator.config.tree import Key
from aggregator.config.values import in_words
from aggregator.model import Auto, Cron, Every, Fixed, Slug, Source, SourceId
from aggregator.text.masks import shown

DEFAULT_RANK = 2
ALL = Slug("all")
SHORTEST_SECRET = 5
"""Characters; hiding shorter ones would garble every text."""

T = TypeVar("T")


def build(file: Path, document: Document, config: said.Config, lists: Mapping[int, List], around: Surroundings) -> to.Settings:
    """The settings of a config that has no problems."""
    base = file.parent
    topics = tuple(_topic(document, position, topic) for position, topic in enumerate(config.topics))
    site = _site(config)
    entities = base / config.entities.file if config.entities else None
    if entities is not None:
        around.files.add(entities)
    return to.Settings(
        file=file,
        sources=tuple(_sources(document, config, lists)),
        site=site,
        storage=_storage(config.storage, base),
        server=to.Server(config.server.host, config.server.port),
        publish=_publishing(config.publish, base),
        network=_network(config.network),
        polling=to.Polling(**config.polling.model_dump()),
        hosts={name: to.HostRule(rule.gap) for name, rule in config.hosts.items()},
        tags=tuple(_tag_rule(document, name, rule) for name, rule in config.tags.items()),
        topics=topics,
        outputs=tuple(_outputs(config, topics, site)),
        dedup=to.Dedup(config.dedup.within, config.dedup.at_most, config.dedup.level, tuple(config.dedup.never)),
        tagging=to.Tagging(config.subjects, entities, config.categories.map),
        alerts_webhook=config.alerts.webhook.value if config.alerts else None,
        inactive=tuple(inactive.used(document)),
        notes=tuple(_notes(document, config, lists)),
        lists=addresses(lists),
        includes=tuple(sorted(around.files)),
        secrets=frozenset(secret for secret in _secrets(config, around) if len(secret) >= SHORTEST_SECRET),
    )


# --- sections
def _site(config: said.Config) -> to.Site:
    site, server = config.site, config.server
    host = f"[{server.host}]" if ":" in server.host else server.host
    url = site.url.value.rstrip("/") if site.url else f"http://{host}:{server.port}"
    return to.Site(site.title, url, site.contact, site.language, site.timezone)


def _storage(storage: said.Storage, base: Path) -> to.Storage:
    copies = storage.backup
    backup = to.Backup(copies.every, copies.keep, base / copies.directory) if copies else None
    return to.Storage(str(base / storage.database), storage.keep, backup)


def _publishing(publish: said.Publish, base: Path) -> to.Publishing:
    return to.Publishing(
        directory=base / publish.directory,
        private=base / publish.private,
        items=publish.items,
        content=publish.content,
        settle=publish.settle,
        backfill=publish.backfill,
        websub=publish.websub.value if isinstance(publish.websub, Secretive) else publish.websub,
    )


def _network(network: said.NetworkSection) -> to.Network:
    return to.Network(tuple(network.allow), _value(network.proxy), network.user_agent, network.websub)


def _value(secretive: Secretive | None) -> str | None:
    return secretive.value if secretive else None


# --- sources
def _sources(document: Document, config: said.Config, lists: Mapping[int, List]) -> Iterator[Source]:
    """All sources: those of the file in its order, those of lists behind."""
    named = [source for source in config.sources if isinstance(source, feeds.Source)]
    members = included(document, lists)
    names = ids.assign(listed(document, lists))
    for name, source in zip(names, named, strict=False):
        yield _source(config, SourceId(name), source)
    for name, (position, feed) in zip(names[len(named) :], members, strict=True):
        inclusion = config.sources[position]
        assert isinstance(inclusion, feeds.OpmlSource)
        yield _member(config, SourceId(name), inclusion, feed)


def _source(config: said.Config, name: SourceId, source: feeds.Source) -> Source:
    group = source.group or config.defaults.group
    return _inherit(config, Source(name, source.url.value, source.title, group, shown=source.url.shown), source)


def _member(config: said.Config, name: SourceId, inclusion: feeds.OpmlSource, feed: Subscription) -> Source:
    group = inclusion.group or feed.group or config.defaults.group
    return _inherit(config, Source(name, feed.url, feed.title, group, shown=shown(feed.url)), inclusion)


def _inherit(config: said.Config, source: Source, own: feeds.Inherited) -> Source:
    """What the source says itself, else its group, else the defaults; tags and headers add up."""
    layers: list[feeds.Inherited] = [own, config.groups.get(source.group or "", feeds.Group()), config.defaults]
    dedup = _first(layer.dedup for layer in layers)
    level = _first(layer.dedup.level for layer in layers if isinstance(layer.dedup, feeds.SourceDedup))
    headers: dict[str, tuple[str, str]] = {}
    for layer in reversed(layers):
        headers |= {name.lower(): (name, value.value) for name, value in layer.headers.items()}
    return replace(
        source,
        rank=_first(layer.rank for layer in layers) or DEFAULT_RANK,
        tags=tuple(dict.fromkeys(tag for layer in reversed(layers) for tag in layer.tags)),
        every=_every(own, layers),
        keep=_first(layer.keep for layer in layers),
        drop=_first(layer.drop for layer in layers),
        headers=tuple(headers.values()),
        outlet=_first(layer.outlet for layer in layers),
        aggregator=_first(layer.aggregator for layer in layers) or False,
        dedup=dedup is not False,
        level=level or config.dedup.level,
        proxy=_value(_first(layer.proxy for layer in layers) or config.network.proxy),
        user_agent=_first(layer.user_agent for layer in layers) or config.network.user_agent,
        silent_after=_first(layer.silent_after for layer in layers),
        retain=_first(layer.retain for layer in layers),
        enabled=_first(layer.enabled for layer in layers) is not False,
    )


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _every(own: feeds.Inherited, layers: list[feeds.Inherited]) -> Every:
    """One that is written at the source itself is strict: the feed's hints don't slow it down."""
    every = _first(layer.every for layer in layers)
    match every:
        case Fixed(seconds):
            return Fixed(seconds, strict=own.every is not None)
        case Cron(line):
            return Cron(line, strict=own.every is not None)
        case _:
            return Auto()


# --- rules and feeds
def _tag_rule(document: Document, name: str, rule: rules.TagRule) -> to.TagRule:
    return to.TagRule(name, rule.query, tuple(_expectations(document, ("tags", name), rule.expect)))


def _topic(document: Document, position: int, topic: rules.Topic) -> to.Topic:
    expect = tuple(_expectations(document, ("topics", position), topic.expect))
    formerly = tuple(map(Slug, topic.formerly))
    return to.Topic(Slug(topic.slug), topic.title or topic.slug, topic.query, expect, formerly)


def _expectations(document: Document, path: tuple[Key, ...], expect: rules.Expect | None) -> Iterator[to.Expectation]:
    if expect is None:
        return
    for key, match, cases in (("match", True, expect.match), ("not", False, expect.not_)):
        for number, case in enumerate(cases):
            node = find(document.root, (*path, "expect", key, number))[0]
            yield to.Expectation(match, case.title, case.body, case.source, tuple(case.tags), node.line, node.column)


def _outputs(config: said.Config, topics: tuple[to.Topic, ...], site: to.Site) -> Iterator[to.Output]:
    """Every feed: `all`, one for each topic in the shape that an output of its slug gives it, and the other outputs."""
    publish = config.publish
    shapes = {output.slug: output for output in config.outputs}
    yield to.Output(ALL, site.title, items=publish.items, content=publish.content)
    for topic in topics:
        plain = to.Output(topic.slug, topic.title, items=publish.items, content=publish.content, topic=topic.slug)
        plain = replace(plain, formerly=topic.formerly)
        yield _shaped(plain, shapes.pop(topic.slug, None))
    for output in shapes.values():
        plain = to.Output(Slug(output.slug), output.slug, items=publish.items, content=publish.content)
        yield _shaped(plain, output)


def _shaped(plain: to.Output, output: rules.Output | None) -> to.Output:
    if output is None:
        return plain
    return replace(
        plain,
        title=output.title or plain.title,
        query=output.query,
        description=output.description,
        items=output.items or plain.items,
        content=output.content or plain.content,
        sort=output.sort,
        language=output.language,
        token=output.access.token.value if output.access else None,
        digest=output.digest,
        webhook=_value(output.webhook),
        webhook_secret=output.webhook_secret.value if output.webhook_secret else None,
        rejected=output.rejected,
        formerly=(*plain.formerly, *map(Slug, output.formerly)),
    )


# --- what is told, what is kept quiet
def _notes(document: Document, config: said.Config, lists: Mapping[int, List]) -> Iterator[str]:
    for one in lists.values():
        yield from one.told
    first: dict[str, int] = {}
    for position, source in enumerate(config.sources):
        node = find(document.root, ("sources", position))[0]
        if not isinstance(source, feeds.Source):
            continue
        if isinstance(source.every, Fixed) and source.every.seconds < config.polling.min:
            told = f"every {in_words(source.every.seconds)} is below polling.min, which counts: {in_words(config.polling.min)}"
            yield str(document.problem(node, told))
        if source.url.value in first:
            yield str(
                document.problem(node, f"the same address as the source in line {first[source.url.value]}: it is polled twice")
            )
        first.setdefault(source.url.value, node.line)
    if not config.sources:
        yield str(
            document.problem(find(document.root, ("sources",))[0], "no sources: nothing is polled; `aggregator add URL` adds one")
        )


def _secrets(config: said.Config, around: Surroundings) -> Iterator[str]:
    """What was filled in, header values, tokens and passwords: what a log or a message must never contain."""
    layers: list[feeds.Inherited] = [config.defaults, *config.groups.values(), *config.sources]
    yield from around.secrets
    yield from (value.value for layer in layers for value in layer.headers.values())
    yield from (output.access.token.value for output in config.outputs if output.access)
    yield from (output.webhook_secret.value for output in config.outputs if output.webhook_secret)
    addresses = [source.url for source in config.sources if isinstance(source, feeds.Source)]
    addresses += [proxy for proxy in (config.network.proxy, *(layer.proxy for layer in layers)) if proxy]
    addresses += [output.webhook for output in config.outputs if output.webhook]
    for address in addresses:
        if "@" in address.value and (password := urlsplit(address.value).password):
            yield from (password, unquote(password))

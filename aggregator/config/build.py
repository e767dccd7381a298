"""From the checked sections to `Settings`: defaults and groups applied, ids made, paths resolved, feeds listed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from msgspec.structs import replace

from aggregator import settings as to
from aggregator.config import schema as said
from aggregator.config import schema_rules as rules
from aggregator.config import schema_sources as feeds
from aggregator.config.build_channels import alert_channels, channels, find_places
from aggregator.config.build_sources import build_sources
from aggregator.config.database import folder_of
from aggregator.config.document import Document, find, nodes
from aggregator.config.hooks import addresses_of, build_hooks
from aggregator.config.secrets import Secretive
from aggregator.config.subscriptions import List, addresses
from aggregator.config.surroundings import Surroundings
from aggregator.config.tree import Key
from aggregator.config.values import in_words
from aggregator.model import Fixed, Slug, Source, SourceId

ALL = Slug("all")
SHORTEST_SECRET = 5
"""Characters; hiding shorter ones would garble every text."""


def build(
    file: Path,
    document: Document,
    config: said.Config,
    lists: Mapping[int, List],
    names: Sequence[str],
    around: Surroundings,
    before: Mapping[SourceId, Source],
) -> to.Settings:
    """The settings of a config that has no problems. names: the ids of all sources (`ids.assign`).

    before: sources that were made of an earlier text.
    """
    base = file.parent
    topics = tuple(_topic(document, position, topic) for position, topic in enumerate(config.topics))
    site = _site(config)
    storage = _storage(config.storage, config.publish, base)
    entities = base / config.entities.file if config.entities else None
    if entities is not None:
        around.files.add(entities)
    sources = tuple(build_sources(document, config, lists, names, before))
    hooks = build_hooks(config, sources, base)
    return to.Settings(
        file=file,
        sources=sources,
        site=site,
        storage=storage,
        server=_server(config.server),
        publish=_publishing(config.publish, storage, base),
        network=_network(config.network),
        polling=_polling(config.polling),
        hosts={name: to.HostRule(rule.gap) for name, rule in config.hosts.items()},
        tags=tuple(_tag_rule(document, name, rule) for name, rule in config.tags.items()),
        topics=topics,
        outputs=tuple(_outputs(config, topics, site)),
        outlets={name: _outlet(name, one) for name, one in config.outlets.items()},
        dedup=to.Dedup(config.dedup.within, config.dedup.at_most, config.dedup.level, tuple(config.dedup.never)),
        threads=to.Threads(config.dedup.threads, config.threads.within),
        tagging=to.Tagging(config.subjects, entities, config.categories.map),
        enrich=hooks,
        apply=config.apply,
        alerts_webhook=_value(config.alerts.webhook) if config.alerts else None,
        alerts_notify=alert_channels(config.alerts),
        channel_places=find_places(document, config),
        notes=tuple(_notes(document, config, lists, hooks)),
        lists=addresses(lists),
        includes=tuple(sorted(around.files)),
        secrets=frozenset(secret for secret in _secrets(config, around) if len(secret) >= SHORTEST_SECRET),
    )


# --- sections
def _site(config: said.Config) -> to.Site:
    site = config.site
    url = site.url.value.rstrip("/") if site.url else to.own_address(_server(config.server))
    return to.Site(site.title, url, site.contact, site.language, site.timezone, site.index)


def _server(server: said.Server) -> to.Server:
    mcp = to.Assistants(server.mcp.token.value, server.mcp.sees, tuple(server.mcp.hosts)) if server.mcp else None
    return to.Server(server.host.strip("[]"), server.port, server.admin.token.value if server.admin else None, mcp)


def _storage(storage: said.Storage, publish: said.Publish, base: Path) -> to.Storage:
    if to.is_on_server(storage.database):
        return to.Storage(storage.database, storage.keep, beside=folder_of(storage.database, publish.private, base))
    copies, database = storage.backup, base / storage.database
    beside = database.parent / to.Backup().directory.name
    backup = to.Backup(copies.every, copies.keep, base / (copies.directory or beside)) if copies else None
    return to.Storage(str(database), storage.keep, backup)


def _publishing(publish: said.Publish, storage: to.Storage, base: Path) -> to.Publishing:
    is_copied = to.is_in_object_store(publish.directory)
    return to.Publishing(
        directory=storage.folder / to.PUBLIC if is_copied else base / publish.directory,
        objects=publish.directory.rstrip("/") if is_copied else None,
        private=base / publish.private,
        items=publish.items,
        content=publish.content,
        settle=publish.settle,
        backfill=publish.backfill,
        images=publish.images,
        websub=publish.websub.value if isinstance(publish.websub, Secretive) else publish.websub,
        ids=publish.ids,
    )


def _polling(polling: said.Polling) -> to.Polling:
    readers = polling.readers if isinstance(polling.readers, int) else None
    return to.Polling(polling.min, polling.max, polling.workers, polling.per_host, polling.timeout, polling.max_bytes, readers)


def _network(network: said.NetworkSection) -> to.Network:
    return to.Network(tuple(network.allow), _value(network.proxy), network.user_agent, network.websub)


def _value(secretive: Secretive | None) -> str | None:
    return secretive.value if secretive else None


def _outlet(name: str, said_of: Sequence[str] | said.OutletSection) -> to.Outlet:
    if not isinstance(said_of, said.OutletSection):
        return to.Outlet(tuple(said_of))
    return to.Outlet(tuple(said_of.domains) or (name.lower(),), said_of.platform)


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
        sort=plain.sort if output.sort == "newest" else output.sort,
        per_thread=output.per_thread,
        per_outlet=output.per_outlet,
        language=output.language,
        token=output.access.token.value if output.access else None,
        digest=output.digest,
        webhook=_value(output.webhook),
        webhook_secret=output.webhook_secret.value if output.webhook_secret else None,
        when=output.when,
        notify=channels(output),
        rejected=output.rejected,
        formerly=(*plain.formerly, *map(Slug, output.formerly)),
    )


# --- what is told, what is kept quiet
def _notes(document: Document, config: said.Config, lists: Mapping[int, List], hooks: Collection[str]) -> Iterator[str]:
    for one in lists.values():
        yield from one.told
    first: dict[str, int] = {}
    for node, source in zip(nodes(document.root.get("sources")), config.sources, strict=True):
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
    for name in config.enrich:
        if name not in hooks:
            at = find(document.root, ("enrich", name))[0]
            yield str(document.problem(at, f"enrich: no topic, output or source names the hook `{name}`: it is not asked"))
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
    yield from (hook.token.value for hook in config.enrich.values() if hook.token)
    yield from (output.webhook_secret.value for output in config.outputs if output.webhook_secret)
    if config.server.admin:
        yield config.server.admin.token.value
    if config.server.mcp:
        yield config.server.mcp.token.value
    if to.is_on_server(config.storage.database) and (password := urlsplit(config.storage.database).password):
        yield from (password, unquote(password))
    addresses = [source.url for source in config.sources if isinstance(source, feeds.Source)]
    addresses += [proxy for proxy in (config.network.proxy, *(layer.proxy for layer in layers)) if proxy]
    addresses += addresses_of(config)
    addresses += [output.webhook for output in config.outputs if output.webhook]
    for address in addresses:
        if "@" in address.value and (password := urlsplit(address.value).password):
            yield from (password, unquote(password))

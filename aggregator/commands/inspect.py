"""`aggregator inspect`: shows how one document is read, for people who wonder why an entry looks as it does."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.model import Entry, Feed, Fetched, Source


@click.command()
@click.argument("target")
@click.option("--url", default="", help="The address that a FILE's relative links stand against.")
@click.option("--json", "as_json", is_flag=True, help="The whole reading as one JSON object.")
@click.pass_obj
def command(application: Application, target: str, url: str, as_json: bool) -> None:
    """How one document is read: its format, its charset, what is wrong with it, and its entries.

    TARGET is a file or an http(s) address. `link` is the article's address as sent, `url` as it is used and shown.
    """
    document = _fetched(application, target) if target.startswith(("http://", "https://")) else _from_file(target, url)
    reading = inspect(document)
    if as_json:
        click.echo(json.dumps(reading, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(reading)))


def inspect(document: Fetched) -> dict[str, Any]:
    """Reads a document; returns what `inspect --json` prints. Raises AggregatorError with the fault if it is no feed."""
    from aggregator.errors import AggregatorError
    from aggregator.model import Fault
    from aggregator.parse.entries import link_as_sent
    from aggregator.parse.read import feed_of, open_document

    opened = open_document(document)
    if isinstance(opened, Fault):
        raise AggregatorError(f"{opened.kind}: {opened.detail}")
    raws = list(opened.raw.entries)
    feed = feed_of(opened, document)
    ids = _ids(feed, document.url)
    links = [link_as_sent(raw, feed.url or document.url) for raw in raws]
    return _head(feed) | {"entries": [_entry(*one) for one in zip(feed.entries, ids, links, strict=False)]}


def _fetched(application: Application, url: str) -> Fetched:
    import asyncio

    from aggregator.errors import AggregatorError
    from aggregator.fetch.http import HttpFetcher
    from aggregator.model import Fetched, FetchRequest

    async def fetch() -> Fetched:
        fetcher = HttpFetcher(_settings(application))
        try:
            outcome = await fetcher.fetch(FetchRequest(url), time.time())
        finally:
            await fetcher.aclose()
        if isinstance(outcome, Fetched):
            return outcome
        raise AggregatorError(f"{outcome.fault.kind}: {outcome.fault.detail}" if hasattr(outcome, "fault") else "not modified")

    return asyncio.run(fetch())


def _settings(application: Application) -> Any:
    """Returns the config's settings if there is a config, as its `network` may be needed to reach the address; else defaults."""
    from aggregator.errors import UsageError
    from aggregator.settings import Settings

    try:
        path = application.config_path
    except UsageError:
        path = None
    return application.settings if path is not None and path.exists() else Settings(file=Path("feeds.yaml"), sources=())


def _from_file(name: str, url: str) -> Fetched:
    from aggregator.errors import UsageError
    from aggregator.model import Fetched

    try:
        body = Path(name).read_bytes()
    except OSError as error:
        raise UsageError(f"can't read {name}: {error.strerror}") from None
    return Fetched(url, 200, (), body)


def _ids(feed: Feed, url: str) -> list[str]:
    """Returns each entry's identity within the document: its guid as sent, or the key made for it."""
    from aggregator.stories.identity.claims import NO_CLAIMS
    from aggregator.stories.identity.domains import Owners
    from aggregator.stories.identity.entry_keys import guid_of
    from aggregator.stories.identity.identify import Repeated, identify
    from aggregator.stories.identity.outlets import decide_voice

    source = _source(url)
    voice = decide_voice(source, {}, None, Owners(), NO_CLAIMS)
    decisions = identify(feed.entries, (), lambda guids, canonicals: (), source, voice, time.time(), True, 0.0)
    ids: list[str] = []
    for entry, decision in zip(feed.entries, decisions, strict=True):
        made = guid_of(entry) if isinstance(decision, Repeated) else decision.item.guid
        ids.append(entry.guid or (made if made not in ids else f"{made}#{len(ids)}"))
    return ids


def _source(url: str) -> Source:
    from aggregator.model import Source, SourceId

    return Source(SourceId("inspected"), url)


def _head(feed: Feed) -> dict[str, Any]:
    return {
        "title": feed.title,
        "format": feed.format,
        "charset": feed.charset,
        "language": feed.language,
        "url": feed.url,
        "warnings": list(feed.warnings),
        "dropped": dict(feed.dropped),
    }


def _entry(entry: Entry, identity: str, link: str | None) -> dict[str, Any]:
    from aggregator.text.times import rfc3339

    published = entry.published if entry.published is not None else entry.updated
    return {
        "id": identity,
        "title": entry.title,
        "link": link or entry.url,
        "url": entry.url,
        "published": None if published is None else rfc3339(published),
        "updated": None if entry.updated is None else rfc3339(entry.updated),
        "summary": entry.summary or entry.content,
        "content": entry.content,
        "authors": list(entry.authors),
        "categories": [category.label or category.term for category in entry.categories],
        "enclosures": [enclosure.url for enclosure in entry.enclosures],
        "image": entry.image.url if entry.image else None,
        "language": entry.language,
    }


def _lines(reading: dict[str, Any]) -> list[str]:
    """Formats the reading for people. The feed's texts contain no control characters any more."""
    facts = [str(reading[key]) for key in ("format", "charset", "language") if reading[key]]
    lines = [reading["title"] or "(no title)", " · ".join(facts), reading["url"] or "(no page)"]
    lines += [f"warning: {warning}" for warning in reading["warnings"]]
    lines += [f"dropped: {count} by {cap}" for cap, count in reading["dropped"].items()]
    count = len(reading["entries"])
    lines += ["1 entry" if count == 1 else f"{count} entries", ""]
    for entry in reading["entries"]:
        lines += [f"{entry['published'] or '(no date)'}  {entry['title']}", f"    {entry['url'] or '(no link)'}"]
    return lines

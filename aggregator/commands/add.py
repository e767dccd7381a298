"""`aggregator add ADDRESS`: adds a source to the config, by the address of a feed, of a page with feeds, or of an account."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from aggregator.errors import AggregatorError, UsageError
from aggregator.model import FaultKind
from aggregator.text.masks import mask_url
from aggregator.text.times import format_duration, rfc3339

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.config.edit import NewSource
    from aggregator.fetch.address_rules import Pasted
    from aggregator.model import Fetched
    from aggregator.run.find_feeds import Finding
    from aggregator.run.probe import ProbeResult
    from aggregator.settings import Settings

LATER = "without a network it can't be; take this out again, and run `add` when there is one"


@click.command()
@click.argument("address")
@click.option("--group", help="Group of the new source.")
@click.option("--id", "name", help="Its id; else made from the address.")
@click.option("--title", help="Its title; else the feed's own is shown.")
@click.option("--all", "every", is_flag=True, help="Add all feeds that the page offers.")
@click.option("--pick", type=int, metavar="N", help="Add the Nth feed that the page offers.")
@click.option("--untested", is_flag=True, help="Add the address even if no feed can be read there now.")
@click.pass_obj
def command(
    application: Application,
    address: str,
    group: str | None,
    name: str | None,
    title: str | None,
    every: bool,
    pick: int | None,
    untested: bool,
) -> None:
    """Add a source by the address of a feed, of a web page that offers feeds, of a channel, an account or a repository.

    The feed is fetched and read first. The config keeps its comments, order and quotes: lines are only added.
    """
    from aggregator.config.edit import NewSource, add_sources, check_sources
    from aggregator.fetch.address_rules import understand

    application.allow_no_sources()
    settings = application.settings
    pasted = understand(address)
    check_id(settings, name)
    check_sources(application.config_path, [NewSource(pasted.url, name, title, group)], application.check_text)
    finding = asyncio.run(search(settings, pasted))
    found = [Candidate(one) for one in finding.results]
    if untested and not finding.has_feed and not finding.offered:
        chosen = [NewSource(_most_likely(pasted), name, title, group)]
        if pasted.guess is not None and not pasted.guess.feeds:
            click.echo(f"{mask_url(pasted.url)} is a page ({pasted.guess.words}), whose feed was not found: {LATER}", err=True)
    else:
        chosen = [_new_source(one, name, title, group) for one in choose(pasted.url, found, every, pick, finding.words)]
        if finding.words:
            click.echo(finding.words)
    chosen = with_ids([one for one in chosen if not _is_known(settings, one.url)], settings)
    if len(chosen) > 1 and (name or title):
        raise UsageError("--id and --title are for one source; several are added")
    wanted = {one.url for one in chosen}
    _hand_over(application, {one.url: one.found.answer for one in found if one.url in wanted})
    add_sources(application.config_path, chosen, application.check_text)
    for one in chosen:
        click.echo(f"added {mask_url(one.url)}" + (f" to group {group}" if group else ""))
    _tell_backlog(application, [one for one in found if one.url in wanted])


def _hand_over(application: Application, answers: Mapping[str, Fetched | None]) -> None:
    """Stores what was fetched for the sources' first polls, before a daemon sees the config: it would ask for all of it again."""
    from aggregator.fetch.first_answers import hand_over

    with suppress(AggregatorError):  # without it the first poll fetches the document itself
        for url, answer in answers.items():
            if answer is not None:
                hand_over(application.database, url, answer, time.time())


def _tell_backlog(application: Application, added: Sequence[Candidate]) -> None:
    """Says that a slow source shows nothing yet in feeds that are read already: they take only what is young."""
    backfill, now = application.settings.publish.backfill, time.time()
    with suppress(AggregatorError):
        states = application.store.outputs().values()
        if not states or any(state.filling for state in states):
            return
        for one in added:
            newest = one.found.newest
            if one.feed is not None and one.feed.entries and (newest is None or newest < now - backfill):
                age = f"newest {(rfc3339(newest) or '')[:10]}" if newest is not None else "without dates"
                why = f"older than publish.backfill ({format_duration(backfill)})" if newest is not None else "taken as old"
                entries = "1 entry" if len(one.feed.entries) == 1 else f"{len(one.feed.entries)} entries"
                click.echo(f"{entries}, {age}: {why}, so searched, but in no feed until it posts")


async def search(settings: Settings, pasted: Pasted) -> Finding:
    """Looks for feeds, with the network settings of the config."""
    from aggregator.run.find_feeds import find_feeds
    from aggregator.run.probe import open_prober

    async with open_prober(settings, time.time) as prober:
        return await find_feeds(pasted, prober)


def _most_likely(pasted: Pasted) -> str:
    """Where a feed should be that can't be read now."""
    return pasted.guess.feeds[0] if pasted.guess and pasted.guess.feeds else pasted.url


class Candidate:
    """A feed that was found, or what was looked at in vain."""

    def __init__(self, found: ProbeResult) -> None:
        self.found = found
        self.feed = found.feed
        self.url = found.moved_to or found.source.url

    def __str__(self) -> str:
        if self.feed is None:
            return f"{mask_url(self.url)} (can't be read: {self.found.fault.detail if self.found.fault else 'no document'})"
        return f"{mask_url(self.url)} ({self.feed.title or 'untitled'}, {self.feed.format}, {len(self.feed.entries)} entries)"


def choose(url: str, found: list[Candidate], every: bool, pick: int | None, words: str | None = None) -> list[Candidate]:
    """Chooses the feeds to add; asks on a terminal if there are several. Raises AggregatorError if none can be read."""
    good = [one for one in found if one.feed is not None]
    if not good:
        reasons = "\n".join([*(f"  {one}" for one in found), *([f"  {words}"] if words else [])])
        is_refused = all(one.found.fault is not None and one.found.fault.kind is FaultKind.ADDRESS for one in found)
        end = "Nothing was changed." if is_refused else "Nothing was changed; --untested adds it all the same."
        raise AggregatorError(f"no feed can be read at {mask_url(url)}:\n{reasons}\n{end}")
    if pick is not None:
        if not 1 <= pick <= len(good):
            raise UsageError(f"--pick {pick}: there are {len(good)} feeds\n{_format_list(good)}")
        return [good[pick - 1]]
    if every or len(good) == 1:
        return good
    if not sys.stdin.isatty():
        raise UsageError(f"{mask_url(url)} offers {len(good)} feeds; add --all or --pick N\n{_format_list(good)}")
    click.echo(_format_list(good))
    number = click.prompt("Which one? (0: all)", type=click.IntRange(0, len(good)), default=1)
    return good if number == 0 else [good[number - 1]]


def _format_list(found: list[Candidate]) -> str:
    return "\n".join(f"  {number}. {one}" for number, one in enumerate(found, 1))


def _new_source(one: Candidate, name: str | None, title: str | None, group: str | None) -> NewSource:
    from aggregator.config.edit import NewSource
    from aggregator.parse.sitemap import SITEMAPS

    named = title or (one.feed.title if one.feed else None)
    kind = "sitemap" if one.feed and one.feed.format in SITEMAPS else None
    return NewSource(one.url, name, named, group, kind)


def check_id(settings: Settings, name: str | None) -> None:
    """Raises UsageError for an id that is taken or malformed."""
    from aggregator.config.values import ID_FORM, MAX_ID

    if name is None:
        return
    if not ID_FORM.fullmatch(name) or len(name) > MAX_ID or ".." in name or name.endswith("."):
        raise UsageError(f"{name!r} is no id: only a-z, 0-9, `.`, `_` and `-`, lower case, beginning with a letter or digit")
    if any(source.id == name for source in settings.sources):
        raise UsageError(f"the id {name!r} is taken")


def _is_known(settings: Settings, url: str) -> bool:
    """True if the address is a source already; says so, but it is no error: adding it again changes nothing."""
    known = next((source for source in settings.sources if source.url == url), None)
    if known is not None:
        click.echo(f"{known.shown} is there already: {known.id}")
    return known is not None


def with_ids(sources: Sequence[NewSource], settings: Settings) -> list[NewSource]:
    """Names sources by their titles where addresses of one site differ in their queries alone, as of YouTube channels."""
    from msgspec.structs import replace

    from aggregator.config.ids import from_title

    taken, named = {str(source.id) for source in settings.sources}, []
    for one in sources:
        id = one.id or (from_title(one.title, taken) if one.title and urlsplit(one.url).query else None)
        taken |= {id} if id else set()
        named.append(replace(one, id=id))
    return named

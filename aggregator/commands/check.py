"""`aggregator check`: checks the config, runs its rules' tests and, with --online, fetches each source."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

import click

from aggregator.errors import AggregatorError, StoreError, UsageError

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.settings import Settings


@click.command()
@click.argument("ids", nargs=-1)
@click.option("--online", is_flag=True, help="Fetch each source (or those named) once, store nothing, and tell what was found.")
@click.option("--json", "as_json", is_flag=True, help="With --online: one line of JSON for each source.")
@click.pass_obj
def command(application: Application, ids: tuple[str, ...], online: bool, as_json: bool) -> None:
    """Check the config and the tests of its rules. Exit code 2 when anything is wrong.

    With --online, fetch each source once and tell its format, entries, newest date, rhythm, redirects and warnings.
    """
    if (ids or as_json) and not online:
        raise UsageError("ids and --json go with --online")
    from aggregator.channels.addresses import check_channels
    from aggregator.commands.check_addresses import address_warnings
    from aggregator.tag.rules import warnings

    settings = application.settings
    chosen = application.pick(ids)
    check_expectations(settings)
    check_published_folders(settings)
    check_channels(settings)
    told = [*warnings(settings), *find_unknown_outlets(settings), *address_warnings(settings)]
    for note in (*settings.notes, *(f"{settings.file}: {warning}" for warning in told)):
        click.echo(note, err=as_json)
    click.echo(f"{settings.file}: fine; {summary(settings)}", err=as_json)
    if online:
        from aggregator.commands.check_online import check_online

        if failed := check_online(settings, chosen, as_json):
            raise AggregatorError(f"{failed} of {len(chosen)} sources brought no feed")


def find_unknown_outlets(settings: Settings) -> list[str]:
    """Warns of outlets that queries name and nothing has: by the database, if there is one that can be looked into."""
    from aggregator.commands.unknown_outlets import asked_outlets, warn_of_outlets
    from aggregator.store.opening import has_store, open_read_only

    if not asked_outlets(settings):
        return []
    if has_store(settings.storage.database):
        with suppress(StoreError), closing(open_read_only(settings.storage.database)) as store:
            return warn_of_outlets(settings, store)
    return warn_of_outlets(settings, None)


def check_expectations(settings: Settings) -> None:
    """Runs the tests of tags and topics. Raises ConfigError with each failed test and its place in the file."""
    from aggregator.errors import ConfigError, Problem
    from aggregator.tag.rules import failed_expectations

    problems = [Problem(str(settings.file), test.line, test.column, message) for test, message in failed_expectations(settings)]
    if problems:
        raise ConfigError(sorted(problems, key=lambda problem: (problem.line, problem.column)))


def check_published_folders(settings: Settings) -> None:
    """Raises ConfigError if the folders hold what we did not write. The database is not opened for this, only looked into."""
    from aggregator.publish.site.ownership import SITE_ID, check_folders, make_owner
    from aggregator.store.opening import read_value

    check_folders(settings, make_owner(settings, read_value(settings.storage.database, SITE_ID), ()))


def summary(settings: Settings) -> str:
    """Summarises the config, like `20 sources in 3 groups, 4 topics, 2 tags, 6 feeds`."""
    groups = len({source.group for source in settings.sources if source.group})
    tests = sum(len(rule.expect) for rule in settings.tags) + sum(len(topic.expect) for topic in settings.topics)
    parts = [
        _number(len(settings.sources), "source") + (f" in {_number(groups, 'group')}" if groups else ""),
        _number(len(settings.topics), "topic"),
        _number(len(settings.tags), "tag rule"),
        _number(len(settings.outputs), "feed"),
        _number(tests, "rule test") + (" passed" if tests else ""),
    ]
    return ", ".join(parts)


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

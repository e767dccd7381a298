"""`aggregator migrate`: copies the database from SQLite to PostgreSQL, or back, and compares all that is published from both."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import click

if TYPE_CHECKING:
    from aggregator.commands.application import Application
    from aggregator.ports import Database, Store
    from aggregator.settings import Settings
    from aggregator.store.transfer.tables import Sum

SHOWN = 5
"""Documents that are named if they differ."""


@click.command()
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.pass_obj
def command(application: Application, source: str, target: str) -> None:
    """Copy the database FROM to TO: from a file of SQLite to PostgreSQL, or back.

    Both are named as at `storage.database`; in quotes, `${NAME}` is filled in from the environment. Refused while a daemon or a
    poll uses one of them, and if TO holds data. FROM stays as it is. What arrived is compared: each table, and every document
    that the config publishes, rendered from both. Before that, every other command refuses TO. If it is interrupted, run it
    again. feeds.yaml is not edited: the line to change is printed.
    """
    from aggregator.config.database import read_address
    from aggregator.settings import is_on_server

    origin, copy = (read_address(said, os.environ) for said in (source, target))
    _check_kinds(origin, copy)
    started = time.monotonic()
    with _both(origin, copy) as (old, new):
        told = _copy(application.settings, origin, copy, old, new)
    items, seconds = told["items"].rows, time.monotonic() - started
    rows = sum(one.rows for one in told.values())
    click.echo(f"{rows:,} rows of {len(told)} tables copied in {seconds:.1f} s, {items:,} entries among them")
    click.echo("all tables and all published documents are the same in both")
    click.echo(f"to use the copy, write in {application.config_path}:\n  storage: {{database: {_to_write(copy, target)!r}}}")
    if application.settings.storage.backup is not None and is_on_server(copy):
        click.echo("and take `backup:` out there: a database on a server is backed up there, with `pg_dump`")


def _check_kinds(origin: str, copy: str) -> None:
    """Raises UsageError unless one is a file and the other on a server, and FROM is there."""
    from aggregator.errors import UsageError
    from aggregator.settings import is_on_server
    from aggregator.store.opening import has_store, name_of

    if is_on_server(origin) and is_on_server(copy):
        raise UsageError("both are on a server: copy it there, with `pg_dump` and `pg_restore`")
    if not is_on_server(origin) and not is_on_server(copy):
        raise UsageError("both are files: `aggregator backup FILE` copies one")
    if not has_store(origin):
        raise UsageError(f"there is no database to copy: {name_of(origin)} is not there, or empty")


@contextmanager
def _both(origin: str, copy: str) -> Iterator[tuple[Database, Database]]:
    """Opens both and holds them: nobody writes to the first one, and the second one is empty or from a run before.

    Raises StoreError, HeldError.
    """
    from aggregator.store.opening import open_store, open_unfinished

    with ExitStack() as held:
        old = held.enter_context(closing(open_store(origin)))
        _hold(held, old)
        held.enter_context(old.begin())  # commands write beside a daemon: they wait
        new = held.enter_context(closing(open_unfinished(copy)))
        _hold(held, new)
        yield old, new


def _hold(held: ExitStack, store: Database) -> None:
    from aggregator.errors import HeldError

    try:
        held.enter_context(store.lock())
    except HeldError as error:
        raise HeldError(
            f"{error}. Stop it first (`systemctl stop aggregator`, `docker compose stop`, or Ctrl-C where it runs); "
            "what is published stays readable meanwhile, and is polled again later"
        ) from error


def _copy(settings: Settings, origin: str, copy: str, old: Database, new: Database) -> Mapping[str, Sum]:
    """Copies, compares, and marks the copy as usable. Raises StoreError if something differs; it stays unusable then."""
    from aggregator.settings import is_on_server
    from aggregator.store import marks
    from aggregator.store.opening import name_of
    from aggregator.store.transfer.copying import claim, compare_all, copy_all
    from aggregator.store.transfer.ends import open_end
    from aggregator.store.transfer.tables import known_tables

    name = name_of(origin if is_on_server(origin) else str(Path(origin).resolve()))
    with closing(open_end(origin, writes=False)) as source, closing(open_end(copy, writes=True)) as target:
        tables = known_tables(source, target)
        claim(new, target, tables, marks.Mark(name, time.time()))
        _tell(f"from {name} to {name_of(copy)}")
        told = copy_all(source, target, tables, _tell)
        compare_all(target, tables, told, _tell)
    _compare_documents(settings, old, new, name_of(copy))
    marks.mark_migrated(new, marks.Mark(name, time.time()))
    return told


def _compare_documents(settings: Settings, old: Store, new: Store, name: str) -> None:
    from aggregator.errors import StoreError
    from aggregator.publish.rehearsal import differences, render_all

    now = time.time()
    before = render_all(settings, old, now)
    _tell(f"{len(before):,} documents of {len(settings.outputs)} outputs rendered from the first …")
    differing = differences(before, render_all(settings, new, now))
    if differing:
        named = ", ".join(differing[:SHOWN]) + (", …" if len(differing) > SHOWN else "")
        raise StoreError(f"{len(differing):,} documents would differ from {name}, which stays unusable: {named}")
    _tell("… and from the second: equal")


def _to_write(address: str, said: str) -> str:
    """The copy as feeds.yaml is to name it: with a variable in place of a password."""
    from aggregator.settings import is_on_server

    if not is_on_server(address):
        return str(Path(address).resolve())
    if "${" in said:
        return said
    parts = urlsplit(address)
    if parts.password is None:
        return address
    user, place = quote(parts.username or "", safe=""), parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}:${{PASSWORD}}@{place}").geturl()


def _tell(line: str) -> None:
    click.echo(line, err=True)

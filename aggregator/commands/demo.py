"""`aggregator demo`: runs a newsroom of invented outlets, and a daemon that reads them, on this machine alone."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65_534),
    default=8080,
    show_default=True,
    help="The daemon's; the newsroom takes the next one.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where everything is kept; else a folder that is removed at the end.",
)
@click.option("--advance", is_flag=True, help="Let a day pass in the newsroom of the demo that runs already.")
def command(port: int, directory: Path | None, advance: bool) -> None:
    """Try everything without a network: an offline newsroom, a daemon that reads it, and what to look at.

    In a second terminal, `aggregator demo --advance` lets a day pass.
    """
    if advance:
        _advance(port)
    else:
        with _directory(directory) as folder:
            _run(port, folder)


@contextmanager
def _directory(directory: Path | None) -> Iterator[Path]:
    """Yields the given directory, or a temporary one."""
    if directory is not None:
        yield directory.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="aggregator-demo-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _run(port: int, directory: Path) -> None:
    from aggregator.commands.application import Application
    from aggregator.commands.invocation import own_command
    from aggregator.daemon import run
    from aggregator.demo.origin import serving
    from aggregator.demo.prepare import describe_demo, write_config
    from aggregator.logs import configure

    configure(level="error")
    _check_port(port)
    with serving(port + 1, time.time(), reader=str(directory)):
        config = write_config(directory, port, port + 1)
        option = "" if port == 8080 else f" --port {port}"
        click.echo(describe_demo(port, directory, own_command(), f"demo --advance{option}"))
        with Application(config) as application:
            asyncio.run(run(application.tested_settings(), application.checked_settings, application.database))


def _check_port(port: int) -> None:
    """Raises AggregatorError if the daemon could not listen: before people are told what to open."""
    from aggregator.errors import AggregatorError
    from aggregator.serve.server import listen

    try:
        listen("127.0.0.1", port).close()
    except AggregatorError as error:
        raise AggregatorError(
            f"port {port} can't be used for the demo ({getattr(error.__cause__, 'strerror', error)}); choose another with --port"
        ) from error


def _advance(port: int) -> None:
    from urllib.error import URLError
    from urllib.request import ProxyHandler, Request, build_opener

    from aggregator.commands.invocation import own_command
    from aggregator.errors import AggregatorError

    try:
        opener = build_opener(ProxyHandler({}))
        with opener.open(Request(f"http://127.0.0.1:{port + 1}/advance", method="POST"), timeout=10) as answer:
            told = json.load(answer)
            changed, where = told["changed"], f"the demo at http://127.0.0.1:{port}/, in {told['reader']}"
    except (URLError, ValueError, KeyError, TypeError) as error:
        option = "" if port == 8080 else f" --port {port}"
        raise AggregatorError(
            f"no demo runs on port {port}: start one with `{own_command()} demo{option}` in another terminal, "
            "or name the port of one that runs with --port"
        ) from error
    if not changed:
        click.echo(f"The second day has come already in {where}.")
        return
    click.echo(f"A day has passed in {where}. These feeds have changed:")
    for title in sorted(changed):
        click.echo(f"  {title}")

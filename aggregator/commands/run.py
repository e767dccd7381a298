"""`aggregator run`: the daemon."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aggregator.app import Application


@click.command()
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "console"]),
    default="auto",
    show_default=True,
    help="auto: console on a terminal.",
)
@click.pass_obj
def command(application: Application, log_level: str, log_format: str) -> None:
    """Poll, publish and serve until SIGTERM or Ctrl-C. SIGHUP reads the config again; so does an edit, within seconds."""
    from aggregator.logs import configure

    configure(level=log_level, form=log_format)
    asyncio.run(application.run())

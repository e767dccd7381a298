"""`aggregator run`: runs the daemon."""

from __future__ import annotations

import asyncio

import click

from aggregator.commands.application import Application
from aggregator.daemon import run
from aggregator.logs import configure
from aggregator.run.nodes.roles import ROLES, Role


@click.command()
@click.option(
    "--role",
    type=click.Choice(ROLES),
    default="all",
    show_default=True,
    help="Of several on one PostgreSQL database: fetch asks sources, lead stores and publishes, web serves.",
)
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True)
@click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "console"]),
    default="auto",
    show_default=True,
    help="auto: console on a terminal.",
)
@click.pass_obj
def command(application: Application, role: Role, log_level: str, log_format: str) -> None:
    """Poll, publish and serve until SIGTERM or Ctrl-C. SIGHUP reads the config again; so does an edit, within seconds."""
    configure(level=log_level, form=log_format)
    asyncio.run(run(application.tested_settings(), application.checked_settings, application.database, role))

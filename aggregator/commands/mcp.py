"""`aggregator mcp`: lets assistants read the stories, over the Model Context Protocol."""

from __future__ import annotations

import click

from aggregator.commands.application import Application
from aggregator.errors import UsageError
from aggregator.logs import configure

MISSING = (
    "`aggregator mcp` needs the package mcp: pip install 'aggregator[mcp]', or pipx inject aggregator mcp "
    "(in a checkout: .venv/bin/pip install --require-hashes --no-deps -r requirements-extras.lock)"
)


@click.command()
@click.pass_obj
def command(application: Application) -> None:
    """Let an assistant (Claude, Cursor, …) search and read the stories, over the Model Context Protocol.

    Speaks on standard input and output, for the program that starts it, and sees all that you do (docs/mcp.md).
    """
    try:
        import mcp  # noqa: F401
    except ModuleNotFoundError:
        raise UsageError(MISSING) from None
    from aggregator.assistants.server import make_server
    from aggregator.assistants.tools import Tools

    configure(level="warning")
    make_server(Tools(application.settings.file, sees_all=True)).run("stdio")

"""`aggregator mcp`: lets assistants read the stories, over the Model Context Protocol."""

from __future__ import annotations

import asyncio

import click

from aggregator.commands.application import Application
from aggregator.errors import UsageError
from aggregator.logs import configure

MISSING = (
    "`aggregator mcp` needs the package mcp: pip install 'aggregator[mcp]', or pipx inject aggregator mcp "
    "(in a checkout: .venv/bin/pip install --require-hashes --no-deps -r requirements-extras.lock)"
)


NO_TOKEN = "over HTTP, `server.mcp` must name a token that opens it; see docs/mcp.md"


@click.command()
@click.option("--http", "at", metavar="HOST:PORT", help="Serve over HTTP there, with the token of server.mcp.")
@click.pass_obj
def command(application: Application, at: str | None) -> None:
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
    settings = application.settings
    if at is None:
        make_server(Tools(settings.file, sees_all=True)).run("stdio")
        return
    from aggregator.assistants.http import names_of, serve_http
    from aggregator.serve.server import listen

    access = settings.server.mcp
    if access is None:
        raise UsageError(NO_TOKEN)
    server = make_server(Tools(settings.file, sees_all=access.sees == "all"))
    asyncio.run(serve_http(server, listen(*split_address(at)), access.token, names_of(settings.site.url, access.hosts)))


def split_address(text: str) -> tuple[str, int]:
    """Splits `127.0.0.1:8090` or `[::1]:8090`. Raises click.BadParameter."""
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535 or (":" in host and host[0] != "["):
        raise click.BadParameter(
            f"{text!r} is no address to listen on: write HOST:PORT, like 127.0.0.1:8090", param_hint="--http"
        )
    return host.strip("[]"), int(port)

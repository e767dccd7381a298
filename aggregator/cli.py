"""The `aggregator` command. It imports a subcommand's module only when that is called."""

from __future__ import annotations

import difflib
import gc
import importlib
import os
import sys
from pathlib import Path

import click

from aggregator import __version__
from aggregator.errors import AggregatorError
from aggregator.text.masks import mask_text

COMMANDS = {
    "run": "The daemon: polls, publishes, serves.",
    "poll": "Poll what is due once, publish, and end.",
    "check": "Check the config, its rules' tests and, with --online, each source.",
    "plan": "What the edited config would change.",
    "why": "Why a story is where it is.",
    "stories": "List stories; merge, split, drop, pin or title them; undo that.",
    "search": "Search stored stories with a query.",
    "digest": "Show the last or the next issue of a digest.",
    "topics": "List topics; try a query.",
    "sources": "List sources; how they overlap.",
    "status": "How each source is doing.",
    "notify": "Send a test message to channels.",
    "enrich": "Try a hook on a story.",
    "inspect": "How one document is read.",
    "init": "Write a commented starter config.",
    "add": "Add a source by the address of a feed or a page.",
    "import": "Add the sources of an OPML file.",
    "export": "Write the sources as OPML, or the public site to a directory.",
    "mcp": "Let assistants search and read the stories (MCP).",
    "schema": "Print the JSON Schema of the config.",
    "backup": "Copy the database while it is in use.",
    "restore": "Put a backup in place of the database.",
    "migrate": "Copy the database from SQLite to PostgreSQL, or back.",
    "demo": "A bundled offline newsroom to try everything with.",
}
MODULES = {"import": "import_"}

COLLECT = (50_000, 20, 100)
"""Thresholds of the garbage collector (gc.set_threshold). Modules and entries make many objects and no cycles: with the defaults,
the collector takes a twentieth of the start's time and a fifth of the time of grouping."""


class LazyGroup(click.Group):
    """A group whose commands are modules of `aggregator.commands`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"aggregator.commands.{MODULES.get(cmd_name, cmd_name)}")
        command = module.command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(error.message + hint, ctx) from None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--config", type=click.Path(path_type=Path), help="The config file; else $AGGREGATOR_CONFIG, ./feeds.yaml, …")
@click.version_option(__version__, message="%(prog)s %(version)s")
@click.pass_context
def root(ctx: click.Context, config: Path | None) -> None:
    """Polls feeds, finds which entries tell the same story, and republishes the stories as topic feeds."""
    from aggregator.commands.application import Application  # here: `--help` needs none of it

    ctx.obj = ctx.with_resource(Application(config))


def main() -> None:
    """Runs the command. Prints expected errors without traceback; exit codes: 1 failed, 2 bad config or usage."""
    gc.set_threshold(*COLLECT)
    try:
        root(prog_name="aggregator")
    except AggregatorError as error:
        click.echo(mask_text(str(error)), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has closed the pipe (`| head`): no error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    finally:
        gc.freeze()  # the process ends anyway: skips a last collection of 40 ms

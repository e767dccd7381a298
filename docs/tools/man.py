"""Writes the manual page from the commands themselves: `python docs/tools/man.py FILE`; `make man` and `make docs` call it.

In the macros of man(7), plain ASCII: groff and mandoc read it alike, whatever the locale.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from aggregator import __version__
from aggregator.cli import COMMANDS, root

FILES = (
    ("$AGGREGATOR_CONFIG, ./feeds.yaml, /etc/aggregator/feeds.yaml", "The config, tried in this order; -c names another."),
    ("data/", "The database, beside the config."),
)
LINE = 66
"""Characters, before escapes: mandoc's lint wants at most 80 with them."""
EMPTY = "\\&"
STATUSES = (("0", "Fine."), ("1", "Failed."), ("2", "Bad config or usage."))


def escape(text: str) -> str:
    """Text as roff: nothing in it is taken for a request or an escape."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga").replace("^", "\\(ha")
    text = re.sub(r"[^\x00-\x7f]", lambda found: f"\\[u{ord(found[0]):04X}]", text.replace("~", "\\(ti"))
    return re.sub(r"^\.", r"\\&.", text, flags=re.MULTILINE)


def flow(text: str) -> str:
    return escape(textwrap.fill(" ".join(text.split()), LINE, break_on_hyphens=False))


def terms(pairs: Iterator[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield f".TP\n\\fB{escape(term)}\\fR\n{flow(meaning) or EMPTY}"


def paragraphs(text: str) -> Iterator[str]:
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        yield f".PP\n{flow(paragraph)}"


def options(context: click.Context) -> Iterator[tuple[str, str]]:
    """All but `--help`. click keeps a command's from its first use, and may know it there without `-h`."""
    found = (one for one in context.command.get_params(context) if isinstance(one, click.Option) and "--help" not in one.opts)
    return (record for one in found if (record := one.get_help_record(context)) is not None)


def describe(context: click.Context) -> Iterator[str]:
    """A command and its subcommands, each with its usage, help and options."""
    command = context.command
    path = context.command_path.split(" ", 1)[1]
    usage = " ".join(command.collect_usage_pieces(context))
    yield f".SS {escape(path)}\n\\fBaggregator {escape(path)}\\fR {escape(usage)}".rstrip()
    yield from paragraphs(command.help or "")
    yield from terms(options(context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from describe(child(context, name))


def child(context: click.Context, name: str) -> click.Context:
    assert isinstance(context.command, click.Group)
    command = context.command.get_command(context, name)
    assert command is not None, name
    return click.Context(command, info_name=name, parent=context, help_option_names=["-h", "--help"])


def manual() -> str:
    context = click.Context(root, info_name="aggregator", help_option_names=["-h", "--help"])
    parts = [
        f'.TH AGGREGATOR 1 "" "aggregator {__version__}" "User Commands"',
        ".SH NAME\naggregator \\- feeds in, stories out: a feed aggregator and publisher",
        ".SH SYNOPSIS\n\\fBaggregator\\fR [\\fB\\-c\\fR \\fIFILE\\fR] \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]",
        ".SH DESCRIPTION\n" + flow(root.help or ""),
        ".SH OPTIONS",
        *terms(options(context)),
        *terms(iter([("-h, --help", "Shows what a command takes, and ends. Every command has it.")])),
        ".SH COMMANDS",
        *(part for name in COMMANDS for part in describe(child(context, name))),
        ".SH FILES",
        *terms(iter(FILES)),
        ".SH EXIT STATUS",
        *terms(iter(STATUSES)),
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(manual(), "ascii")

"""`aggregator init`: writes a commented starter config."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aggregator.errors import AggregatorError

if TYPE_CHECKING:
    from aggregator.commands.application import Application


@click.command()
@click.argument("file", default="feeds.yaml", type=click.Path(path_type=Path))
@click.pass_obj
def command(application: Application, file: Path) -> None:
    """Write a commented starter config. A file that is there already is never touched."""
    from importlib.resources import files

    from aggregator.commands.invocation import own_command
    from aggregator.files import hand_over

    content = files("aggregator.config").joinpath("starter.yaml").read_bytes()
    try:
        with file.open("xb") as stream:
            hand_over(stream.fileno(), file)
            stream.write(content)
    except FileExistsError:
        raise AggregatorError(f"{file} is there already; it was not touched") from None
    except OSError as error:
        raise AggregatorError(f"{file} can't be written: {error.strerror}") from None
    command = f"{own_command()} -c {file}"
    click.echo(f"wrote {file}; edit it, then: {command} check, and: {command} run")

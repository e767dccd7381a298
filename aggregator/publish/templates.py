"""The templates of web pages. The only module that imports jinja2."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

FOLDER = Path(__file__).with_name("templates")
"""Templates, the style sheet, and the script."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["markup"] = Markup  # only for bodies, which are cleaned by nh3 and scrubbed
    return made


@cache
def template(name: str) -> Template:
    """The template in a file of this name."""
    return _environment().get_template(name)

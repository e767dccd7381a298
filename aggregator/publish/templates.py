"""The templates of web pages. The only module that knows jinja2."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

OPTIONS: dict[str, Any] = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}


def new_environment() -> Environment:
    """The options of all templates, and where they are."""
    folder = Path(__file__).with_name("templates")
    made = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, **OPTIONS)
    made.filters["markup"] = Markup  # for bodies alone, which nh3 cleaned and scrub scrubbed
    return made


_environment = cache(new_environment)


@cache
def template(name: str) -> Template:
    """The template of a file's name."""
    return _environment().get_template(name)

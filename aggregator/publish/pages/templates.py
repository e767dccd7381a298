"""The templates of web pages. The only module that imports jinja2."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from aggregator.text.pictures import is_photo, without_images

LAZY = 'loading="lazy" decoding="async" referrerpolicy="no-referrer"'
"""Attributes of every image of a page."""
_IMAGE = re.compile(r'<img src="([^"]*)"([^<>]*)>')
_MEDIA = re.compile(r"<(audio|video)\b")
FOLDER = Path(__file__).with_name("templates")
"""Templates, the style sheet, and the script."""


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    made.filters["markup"] = _markup  # these two only for bodies, which are cleaned by nh3 and scrubbed
    made.filters["words"] = _words
    return made


def _markup(body: str) -> Markup:
    """Images load when they come into view, and their servers are not told of the page.

    Photographs of unknown height get a box, so that the text does not move when they come. Others may stand within a line.
    """
    return Markup(_quiet(_IMAGE.sub(_late, body)))


def _late(image: re.Match[str]) -> str:
    boxed = ' class="boxed"' if " height=" not in image[2] and is_photo(image[1]) else ""
    return f'<img{boxed} src="{image[1]}"{image[2]} {LAZY}>'


def _words(body: str) -> Markup:
    return Markup(_quiet(without_images(body)))


def _quiet(body: str) -> str:
    """Sound and film are fetched when they are played: until then their servers hear nothing of the reader."""
    return _MEDIA.sub(r'<\1 preload="none"', body)


@cache
def template(name: str) -> Template:
    """The template in a file of this name."""
    return _environment().get_template(name)

"""The templates of web pages. The only module that knows jinja2, which takes 13 ms to load."""

from __future__ import annotations

import sys
from contextlib import suppress
from functools import cache
from hashlib import sha256
from importlib.util import cache_from_source
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, Template
from jinja2.bccache import Bucket
from markupsafe import Markup

from aggregator.files import replace_file

OPTIONS: dict[str, Any] = {"autoescape": True, "trim_blocks": True, "lstrip_blocks": True}


class Beside(BytecodeCache):
    """Keeps what the templates are compiled to beside the compiled modules; where that can't be, they are compiled at each start.

    What was made of another text or by another Python jinja2 tells by itself; of another jinja2 or by other options, the name.
    """

    def __init__(self) -> None:
        made_by = sha256(repr((jinja2.__version__, OPTIONS)).encode()).hexdigest()[:12]
        self._stem = str(Path(cache_from_source(__file__)).with_suffix(f".{made_by}"))

    def _place(self, bucket: Bucket) -> Path:
        return Path(f"{self._stem}.{bucket.key[:12]}")

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError, EOFError, ValueError, UnpicklingError):
            bucket.bytecode_from_string(self._place(bucket).read_bytes())

    def dump_bytecode(self, bucket: Bucket) -> None:
        if sys.dont_write_bytecode:
            return
        with suppress(OSError):
            replace_file(self._place(bucket), bucket.bytecode_to_string(), 0o644, lasting=False)


def new_environment() -> Environment:
    """The options of all templates, and where they are."""
    folder = Path(__file__).with_name("templates")
    made = Environment(loader=FileSystemLoader(folder), undefined=StrictUndefined, bytecode_cache=Beside(), **OPTIONS)
    made.filters["markup"] = Markup  # for bodies alone, which nh3 cleaned and scrub scrubbed
    return made


_environment = cache(new_environment)


@cache
def template(name: str) -> Template:
    """The template of a file's name."""
    return _environment().get_template(name)

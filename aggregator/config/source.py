"""The bytes of a config file as text, or the exact places where they are not text."""

from __future__ import annotations

import re
from pathlib import Path

from aggregator.errors import ConfigError, Problem

MAX_BYTES = 64 * 1024 * 1024
"""A config is written by people or by a script; beyond this it is a wrong file."""

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
"""Control characters, lone surrogates, direction overrides: invisible, and never meant."""

MOST_PLACES = 20
"""A binary file would otherwise be told character by character."""


def read_bytes(file: Path) -> bytes:
    """The content of the file. Raises ConfigError when it can't be read or is too large to be a config."""
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError([Problem(str(file), 0, 0, "there is no such file; `aggregator init` writes a starter file")]) from None
    except OSError as error:
        raise ConfigError([Problem(str(file), 0, 0, f"can't be read: {error.strerror or type(error).__name__}")]) from None
    if len(raw) > MAX_BYTES:
        raise ConfigError([Problem(str(file), 1, 1, f"the file is larger than {MAX_BYTES // 2**20} MiB; is this the right one?")])
    return raw


def decode(name: str, raw: bytes) -> str:
    """UTF-8 text without its byte order mark. Raises ConfigError with the line of each bad byte or character."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise ConfigError([Problem(name, 1, 1, "the file's encoding is UTF-16; save it as UTF-8")])
    try:
        text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode("utf-8", "replace")
        line, column = place(before, len(before))
        message = f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file in the encoding UTF-8"
        raise ConfigError([Problem(name, line, column, message)]) from None
    found = [Problem(name, *place(text, match.start()), unfit(match.group())) for match in _first(text)]
    if found:
        raise ConfigError(found)
    return text


def unfit(character: str) -> str:
    """What to say of a character that may not be in a config."""
    return f"character U+{ord(character):04X} is a control or direction character that can't be seen; remove it"


def place(text: str, index: int) -> tuple[int, int]:
    """Line and column of an index, both from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _first(text: str) -> list[re.Match[str]]:
    found = []
    for match in FORBIDDEN.finditer(text):
        found.append(match)
        if len(found) == MOST_PLACES:
            break
    return found

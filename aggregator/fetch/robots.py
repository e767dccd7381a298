"""robots.txt (RFC 9309): which paths of a site a program may ask for. Pure.

Python's own `urllib.robotparser` knows no wildcards and lets the first rule win, not the longest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

LONGEST = 500 * 1024
"""Bytes of the document that are read (RFC 9309 2.5 asks for at least so many)."""
MOST_RULES = 10_000
"""Rules of one document that are kept: each path is compared with all of them."""

_TOKEN = re.compile(r"[A-Za-z_-]+")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_ASCII = "".join(map(chr, range(128)))
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
"""Octets that mean the same escaped or not (RFC 3986 2.3)."""


class Rule(Struct, frozen=True):
    """A path pattern, in parts between its wildcards. ends: it ends with `$`; length: in octets, the longest match wins."""

    allows: bool
    parts: tuple[str, ...]
    ends: bool
    length: int

    def matches(self, path: str) -> bool:
        """Whether a normalised path matches. Each part is looked for once, so time grows with path times parts at most."""
        first, *others = self.parts
        if not path.startswith(first):
            return False
        at = len(first)
        for number, part in enumerate(others, start=1):
            if self.ends and number == len(others):
                return len(path) - len(part) >= at and path.endswith(part)
            if (at := path.find(part, at)) < 0:
                return False
            at += len(part)
        return not self.ends or at == len(path)


ALLOW_ALL: tuple[Rule, ...] = ()
DISALLOW_ALL = (Rule(False, ("/",), False, 1),)


def product_token(user_agent: str) -> str:
    """What robots.txt calls a program: the name at the beginning of its User-Agent header (RFC 9309 2.2.1)."""
    found = _TOKEN.match(user_agent)
    return found.group().lower() if found else ""


def rules_for(body: bytes, user_agent: str) -> tuple[Rule, ...]:
    """The rules of all groups that name this program; if none does, those of the groups for all (`*`)."""
    token = product_token(user_agent)
    own: list[Rule] = []
    others: list[Rule] = []
    is_named = False
    for agents, rules in _groups(body[:LONGEST].decode("utf-8", "replace")):
        if token and token in agents:
            is_named = True
            own += rules
        elif "*" in agents:
            others += rules
    return tuple(own if is_named else others)[:MOST_RULES]


def allows(rules: Iterable[Rule], url: str) -> bool:
    """Whether the rules let a program ask for an address: the longest match decides, `Allow` if two are as long."""
    parts = urlsplit(url)
    path = _normalised(parts.path or "/")
    if "/." in path:  # `/a/%2e%2e/b` is `/b` for many servers (RFC 3986 6.2.2.3)
        path = urlsplit(urljoin(url, f"/.{path}")).path
    path += _normalised(f"?{parts.query}") if parts.query else ""
    if path == "/robots.txt":
        return True
    return max(((rule.length, rule.allows) for rule in rules if rule.matches(path)), default=(0, True))[1]


def _groups(text: str) -> Iterator[tuple[frozenset[str], list[Rule]]]:
    """Each group: the programs that it names, and its rules. Rules before the first group are nobody's."""
    agents: set[str] = set()
    rules: list[Rule] = []
    is_open = True
    for name, value in _lines(text):
        if name == "user-agent":
            if not is_open:
                yield frozenset(agents), rules
                agents, rules, is_open = set(), [], True
            agents.add("*" if value.startswith("*") else product_token(value))
        elif name in ("allow", "disallow"):
            is_open = False
            if value and agents:
                rules.append(_rule(name == "allow", value))
    yield frozenset(agents), rules


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in re.split(r"[\r\n]+", text.removeprefix("\ufeff")):
        name, separator, value = line.partition("#")[0].partition(":")
        if separator:
            yield name.strip().lower(), value.strip()


def _rule(allows: bool, pattern: str) -> Rule:
    ends = pattern.endswith("$")
    written = _normalised(pattern.removesuffix("$") if ends else pattern)
    if not written.startswith(("/", "*")):
        written = f"/{written}"  # as is often meant
    parts = tuple(re.split(r"\*+", written))
    return Rule(allows, parts, ends, len(written.encode()) + ends)


def _normalised(path: str) -> str:
    """A path with octets beyond ASCII escaped, and with those unescaped that need no escape (RFC 9309 2.2.2)."""
    return _ESCAPE.sub(_unescape, quote(path, safe=_ASCII, errors="replace"))


def _unescape(found: re.Match[str]) -> str:
    octet = int(found[1], 16)
    return chr(octet) if octet in _PLAIN else f"%{found[1].upper()}"

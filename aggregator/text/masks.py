"""Addresses and texts without the secrets in them, for everything that is shown, logged or published.

Private feeds, webhooks and calendars carry their secret in the address: as a password, a parameter, or a part of the path
that nobody can guess. What is masked here is the address of a source, a list, a proxy, a hub or a webhook where it is *told*.
Links of published stories are not: they are what a reader is to open.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING
from urllib.parse import unquote, unquote_plus

if TYPE_CHECKING:
    from msgspec import Struct

MASK = "***"
_PLAIN = re.compile(
    r"https?://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:/(?:[a-z._-]{0,19}|[0-9]{0,9}|[a-z]{1,9}[-_]?[0-9]{1,4}(?:\.[a-z]{1,4})?))*", re.ASCII
)
"""What most addresses look like, in which nothing can be a secret: a quicker way to say so."""
_USER = re.compile(r"^(\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[/\\]{2})[^/?#\\]*@")
_PARTS = re.compile(r"([^?#]*)(\??[^#]*)(#?.*)", re.DOTALL)
_PLACE = re.compile(r"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[/\\]{2}[^/\\?#]*")
"""Scheme and host, behind which the path begins."""
_TOLD = re.compile(
    r"(?P<address>(?:\b[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^\s\"'`<>\\]+)|(?<=[?&;])(?P<name>[\w.%\[\]~-]+)=(?P<value>[^\s&#;\"'`<>\\]+)"
)
"""An address in a text, or a parameter of one that is told without its scheme and host."""
_TAIL = ").,;:!?]}"
"""What ends a sentence, or the brackets around an address, and not the address itself."""

_WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+")
_SECRET_WORDS = frozenset(
    (
        *(
            "apikey",
            "auth",
            "authkey",
            "bearer",
            "cred",
            "creds",
            "credential",
            "credentials",
            "hash",
            "hmac",
            "jwt",
            "key",
            "keys",
        ),
        *("oauth", "otp", "pass", "passcode", "passphrase", "passwd", "password", "pin", "private", "psw", "pw", "pwd", "secret"),
        *("session", "sessid", "sid", "sig", "signature", "tok", "token"),
    )
)
"""Words of a parameter's name that say that its value is one: `rss_token`, `authKey`, `X-Amz-Signature`, `Key-Pair-Id`."""
_SECRET_ENDS = re.compile(
    r"token|secret|passw|passphrase|session|sessid|signature|credential|api-?key|(?:auth|access|feed|rss|user|private|secret)-?key|auth$"
)
"""The same inside a name that is written as one word: `rsstoken`, `PHPSESSID`, `AWSAccessKeyId`."""
_NAME_WORDS = frozenset(("id", "ids", "guid", "channel", "list", "playlist"))
"""Last words of parameters that name something public, however random that looks: `channel_id=UC…`."""

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
"""A part of an address as the config has it: a name, not what it stands for."""
_ENDING = re.compile(r"\.[a-zA-Z][a-zA-Z0-9]{0,5}\Z")
_INNER = re.compile(r"([^:=;,]+[:=])([^;,]+)")
"""A name and its value inside a part of a path: `token=…`, `secret:…`, `;jsessionid=…`."""
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]+")
_UUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")
_HEX = re.compile(r"(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,}|[0-9]{20,}|[A-Z]{16,}")
"""Digests, long numbers, and keys in capitals."""
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}")
SHORT = 10
"""Letters and digits of the shortest part that can be told from a name."""
LONG = 16
"""From so many on, four changes between letters and digits are no name any more."""
_BEHIND = frozenset(
    ("private", "secret", "token", "tokens", "key", "keys", "auth", "session", "sessions", "hook", "hooks", "webhook", "webhooks")
)
"""Parts of a path behind which a shorter secret stands: `/private/x7Qa92`."""


def shown(url: str) -> str:
    """The address with `***` in place of what may be a secret: parameters, parts of the path. User and password are left out."""
    if _PLAIN.fullmatch(url):
        return url
    bare = without_user(url)
    place = _PLACE.match(bare)
    start = place.end() if place else 0
    if "@" in bare and bare[start : start + 1] in ("?", "#"):
        start = 0  # what looks like the host may be the beginning of a password
    path, query, fragment = _PARTS.match(bare[start:]).groups()  # type: ignore[union-attr] # it matches any text
    path = _path(path) if len(path) > SHORT or "=" in path else path
    return bare[:start] + path + (_query(query) if query else "") + (_query(fragment) if fragment else "")


def without_user(url: str) -> str:
    """The address without user name and password, and whole beside that."""
    return _USER.sub(r"\1", url) if "@" in url else url


def hide(text: str, secrets: Collection[str] = ()) -> str:
    """The text with every address in it as `shown`, and `***` for every secret (`Settings.secrets`), longer ones first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _TOLD.sub(_told, text) if "//" in text or "=" in text else text


def has_secret(url: str) -> bool:
    """Whether `shown` would leave something out."""
    return shown(url) != url


def _told(match: re.Match[str]) -> str:
    if (name := match["name"]) is not None:
        return f"{name}={MASK}" if _is_secret(name, match["value"]) else match[0]
    address = match[0].rstrip(_TAIL)
    return shown(address) + match[0][len(address) :]


# --- parameters
def _query(text: str) -> str:
    """A query or a fragment, with its `?` or `#`."""
    pieces = re.split(r"([&;])", text[1:])
    return text[0] + "".join(piece if piece in ("&", ";") else _field(piece) for piece in pieces)


def _field(piece: str) -> str:
    name, equals, value = piece.partition("=")
    if not equals:
        return MASK if _is_random(unquote_plus(piece)) else piece
    return f"{name}={MASK}" if value and _is_secret(name, value) else piece


def _is_secret(name: str, value: str) -> bool:
    """By its name, by its form, or because it is an address with a secret in it."""
    if _VARIABLE.fullmatch(value) or value == MASK:
        return False
    words = [word.lower() for word in _WORD.findall(unquote_plus(name))]
    if not _SECRET_WORDS.isdisjoint(words) or _SECRET_ENDS.search("-".join(words)) or _SECRET_ENDS.search("".join(words)):
        return True
    plain = unquote_plus(value)
    if "//" in plain and has_secret(plain):
        return True
    return not (words and words[-1] in _NAME_WORDS) and _is_random(plain)


# --- paths
def _path(path: str) -> str:
    before, masked = "", []
    for part in path.split("/"):
        masked.append(_part(part, before))
        before = part.lower()
    return "/".join(masked)


def _part(part: str, before: str) -> str:
    plain = unquote(part) if "%" in part else part
    if "=" in plain or ":" in plain or ";" in plain:
        told = _INNER.sub(_inner, plain)
        if told != plain:
            return told
    plain = _VARIABLE.sub("", plain) if "$" in plain else plain
    if len(plain) < 6:
        return part
    stem = _ENDING.sub("", plain)
    if _is_random(stem) or _is_random(plain) or (before in _BEHIND and _is_mixed(stem)):
        return MASK + plain[len(stem) :]
    return part


def _inner(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if _is_secret(match[1][:-1].rpartition("/")[2], match[2]) else match[0]


def _is_mixed(text: str) -> bool:
    """Whether letters and digits, or small and capital letters within it, stand in one short part: no word has that."""
    return text.isalnum() and len(text) >= 6 and len(_RUNS.findall(text)) >= 3


def _is_random(text: str) -> bool:
    """Whether a text has the form of a key rather than that of a name, a slug, a date or a number."""
    if len(text) < SHORT:
        return False
    if _UUID.search(text):
        return True
    pieces = re.split(r"[^A-Za-z0-9]+", text)
    if any(len(piece) >= SHORT and _is_key(piece) for piece in pieces):
        return True
    whole = "".join(pieces)  # base64url has dashes inside
    return len(whole) >= 2 * SHORT and len(pieces) > 1 and len(_RUNS.findall(whole)) > 0.35 * len(whole)


def _is_key(piece: str) -> bool:
    """The same of letters and digits alone: how often small letters, capitals and digits take turns tells them apart."""
    if _HEX.search(piece):
        return True
    if piece.isalpha() and (piece.islower() or piece.isupper()):
        return len(piece) >= 2 * SHORT and _CONSONANTS.search(piece.lower()) is not None
    runs = len(_RUNS.findall(piece))
    if len(piece) >= LONG and not piece.isalpha():
        return runs >= 4
    return runs >= 4 and runs >= 0.3 * len(piece)


def repr_without(value: Struct, *hidden: str) -> str:
    """What `repr` says of a value, but for the fields that hold secrets."""
    shown = (f"{name}={getattr(value, name)!r}" for name in value.__struct_fields__ if name not in hidden)
    return f"{type(value).__name__}({', '.join(shown)})"

"""Masks secrets in addresses and texts that are shown, logged or published.

Private feeds, webhooks and calendars have their secret in the address: a password, a parameter, or a part of the path that
nobody can guess. Addresses of sources, lists, proxies, hubs and webhooks are masked wherever they are *shown*. Links of
published stories are not: readers must be able to open them.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import unquote, unquote_plus

from msgspec import Struct

MASK = "***"
_PLAIN = re.compile(
    r"https?://[a-zA-Z0-9.-]+(?::[0-9]+)?(?:/(?:[a-z._-]{0,19}|[0-9]{0,9}|[a-z]{1,9}[-_]?[0-9]{1,4}(?:\.[a-z]{1,4})?))*", re.ASCII
)
"""Matches most addresses, none of which can hold a secret: a fast path."""
_USER = re.compile(r"^(\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[/\\]{2})[^/?#\\]*@")
_PARTS = re.compile(r"([^?#]*)(\??[^#]*)(#?.*)", re.DOTALL)
_PLACE = re.compile(r"\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?[/\\]{2}[^/\\?#]*")
"""Scheme and host, before the path."""
_ADDRESS_OR_PARAMETER = re.compile(
    r"(?P<address>(?:\b[a-zA-Z][a-zA-Z0-9+.-]*:)?//[^\s\"'`<>\\]+)|(?<=[?&;])(?P<name>[\w.%\[\]~-]+)=(?P<value>[^\s&#;\"'`<>\\]+)"
)
"""An address in a text, or a parameter of an address without scheme and host."""
_TAIL = ").,;:!?]}"
"""Characters that end a sentence or close brackets around an address, and don't belong to it."""

_WORD = re.compile(r"[a-z]+|[A-Z]+(?![a-z])|[A-Z][a-z]+")
_SECRET_WORD_LIST = """
    apikey auth authkey bearer cred creds credential credentials hash hmac jwt key keys oauth otp pass passcode passphrase
    passwd password pin private psw pw pwd secret session sessid sid sig signature tok token
"""
_SECRET_WORDS = frozenset(_SECRET_WORD_LIST.split())
"""Words in a parameter's name that mark its value as a secret: `rss_token`, `authKey`, `X-Amz-Signature`, `Key-Pair-Id`."""
_SECRET_ENDS = re.compile(
    r"token|secret|passw|passphrase|session|sessid|signature|credential|api-?key|(?:auth|access|feed|rss|user|private|secret)-?key|auth$"
)
"""The same in names written as one word: `rsstoken`, `PHPSESSID`, `AWSAccessKeyId`."""
_NAME_WORDS = frozenset(("id", "ids", "guid", "channel", "list", "playlist"))
"""Last words of parameters whose values are public, however random they look: `channel_id=UC…`."""

_VARIABLE = re.compile(r"\$\{[^}]*\}?")
"""A variable as the config writes it: its name, not its value."""
_ENDING = re.compile(r"\.[a-zA-Z][a-zA-Z0-9]{0,5}\Z")
_BOUNDS = re.compile(r"[/?#&;=:@]")
_INNER = re.compile(r"([^:=;,]+[:=])([^;,]+)")
"""A name with a value in a part of a path: `token=…`, `secret:…`, `;jsessionid=…`."""
_RUNS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[A-Z]|[0-9]+")
_UUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}(?![0-9a-f])")
_HEX = re.compile(r"(?=[a-fA-F]*[0-9])(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,}|[0-9]{20,}|[A-Z]{16,}")
"""Digests, long numbers, and keys in capitals."""
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6}")
SHORT_KEY = 10
"""Characters of the shortest key that can be told from a name."""
SHORTEST_VALUE = 4
"""Characters of the shortest value of a variable that is masked in texts."""
LONG_KEY = 16
"""Characters from which on four runs of letters and digits are a key, not a name."""
_BEFORE_SECRET = frozenset(
    ("private", "secret", "token", "tokens", "key", "keys", "auth", "session", "sessions", "hook", "hooks", "webhook", "webhooks")
)
"""Parts of a path that are followed by a secret, which may then be shorter: `/private/x7Qa92`."""


def mask_url(url: str) -> str:
    """The address with `***` for parameters and parts of the path that may be secret, and without user and password."""
    if _PLAIN.fullmatch(url):
        return url
    bare = without_user(url)
    place = _PLACE.match(bare)
    start = place.end() if place else 0
    if "@" in bare and bare[start : start + 1] in ("?", "#"):
        start = 0  # what looks like the host may be the beginning of a password
    path, query, fragment = _PARTS.match(bare[start:]).groups()  # type: ignore[union-attr] # it matches any text
    path = _mask_path(path) if len(path) > SHORT_KEY or "=" in path else path
    return bare[:start] + path + (_mask_query(query) if query else "") + (_mask_query(fragment) if fragment else "")


def without_user(url: str) -> str:
    """The address without user name and password, otherwise unchanged."""
    return _USER.sub(r"\1", url) if "@" in url else url


def mask_text(text: str, secrets: Collection[str] = ()) -> str:
    """The text with its addresses masked, and `***` for each of the secrets (`Settings.secrets`), longer ones first."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return _ADDRESS_OR_PARAMETER.sub(_mask_match, text) if "//" in text or "=" in text else text


def has_secret(url: str) -> bool:
    """True if `mask_url` would mask something."""
    return mask_url(url) != url


def is_secret(name: str, value: str) -> bool:
    """Whether the value of a variable is secret, by its name or its form. Short ones are not: to mask "de" would hide words."""
    return len(value) >= SHORTEST_VALUE and _is_secret(name, value)


def _mask_match(match: re.Match[str]) -> str:
    if (name := match["name"]) is not None:
        return f"{name}={MASK}" if _is_secret(name, match["value"]) else match[0]
    address = match[0].rstrip(_TAIL)
    return mask_url(address) + match[0][len(address) :]


def has_secret_query(url: str) -> bool:
    """True if something behind the path of an address may be secret. Paths of pictures are often random, and no secret."""
    start = _PLACE.match(url)
    query = url.partition("?")[1:] if "?" in url else url.partition("#")[1:]
    return start is not None and has_secret(f"{start[0]}/{''.join(query)}")


def secret_parts(url: str) -> frozenset[str]:
    """The parts of an address that `mask_url` masks, as written and decoded."""
    masked = mask_url(url)
    if masked == url:
        return frozenset()
    parts = set(_BOUNDS.split(url)) - set(_BOUNDS.split(masked))
    stems = {_ENDING.sub("", part) for part in parts}
    return frozenset(form for part in parts | stems for form in (part, unquote(part)) if form)


# --- parameters
def _mask_query(text: str) -> str:
    """A query or a fragment, with its `?` or `#`."""
    pieces = re.split(r"([&;])", text[1:])
    return text[0] + "".join(piece if piece in ("&", ";") else _mask_field(piece) for piece in pieces)


def _mask_field(piece: str) -> str:
    name, equals, value = piece.partition("=")
    if not equals:
        return MASK if _is_random(unquote_plus(piece)) else piece
    return f"{name}={MASK}" if value and _is_secret(name, value) else piece


def _is_secret(name: str, value: str) -> bool:
    """True by the parameter's name, by the form of its value, or if the value is an address with a secret."""
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
def _mask_path(path: str) -> str:
    before, masked = "", []
    for part in path.split("/"):
        masked.append(_mask_part(part, before))
        before = part.lower()
    return "/".join(masked)


def _mask_part(part: str, before: str) -> str:
    plain = unquote(part) if "%" in part else part
    if "=" in plain or ":" in plain or ";" in plain:
        told = _INNER.sub(_mask_inner, plain)
        if told != plain:
            return told
    plain = _VARIABLE.sub("", plain) if "$" in plain else plain
    if len(plain) < 6:
        return part
    stem = _ENDING.sub("", plain)
    if _is_random(stem) or _is_random(plain) or (before in _BEFORE_SECRET and _is_mixed(stem)):
        return MASK + plain[len(stem) :]
    return part


def _mask_inner(match: re.Match[str]) -> str:
    return f"{match[1]}{MASK}" if _is_secret(match[1][:-1].rpartition("/")[2], match[2]) else match[0]


def _is_mixed(text: str) -> bool:
    """True if a short part mixes letters and digits, or small and capital letters, as no word does."""
    return text.isalnum() and len(text) >= 6 and len(_RUNS.findall(text)) >= 3


def _is_random(text: str) -> bool:
    """True if a text looks like a key rather than a name, a slug, a date or a number."""
    if len(text) < SHORT_KEY:
        return False
    if _UUID.search(text):
        return True
    pieces = re.split(r"[^A-Za-z0-9]+", text)
    if any(len(piece) >= SHORT_KEY and _is_key(piece) for piece in pieces):
        return True
    whole = "".join(pieces)  # base64url has dashes inside
    return len(whole) >= 2 * SHORT_KEY and len(pieces) > 1 and len(_RUNS.findall(whole)) > 0.35 * len(whole)


def _is_key(piece: str) -> bool:
    """`_is_random` for letters and digits: keys switch often between small letters, capitals and digits."""
    if _HEX.search(piece):
        return True
    if piece.isalpha() and (piece.islower() or piece.isupper()):
        return len(piece) >= 2 * SHORT_KEY and _CONSONANTS.search(piece.lower()) is not None
    runs = len(_RUNS.findall(piece))
    if len(piece) >= LONG_KEY and not piece.isalpha():
        return runs >= 4
    return runs >= 4 and runs >= 0.3 * len(piece)


def repr_without(value: Struct, *hidden: str) -> str:
    """`repr` of a struct without the fields that hold secrets."""
    shown = (f"{name}={getattr(value, name)!r}" for name in value.__struct_fields__ if name not in hidden)
    return f"{type(value).__name__}({', '.join(shown)})"

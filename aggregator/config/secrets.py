"""Values that may hold secrets: `${VAR}` from the environment, `file:/run/secrets/x`, and addresses with a password.

What was filled in is never shown: messages, diffs and ids use the written form.
"""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import urlsplit

from msgspec import Struct

from aggregator.config.kinds import Filled, text, wrong
from aggregator.config.scalars import Trap
from aggregator.config.source import FORBIDDEN
from aggregator.config.surroundings import Surroundings
from aggregator.config.values import BREAKS
from aggregator.text.masks import mask_url, repr_without

VARIABLE = re.compile(r"\$\{([^}\n]*)(\}?)")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_SECRET = 64 * 1024
MAX_URL = 8000
SCHEMES = "http:// or https://"
LIKE_HOST = re.compile(r"(?://)?[\w-]+(?:\.[\w-]+)+(?:[:/]|$)")
"""An address of which the scheme was left out."""
PLAIN_URL = re.compile(
    r"https?://[a-zA-Z0-9-]{1,63}(?:\.[a-zA-Z0-9-]{1,63})*(?::(?:[1-9]\d{0,3}|[1-5]\d{4}))?(?:/[\w/.~%?=&+-]*)?", re.ASCII
)
"""What nearly every address looks like, and nothing is wrong with: a quicker way to say so."""
SHORT_URL = 253
"""Characters of an address of which the host can't be too long."""
NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")
HEADER_FORM = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
OWN_HEADERS = frozenset(
    (
        "host",
        "connection",
        "content-length",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "if-none-match",
        "if-modified-since",
        "accept-encoding",
        "a-im",
    )
)
"""The fetcher's own: setting them would break conditional requests or the connection."""


class Secretive(Struct, frozen=True):
    """value: to be used; shown: to be shown (as written, passwords masked)."""

    value: str
    shown: str

    def __repr__(self) -> str:
        return repr_without(self, "value")


def fill(text: str, around: Surroundings) -> str:
    """The text with its variables and files filled in."""
    filled = VARIABLE.sub(partial(_variable, around), text) if "${" in text else text
    return _secret_file(filled, around) if text.startswith("file:") and not text.startswith("file://") else filled


def _variable(around: Surroundings, match: re.Match[str]) -> str:
    name, closed = match.groups()
    if not closed:
        wrong("a `${` is not closed with `}`")
    if name.startswith("file:"):
        return _secret_file(name, around)
    if not NAME.fullmatch(name):
        wrong(f"`${{{name[:40]}}}` names no environment variable; write ${{NAME}}")
    if name not in around.environ:
        wrong(f"the environment variable {name[:60]} is not set; set it where aggregator is started (`export {name[:60]}=…`)")
    around.secrets.add(around.environ[name])
    return around.environ[name]


def _secret_file(reference: str, around: Surroundings) -> str:
    path = around.directory / reference.removeprefix("file:")
    around.files.add(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(MAX_SECRET + 1)
        text = raw.decode("utf-8").strip("\r\n")
    except OSError as error:
        wrong(f"the secret file {path} can't be read: {error.strerror or type(error).__name__}")
    except UnicodeDecodeError:
        wrong(f"the secret file {path} is not UTF-8 text")
    if len(raw) > MAX_SECRET or not text:
        wrong(f"the secret file {path} is {'empty' if not text else 'too large'}")
    around.secrets.add(text)
    return text


def text_or_wrong(value: object, what: str) -> str:  # noqa: RET503 - `wrong` never returns
    """The value if it is text."""
    if isinstance(value, str):
        return value
    reads = {True: "a truth value", False: "a number"}[isinstance(value, bool)]
    if isinstance(value, Trap):
        reads = value.reads_as.split(" (")[0]
    elif not isinstance(value, bool | int):
        wrong(f"the {what} must be text, not {'a list' if isinstance(value, list) else 'a map'}")
    wrong(f"the {what} must be text, but YAML reads this as {reads}; put it in quotes")


def secret_text(what: str, value: object, around: Surroundings) -> Secretive:
    """One line of text, filled in."""
    said = text_or_wrong(value, what)
    filled = fill(said, around)
    if not filled.strip() or FORBIDDEN.search(filled) or BREAKS.search(filled):
        wrong(f"the {what} must be one line of text without control characters" if filled.strip() else f"the {what} is empty")
    return Secretive(filled, said)


def token(value: object, around: Surroundings) -> Secretive:
    """An access token: visible ASCII that fits into a query string."""
    found = secret_text("token", value, around)
    if not re.fullmatch(r"[\x21-\x7e]{8,256}", found.value):
        wrong("a token is 8 to 256 visible ASCII characters; for example the output of `openssl rand -hex 16`")
    return found


def header_value(value: object, around: Surroundings) -> Secretive:
    """A header's value: latin-1, one line."""
    found = secret_text("header", value, around)
    try:
        found.value.encode("latin-1")
    except UnicodeEncodeError:
        wrong("a header's value has a character that HTTP can't carry")
    return found


def header_name(value: str) -> str:
    """A header's name that is not the fetcher's own."""
    if not HEADER_FORM.fullmatch(value):
        wrong(f"`{value[:40]}` is no header name")
    if value.lower() in OWN_HEADERS:
        wrong(f"the header {value[:40]} is set by the fetcher itself; remove it")
    return value


def address(value: object, around: Surroundings) -> Secretive:
    """An absolute http or https URL, filled in. Passwords in it are kept but never shown."""
    said = text_or_wrong(value, "url")
    filled = fill(said, around)
    if filled != said and not filled.startswith(("http://", "https://")):
        wrong(f"what this url is filled in with does not begin with {SCHEMES}")
    check_url(filled, hidden=filled != said)
    return Secretive(filled, mask_url(said))


def check_url(url: str, *, hidden: bool = False) -> None:
    """Refuses what is no absolute http or https URL with a host; `hidden`: nothing of it may be shown."""
    if len(url) > SHORT_URL or not PLAIN_URL.fullmatch(url):
        look_closely(url, hidden=hidden)


def look_closely(url: str, *, hidden: bool) -> None:
    """As `check_url`, for any address."""
    if not url:
        wrong(f"the url is empty; it must begin with {SCHEMES}")
    told = "this url" if hidden or "@" in url else f"the url `{masked(url)[:80]}`"
    if found := NOT_IN_URL.search(url):
        what = (
            "a blank"
            if found.group().isspace()
            else f"the character `{found.group()}`"
            if found.group().isprintable()
            else "a control character"
        )
        wrong(f"{told} contains {what}; write it as %{ord(found.group()):02X}, or check that it is one address")
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme, parts.hostname, parts.port
    except ValueError:
        wrong(f"{told} has a host or port that is not valid")
    if scheme not in ("http", "https"):
        near = (
            f"; did you mean https://{masked(url).lstrip('/')[:80]}?"
            if LIKE_HOST.match(url) and "@" not in url and not hidden
            else ""
        )
        wrong(f"{told} must begin with {SCHEMES}{near}")
    if not host or not _host_fits(host):
        wrong(f"{told} names no host" if not host else f"{told} has a host name that is not valid")
    if port == 0 or len(url) > MAX_URL:
        wrong(f"{told} has a port that is not valid" if port == 0 else f"a url is longer than {MAX_URL} characters")


def _host_fits(host: str) -> bool:
    if ":" in host:
        return True
    labels = host.rstrip(".").split(".")
    return len(host) <= 253 and all(0 < len(label) <= 63 for label in labels) and not set(host) & set("%!$&'()*+,;=[]")


def masked(url: str) -> str:
    """A text that should be a URL, without what may be a secret: for messages. Takes no chances with broken ones."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        scheme, rest = "", url
    return mask_url(f"{scheme}{colon}{rest.rpartition('@')[2]}")


URL = Filled(address, {"type": "string", "examples": ["https://example.org/feed.xml"]})
TOKEN = Filled(token, {"type": "string", "minLength": 8})
HEADER_NAME = text(header_name)
HEADER_VALUE = Filled(header_value, {"type": "string"})

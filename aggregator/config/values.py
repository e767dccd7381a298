"""The kinds of values that `feeds.yaml` holds, each with a check that says what to write instead.

What may hold a secret never appears in a message.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_network
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from aggregator.config.kinds import Value, text, wrong
from aggregator.config.scalars import Trap
from aggregator.model import Auto, Cron, Every, Fixed
from aggregator.text.publishers import KNOWN
from aggregator.text.suffixes import rules_for
from aggregator.text.urls import registrable_domain

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
DURATION = re.compile(r"(?:([0-9]{1,9})w)?(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
LONG_UNITS = re.compile(r"([0-9]{1,9})\s*(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?", re.IGNORECASE)
BEFORE_DURATION = re.compile(r"^(?:every|each|@|an?(?=[a-z]{3})|pt?(?=[0-9]))+")
"""What people write before a duration: `every 5 minutes`, `PT5M`."""
DECIMAL = re.compile(r"([0-9]{1,6})[.,]([0-9]{1,3})(w|d|h|m|s)(?:eeks?|ays?|ours?|rs?|in(?:ute)?s?|ec(?:ond)?s?)?")
DURATION_WORDS = {
    "minute": "1m", "halfanhour": "30m", "halfhour": "30m", "hour": "1h", "hourly": "1h", "day": "1d", "daily": "1d",
    "week": "1w", "weekly": "1w",
}  # fmt: skip
DURATION_SCHEMA = {
    "type": "string",
    "pattern": r"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
    "examples": ["5m", "1h30m"],
}
EXAMPLES = "write for example 90s, 5m, 2h, 1d or 1h30m"
BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}
ZERO = re.compile(r"(?:0+[wdhms]?)+")
CRON_LIKE = re.compile(r"[0-9*][0-9*/,-]*\s+[0-9*?/,-]+(?:\s+\S+)*")
"""What can only be meant as a cron line: its first two words are numbers or stars."""
SIZE_FORM = re.compile(r"([0-9]{1,12})\s*(B|[KMG]i?B)", re.IGNORECASE)
ID_FORM = re.compile(r"[a-z0-9][a-z0-9._-]*")
HOST_FORM = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")
PUBLISHER_FORM = re.compile(r"(?:[\w-]+\.)+[^\W\d_][\w-]+(?:/[\w.@~-]+){0,2}")
TAG_FORM = re.compile(r"\w[\w.\-/]*")
LANGUAGE_FORM = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
BREAKS = re.compile("[\t\n\r\x85\u2028\u2029]")
"""Blanks that don't belong into one line of text."""
MAX_ID = 80


def written(value: object) -> str:
    """A value as its author wrote it, shortened."""
    if isinstance(value, Trap):
        return value.written[:60]
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:60] if isinstance(value, str | int) else type(value).__name__


# --- durations, sizes
def duration(value: object) -> float:
    """Seconds of a text such as `1h30m`."""
    if isinstance(value, Trap):
        wrong(f"`{value.written}` is no duration (YAML reads it as {value.reads_as}): a unit is missing; {EXAMPLES}")
    if isinstance(value, int) and not isinstance(value, bool):
        wrong(
            f"a duration needs a unit: `{value}s` for seconds, `{value}m` for minutes"
            if value >= 0
            else f"a duration can't be negative; {EXAMPLES}"
        )
    if not isinstance(value, str):
        wrong(f"a duration is needed; {EXAMPLES}")
    if value.startswith("-"):
        wrong(f"`{value[:40]}`: a duration can't be negative; {EXAMPLES}")
    match = DURATION.fullmatch(value)
    if not match or not value:
        near = _near_duration(value)
        wrong(f"`{value[:40]}` is no duration" + (near or f"; {EXAMPLES}"))
    return sum(
        int(number) * unit
        for number, unit in zip(match.groups(), (604_800.0, 86_400.0, 3600.0, 60.0, 1.0), strict=True)
        if number
    )


def _near_duration(text: str) -> str:
    """What was probably meant by a text that is no duration."""
    plain = BEFORE_DURATION.sub("", "".join(text.lower().split()))
    parts = list(LONG_UNITS.finditer(plain))
    meant = DURATION_WORDS.get(plain, "")
    if parts and "".join(part[0] for part in parts) == plain:
        meant = "".join(f"{part[1]}{part[2].lower()}" for part in parts)
    elif decimal := DECIMAL.fullmatch(plain):
        seconds = float(f"{decimal[1]}.{decimal[2]}") * SECONDS[decimal[3]]
        meant = in_words(seconds) if seconds >= 1 and seconds.is_integer() else ""
    elif not meant and plain:
        meant = next((each for each in (plain, f"{plain}s") if DURATION.fullmatch(each)), "")
    return f"; did you mean {meant}?" if meant and DURATION.fullmatch(meant) else ""


def in_words(seconds: float) -> str:
    """A duration as it is written in the file."""
    for unit in ("d", "h", "m"):
        if seconds >= SECONDS[unit] and seconds % SECONDS[unit] == 0:
            return f"{seconds / SECONDS[unit]:.0f}{unit}"
    return f"{seconds:g}s"


def _within(low: float, high: float, value: object) -> float:
    """The seconds of a written duration, if they are within the bounds."""
    seconds = duration(value)
    if not low <= seconds <= high:
        wrong(f"`{written(value)}` is not between {in_words(low)} and {in_words(high)}")
    return seconds


def span(low: float, high: float) -> Value[float]:
    """A duration within bounds (seconds)."""
    return Value(partial(_within, low, high), DURATION_SCHEMA, in_words)


def size(value: object) -> int:
    """Bytes of a text such as `15MB` (decimal) or `15MiB` (binary)."""
    if isinstance(value, Trap) or (isinstance(value, int) and not isinstance(value, bool)):
        wrong(f"a size needs a unit: `{written(value)}MB` for example")
    match = SIZE_FORM.fullmatch(value) if isinstance(value, str) else None
    if not match:
        wrong(f"`{written(value)}` is no size; write for example 500KB, 15MB or 1GB")
    count = int(match[1]) * BYTES[match[2].upper()]
    if not 1000 <= count <= 10**9:
        wrong(f"`{written(value)}` is not between 1KB and 1GB")
    return count


def size_in_words(count: int) -> str:
    """A size as it is written in the file."""
    unit = next(unit for unit in ("GB", "MB", "KB", "B") if count % BYTES[unit] == 0)
    return f"{count // BYTES[unit]}{unit}"


def every(value: object) -> Every:
    """`auto`, a duration or a cron line."""
    if value == "auto":
        return Auto()
    if not isinstance(value, bool) and ZERO.fullmatch(str(value)):
        wrong(f"`{value}` is no interval: the shortest is 1s; `enabled: false` stops a source, `auto` learns its rhythm")
    if isinstance(value, str) and CRON_LIKE.fullmatch(value.strip()):
        return Cron(cron_line(value))
    if isinstance(value, str) and not DURATION.fullmatch(value) and not value.startswith("-"):
        near = "; did you mean auto?" if value.strip().lower() == "auto" else _near_duration(value)
        wrong(f'`{value[:40]}` is neither auto, nor a duration (15m), nor a cron line ("0 6 * * *"){near}')
    return Fixed(_within(1, 366 * SECONDS["d"], value))


def cron_line(value: object) -> str:
    """A cron line of five fields that has a next time."""
    if not isinstance(value, str) or len(value.split()) != 5:
        wrong(f'`{written(value)}` is no cron line; five fields are needed: minute hour day month weekday, as in "0 6 * * *"')
    try:
        next(CronSim(value, datetime(2024, 1, 1, tzinfo=UTC)))
    except StopIteration:
        wrong(f"the cron line `{value[:40]}` never comes")
    except CronSimError as error:
        wrong(f'`{value[:40]}` is no cron line: {str(error).lower()}; as in "0 6 * * *": minute hour day month weekday')
    return " ".join(value.split())


# --- texts
def _line(value: str) -> str:
    if not value.strip():
        wrong("the text is empty")
    if BREAKS.search(value.strip()):
        wrong("one line of text is needed, without line breaks or tabs")
    if len(value) > 1000:
        wrong("the text is longer than 1000 characters")
    return value.strip()


def _id(what: str, value: str) -> str:
    if not value:
        wrong(f"the {what} is empty; write lower-case letters, digits, `.`, `_`, `-`")
    if len(value) > MAX_ID:
        wrong(f"the {what} is longer than {MAX_ID} characters")
    if not ID_FORM.fullmatch(value) or ".." in value or value.endswith("."):
        near = re.sub(r"[^a-z0-9._-]+", "-", value.lower()).strip("-._")[:MAX_ID]
        hint = f"; did you mean `{near}`?" if near and near != value and ".." not in near else ""
        wrong(f"`{value[:60]}` is no {what}: only a-z, 0-9, `.`, `_` and `-`, lower case, beginning with a letter or digit{hint}")
    return value


def _tag(value: str) -> str:
    if not TAG_FORM.fullmatch(value) or len(value) > MAX_ID:
        near = re.sub(r"[^\w.\-/]+", "-", value.strip()).strip("-./")
        hint = f"; did you mean `{near}`?" if TAG_FORM.fullmatch(near) and near != value else ""
        wrong(f"`{value[:60]}` is no tag: letters, digits, `-`, `_`, `.` and `/`, without blanks{hint}")
    return value


def _language(value: str) -> str:
    if not LANGUAGE_FORM.fullmatch(value):
        wrong(f"`{value[:40]}` is no language tag; write for example en, de or pt-BR")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        wrong(f"`{value[:40]}` is no time zone; write for example UTC or Europe/Brussels")
    return value


def _query(value: str) -> str:
    if not value.strip():
        wrong("the query is empty; write the words to look for")
    return value


def _agent(value: str) -> str:
    if not re.fullmatch(r"[\x20-\x7e]+", value):
        wrong("a user agent is one line of ASCII text")
    return value


def network(value: str) -> str:  # noqa: RET503 - `wrong` never returns
    """An address or a range in its usual form."""
    try:
        return str(ip_network(value))
    except ValueError:
        pass
    try:
        near = f"; did you mean {ip_network(value, strict=False)}?"
    except ValueError:
        near = "; write for example 10.0.0.0/8 or 192.168.1.20"
    wrong(f"`{value[:60]}` is no network address or range{near}")


def _domain(value: str) -> str:
    """A registrable domain, which is what the limits of hosts are kept by."""
    registered = registrable_domain(value) if "/" not in value else ""
    if not registered:
        wrong(f"`{value[:60]}` is no domain; write for example reddit.com")
    if registered != value:
        wrong(f"hosts are kept by registrable domain; write `{registered}` instead of `{value[:60]}`")
    return value


def _host(value: str) -> str:
    """The name of a host as a Host header has it, without port."""
    name = value.strip().lower()
    if not HOST_FORM.fullmatch(name):
        wrong(f"`{value[:60]}` is no name of a host; write for example mcp.example.org, without https:// and port")
    return name


def _publisher(value: str) -> str:
    """A domain, a site below one, or an account on a platform: `bbc.co.uk`, `abcnews.go.com`, `medium.com/@anna`."""
    address = value.strip().lower().partition("://")[2] or value.strip().lower()
    host, slash, path = address.removeprefix("www.").partition("/")
    meant = f"{host}{slash if path else ''}{path.rstrip('/')}"
    if not PUBLISHER_FORM.fullmatch(meant) or not registrable_domain(host) or rules_for(host).is_public(host):
        wrong(f"`{value[:60]}` is no domain; write for example bbc.co.uk, or medium.com/@anna for an account on a platform")
    if meant != value.lower():
        wrong(f"write `{meant}` instead of `{value[:60]}`: an outlet's domains stand without scheme and `www.`")
    return KNOWN.of(f"https://{value}") if path else meant


def file_path(value: str) -> str:
    """The path of a file or directory, as it is written."""
    if not value.strip() or value != value.strip() or not value.isprintable():
        wrong("a path of a file or directory is needed")
    if "://" in value:
        wrong("a path of a file or directory is needed, not an address")
    return value


TEXT = text(_line)
QUERY = text(_query)
ID = text(partial(_id, "id"), pattern=f"^{ID_FORM.pattern}$")
SLUG = text(partial(_id, "slug"), pattern=f"^{ID_FORM.pattern}$")
TAG = text(_tag)
LANGUAGE = text(_language)
TIMEZONE = text(_timezone)
USER_AGENT = text(_agent)
DOMAIN = text(_domain)
HOST = text(_host)
PUBLISHER = text(_publisher)
NETWORK = text(network)
FILE = text(file_path)
CRON = Value(cron_line, {"type": "string"})
SIZE = Value(size, {"type": "string", "examples": ["15MB"]}, size_in_words)
EVERY = Value(every, {"type": "string", "examples": ["auto", "15m", "0 6 * * *"]})

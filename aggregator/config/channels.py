"""What may be said of channels (`notify`): addresses, limits and templates, and what must not stand beside each other."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from urllib.parse import unquote

from aggregator.config.document import Document, nodes, text_of
from aggregator.config.kinds import Filled, Value, text, wrong
from aggregator.config.secrets import MAX_URL, NOT_IN_URL, Secretive, fill, text_or_wrong
from aggregator.config.surroundings import Surroundings
from aggregator.config.tree import Mapping, Node, Scalar
from aggregator.errors import Problem
from aggregator.settings import DAY, Rate
from aggregator.text.masks import MASK

FIELDS = ("title", "link", "outlets", "count", "summary", "page", "feed")
"""What a template may ask for."""
MAX_TEMPLATE = 2_000
LIMIT_FORM = re.compile(r"([0-9]{1,4})\s*/\s*(m|h|d)")
UNITS = {"m": 60.0, "h": 3600.0, "d": DAY}
BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
SCHEME_FORM = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://.")
SERVICES = "for example `ntfys://ntfy.sh/TOPIC`, `slack://…` or `mailtos://USER:PASSWORD@example.org?to=…`"
BOUNDS = re.compile(r"[/?#&;=:@,]+")
SHORTEST_PART = 8
"""Characters of a part of an address that is a secret of its own. Shorter ones are words, and hiding them would garble texts."""


def _address(value: object, around: Surroundings) -> Secretive:
    """A channel's address, filled in. No message repeats any of it: in some services the host is the secret."""
    said = text_or_wrong(value, "url of a channel")
    filled = fill(said, around)
    if not SCHEME_FORM.match(filled):
        wrong(f"a channel is an Apprise address; write {SERVICES}")
    if NOT_IN_URL.search(filled) or len(filled) > MAX_URL:
        wrong("this url has a blank, or another character that no address may have (write it as %XX), or is too long")
    around.secrets.update(secrets_of(filled))
    return Secretive(filled, f"{filled.partition('://')[0].lower()}://{MASK}")


def secrets_of(url: str) -> Iterator[str]:
    """A channel's address, and the parts of it that are secret by themselves, as written and decoded."""
    yield url
    rest = url.partition("://")[2]
    login = rest.partition("/")[0].rpartition("@")[0]
    password = login.partition(":")[2] or login
    parts = [one for one in BOUNDS.split(rest) if len(one) >= SHORTEST_PART and "." not in one and re.search(r"[0-9A-Z]", one)]
    for part in filter(None, [password, *parts]):
        yield from (part, unquote(part))


def _limit(value: object) -> Rate:
    match = LIMIT_FORM.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or not int(match[1]):
        wrong("a limit is so many messages in a minute, hour or day: write for example 10/h")
    return Rate(int(match[1]), UNITS[match[2]])


def _template(value: str) -> str:
    if not value.strip():
        wrong("the template is empty; write for example `{title} {link}`")
    if len(value) > MAX_TEMPLATE:
        wrong(f"the template is longer than {MAX_TEMPLATE} characters")
    return value


CHANNEL_URL = Filled(_address, {"type": "string", "examples": ["ntfys://ntfy.sh/my-topic"]})
LIMIT_SAID = "Most messages: `10/h`. What is beyond it waits and comes as one message."
LIMIT = Value(_limit, {"type": "string", "examples": ["10/h"]}, str)
TEMPLATE = text(_template)


def check_channels(document: Document) -> Iterator[Problem]:
    """Each channel once in an output, templates that can be filled in, and thresholds only where there are stories."""
    for output in nodes(document.root.get("outputs")):
        if not isinstance(output, Mapping):
            continue
        channels = nodes(output.get("notify"))
        yield from _twice(document, channels)
        rejected = output.get("rejected")
        if channels and isinstance(rejected, Scalar) and rejected.value is True:
            yield document.problem(channels[0], "notify: what `keep` and `drop` threw away is told to nobody; remove this")
        for channel in channels:
            yield from _channel(document, channel, is_digest=output.get("digest") is not None)
    alerts = document.root.get("alerts")
    if isinstance(alerts, Mapping):
        yield from _twice(document, nodes(alerts.get("notify")))
        if alerts.get("webhook") is None and not nodes(alerts.get("notify")):
            yield document.problem(alerts, "alerts: say who is told: a `webhook`, or channels with `notify`")


def _channel(document: Document, channel: Node, *, is_digest: bool) -> Iterator[Problem]:
    if not isinstance(channel, Mapping):
        return
    if is_digest and (given := channel.get("when")) is not None:
        yield document.problem(given, "when: a digest is told as a whole, each issue once; its `query` says what is in it")
    at = channel.get("template")
    if isinstance(at, Scalar) and text_of(at):
        if is_digest:
            yield document.problem(at, "template: an issue of a digest has a form of its own; remove this")
        for match in BRACES.finditer(at.text):
            if match[0] in ("{{", "}}") or match[1] in FIELDS:
                continue
            yield document.query_problem(at, match.start(), f"template: {_say(match)}")


def _say(match: re.Match[str]) -> str:
    if match[0] == "{":
        return f"this `{{` is not closed; known are {_fields()}; write `{{{{` if it is meant as text"
    if match[1] is None:
        return f"a single `{match[0]}`; write `{match[0] * 2}` if it is meant as text"
    near = difflib.get_close_matches(match[1].strip().lower(), FIELDS, n=1)
    known = f"did you mean `{{{near[0]}}}`?" if near else f"known are {_fields()}"
    return f"there is no `{{{match[1][:40]}}}`; {known}"


def _fields() -> str:
    return ", ".join(f"`{{{one}}}`" for one in FIELDS)


def _twice(document: Document, channels: list[Node]) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for node in channels:
        at = node.get("url") if isinstance(node, Mapping) else node
        if (written := text_of(at)) and at is not None:
            if written in first:
                yield document.problem(
                    at, f"notify: this channel is given already in line {first[written]}; join the queries with OR"
                )
            first.setdefault(written, at.line)

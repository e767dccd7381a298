"""libyaml's syntax errors in words that tell what to do, at the place where the mistake was made."""

from __future__ import annotations

import yaml

from aggregator.errors import Problem

INDICATORS = {
    "\t": "a tab begins the line; indent with spaces",
    "@": "a value can't begin with `@`; put it in quotes",
    "`": "a value can't begin with a backtick; put it in quotes",
    "%": "a value can't begin with `%`; put it in quotes",
}

HINTS: tuple[tuple[str, str], ...] = (
    (
        "mapping values are not allowed",
        "a `:` where no key can be; check the indentation, or put the value in quotes if the colon is part of it",
    ),
    ("block sequence entries are not allowed", "a `-` where no list can begin; put the list on a line of its own"),
    ("did not find expected ',' or '}'", "this `{` is not closed: a `}` or a comma is missing"),
    ("did not find expected ',' or ']'", "this `[` is not closed: a `]` or a comma is missing"),
    ("did not find expected '-' indicator", "this line is indented otherwise than the list it follows; check the indentation"),
    ("did not find expected key", "a key (`name:`) is expected here; check the indentation, and quotes or brackets before"),
    ("did not find expected node content", "a value is missing here, or a bracket before it is not closed"),
    ("could not find expected ':'", "a `:` is missing after this key, or the text before it needs quotes"),
    ("found unexpected end of stream", "this quote is never closed"),
    ("found unexpected document indicator", "this quote is never closed"),
    ("did not find expected alphabetic or numeric character", "a value that begins with `*` or `&` must be in quotes"),
    ("found unknown escape character", "a backslash in double quotes begins an escape; write \\\\ or use single quotes"),
    ("did not find expected hexdecimal number", "an escape such as \\x41 needs hexadecimal digits"),
    ("found invalid Unicode character escape code", "this escape is no character"),
    ("did not find expected comment or line break", "after `|` or `>` the text begins on the next line"),
    ("found incompatible YAML document", "only YAML 1.1 and 1.2 are read; remove the %YAML line"),
    ("found a tab character", "a tab is used where YAML wants spaces; indent with spaces"),
)

OPENED_EARLIER = ("found unexpected end of stream", "found unexpected document indicator", "did not find expected ',' or")
"""Errors that are seen late: the mistake is where the quote or bracket was opened."""


def explain_syntax(name: str, text: str, error: yaml.MarkedYAMLError) -> Problem:
    """The problem for a person. The rest of the file can't be judged until it is mended."""
    said = error.problem or "this is not YAML"
    mark = error.problem_mark or error.context_mark
    if mark is not None and (quote := _closed_quote(text, mark.index)):
        other = "'" if quote == '"' else '"'
        words = f"text goes on behind the closing quote; put the whole value in {other} quotes, or write it below `|`"
        return Problem(name, mark.line + 1, mark.column + 1, words)
    if error.context_mark is not None and said.startswith(OPENED_EARLIER):
        mark = error.context_mark
    if mark is None:
        return Problem(name, 1, 1, said)
    return Problem(name, mark.line + 1, mark.column + 1, _words(text, mark.index, said))


def _closed_quote(text: str, index: int) -> str:
    """The quote that a text was closed with just before, on the same line, where something else than a key follows it."""
    before = text[text.rfind("\n", 0, index) + 1 : index].rstrip()
    follows = text[index : index + 1]
    return before[-1:] if before[-1:] in ("'", '"') and before.count(before[-1]) >= 2 and follows not in "\n,}]#:" else ""


def _words(text: str, index: int, said: str) -> str:
    if "cannot start any token" in said:
        character = text[index : index + 1]
        return INDICATORS.get(character, f"a value can't begin with the character {character!r}; put it in quotes")
    hint = next((words for part, words in HINTS if said.startswith(part)), said)
    if said.startswith("did not find expected <document start>"):
        return "nothing may follow `...`, which ends the document; remove it"
    begins = text.rfind("\n", 0, index) + 1
    lead = text[begins : index + 1]
    if "\t" in lead and not lead.strip() and "tab" not in hint:
        return f"{hint} (a tab is in the indentation of this line; indent with spaces)"
    if any(blank in lead for blank in "\u00a0\u2003\u3000"):
        return f"{hint} (a no-break space is in this line; use usual spaces)"
    return hint

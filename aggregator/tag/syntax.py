"""Reads a query into its tree: `parse(text)`. The only module that knows lark."""

from __future__ import annotations

import sys
from functools import cache
from importlib.util import cache_from_source
from pathlib import Path
from typing import NoReturn

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from aggregator.errors import QueryError
from aggregator.tag.nodes import All, Any, Node, Not
from aggregator.tag.terms import bare_phrase, bare_word, compare, pattern, valued

MAX_LENGTH = 40_000
"""Characters of a query: the two thousand words that are read at most, and their operators."""
MAX_DEPTH = 40
MAX_TERMS = 2_000

_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "（": "(", "）": ")", "：": ":", "−": "-", "–": "-"})
"""Typographic quotes, dashes and wide brackets, as phones and word processors write them, mean the plain ones."""


@cache
def _grammar() -> Lark:
    """The grammar. Its tables are kept beside the compiled modules; lark makes them anew when the grammar differs."""
    text = Path(__file__).with_name("grammar.lark").read_text("utf-8")
    kept = Path(cache_from_source(__file__)).with_suffix(".grammar")
    cached = str(kept) if kept.exists() or not sys.dont_write_bytecode else False
    return Lark(text, parser="lalr", lexer="basic", maybe_placeholders=False, cache=cached)


def parse(text: str) -> Node:
    """The tree of a query. Raises QueryError with the place and, where one is likely, what was meant."""
    if len(text) > MAX_LENGTH:
        raise QueryError(f"the query is too long: {len(text):,} characters, at most {MAX_LENGTH:,} are read", MAX_LENGTH)
    broken = next((offset for offset, character in enumerate(text) if "\ud800" <= character <= "\udfff"), None)
    if broken is not None:
        raise QueryError("this is half a character: the query is not text in UTF-8", broken)
    if not text.strip():
        raise QueryError("the query is empty: nothing to look for", 0)
    plain = text.translate(_PLAIN)
    try:
        if plain.count("(") > MAX_DEPTH:
            _check_depth(_tokens(plain))
        tree = _grammar().parse(plain)
    except UnexpectedCharacters as error:
        _bad_character(plain, int(error.pos_in_stream or 0))
    except UnexpectedToken as error:
        _bad_token(_tokens(plain), error.token)
    return _Builder().either(tree.children[0], 0, None)


def _tokens(text: str) -> list[Token]:
    """The tokens of a query, up to the first character that begins none."""
    found: list[Token] = []
    try:
        found.extend(_grammar().lex(text))
    except UnexpectedCharacters:
        return found
    return found


def _check_depth(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += {"LPAR": 1, "RPAR": -1}.get(token.type, 0)
        if depth > MAX_DEPTH:
            raise QueryError(f"brackets are nested too deep: at most {MAX_DEPTH} levels", _place(token))


def _bad_character(text: str, offset: int) -> NoReturn:
    if text[offset] == '"':
        raise QueryError("this quote is not closed", offset)
    if text[offset : offset + 2] == "--":
        raise QueryError("one minus sign is enough", offset)
    raise QueryError('a minus sign must stand right before what is excluded: -word, -"a phrase" or -(…)', offset)


def _bad_token(tokens: list[Token], bad: Token) -> NoReturn:
    """Says what is wrong at the first token that fits nowhere; `$END` is the end of the query."""
    at = next((index for index, token in enumerate(tokens) if token.start_pos == bad.start_pos), len(tokens))
    at = len(tokens) if bad.type == "$END" else at
    before = tokens[at - 1] if at else None
    if before is not None and before.type in ("OR", "AND", "NOT"):
        raise QueryError(f"nothing to look for behind {before}", _place(before))
    if before is not None and before.type == "FIELD":
        raise QueryError(f"{before} needs its value right behind it", _place(before))
    if bad.type == "RPAR":
        empty = before is not None and before.type == "LPAR"
        raise QueryError("empty brackets: nothing to look for" if empty else "this bracket ) closes nothing", _place(bad))
    if bad.type in ("OR", "AND"):
        raise QueryError(f'nothing to look for before {bad} (the word itself is written in quotes: "{bad}")', _place(bad))
    if bad.type == "$END":
        raise QueryError("this bracket ( is not closed", _open_bracket(tokens))
    raise QueryError(f"{str(bad)!r} can't stand here", _place(bad))


def _open_bracket(tokens: list[Token]) -> int:
    """The innermost bracket that is still open at the end."""
    still_open: list[int] = []
    for token in tokens:
        if token.type == "LPAR":
            still_open.append(_place(token))
        elif token.type == "RPAR" and still_open:
            still_open.pop()
    return still_open[-1] if still_open else 0


def _place(token: Token) -> int:
    return int(token.start_pos or 0)


class _Builder:
    """Makes the tree of nodes from lark's. `field`: the field of the brackets around, as in `title:(a OR b)`."""

    def __init__(self) -> None:
        self.terms = 0

    def either(self, tree: Tree[Token] | Token, depth: int, field: Token | None) -> Node:
        assert isinstance(tree, Tree)
        return _joined(Any, [self.every(part, depth, field) for part in tree.children if isinstance(part, Tree)])

    def every(self, tree: Tree[Token], depth: int, field: Token | None) -> Node:
        return _joined(All, [self.one(part, depth, field) for part in tree.children if isinstance(part, Tree)])

    def one(self, tree: Tree[Token], depth: int, field: Token | None) -> Node:
        if depth > MAX_DEPTH:
            raise QueryError(f"nested too deep: at most {MAX_DEPTH} levels", _start(tree))
        first, last = tree.children[0], tree.children[-1]
        match str(tree.data):
            case "negated":
                assert isinstance(last, Tree)
                return Not(self.one(last, depth + 1, field))
            case "group":
                return self.either(tree.children[1], depth + 1, field)
            case "field_group":
                return self.either(tree.children[2], depth + 1, self.named(first, field, tree.children[1]))
            case "field":
                assert isinstance(last, Tree)
                value = last.children[0]
                return self.term(value, self.named(first, field, value))
            case _:
                return self.term(first, field)

    def named(self, name: Tree[Token] | Token, outer: Token | None, value: Tree[Token] | Token) -> Token:
        """The field of a term; its value must follow at once, and a field has no other field inside."""
        assert isinstance(name, Token) and isinstance(value, Token)
        start, end = _place(name), int(name.end_pos or 0)
        if _place(value) != end:
            raise QueryError(f"{name} needs its value right behind it", start)
        if outer is not None:
            raise QueryError(f"{name} can't stand inside {outer}(…)", start)
        return name

    def term(self, token: Tree[Token] | Token, field: Token | None) -> Node:
        assert isinstance(token, Token)
        self.terms += 1
        offset = _place(token)
        if self.terms > MAX_TERMS:
            raise QueryError(f"too many words: at most {MAX_TERMS:,}", offset)
        if field is not None:
            return valued(str(field)[:-1].lower(), token.type, str(token), _place(field), offset)
        match token.type:
            case "WORD":
                return bare_word(str(token), offset)
            case "PHRASE":
                return bare_phrase(str(token), offset)
            case "REGEX":
                return pattern(str(token), ("title", "body"), str(token), offset)
            case "COMPARE":
                return compare(str(token), offset)
            case _:
                name, value = str(token).split(":", 1)
                return valued(name.lower(), "WORD", value, offset, offset + len(name) + 1)


def _joined(kind: type[All] | type[Any], parts: list[Node]) -> Node:
    """Several parts as one node, nested ones of the same kind laid flat."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return kind(tuple(flat))


def _start(tree: Tree[Token]) -> int:
    token = next(tree.scan_values(lambda value: isinstance(value, Token)))
    return _place(token)

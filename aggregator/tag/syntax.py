"""Parses a query into its tree."""

from __future__ import annotations

from typing import NoReturn

from aggregator.errors import QueryError
from aggregator.tag.grammar import END, BadCharacter, BadToken, Branch, Either, Token, branches, tokens
from aggregator.tag.nodes import All, Any, Counted, Lead, Near, Node, Not, show
from aggregator.tag.plurals import OPTION, with_forms, without_option
from aggregator.tag.terms import bare_phrase, bare_word, check_of_entries, compare, counted, field_term, near, pattern

MAX_LENGTH = 40_000
"""Most characters of a query: MAX_TERMS words and their operators."""
MAX_DEPTH = 40
MAX_TERMS = 2_000

_PLAIN = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "（": "(", "）": ")", "：": ":", "−": "-", "–": "-"})
"""Typographic quotes and dashes and wide brackets, as phones and word processors write them → plain ones."""


def parse(text: str, timezone: str = "UTC") -> Node:
    """Parses a query. Raises QueryError with the position and, if there is a likely one, a suggestion.

    timezone: in which the days of `date:`, `before:` and `after:` are.
    """
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
        either, plurals = without_option(branches(plain))
    except BadCharacter as error:
        _bad_character(plain, error.offset)
    except BadToken as error:
        _bad_token(_tokens(plain), error.token)
    return _Builder(timezone, plurals).either(either, 0, None)


def _tokens(text: str) -> list[Token]:
    """The tokens of a query, up to the first bad character."""
    found: list[Token] = []
    try:
        found.extend(tokens(text))
    except BadCharacter:
        return found
    return found


def _check_depth(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        depth += {"LPAR": 1, "RPAR": -1}.get(token.kind, 0)
        if depth > MAX_DEPTH:
            raise QueryError(f"brackets are nested too deep: at most {MAX_DEPTH} levels", token.start)


def _bad_character(text: str, offset: int) -> NoReturn:
    if text[offset] == '"':
        raise QueryError("this quote is not closed", offset)
    if text[offset : offset + 2] == "--":
        raise QueryError("one minus sign is enough", offset)
    raise QueryError('a minus sign must stand right before what is excluded: -word, -"a phrase" or -(…)', offset)


def _bad_token(tokens: list[Token], bad: Token) -> NoReturn:
    """Raises what is wrong at the first token that breaks the grammar. END is the end of the query."""
    at = next((index for index, token in enumerate(tokens) if token.start == bad.start), len(tokens))
    at = len(tokens) if bad.kind == END else at
    before = tokens[at - 1] if at else None
    if before is not None and before.kind in ("OR", "AND", "NOT", "NEAR"):
        raise QueryError(f"nothing to look for behind {before.text}", before.start)
    if before is not None and before.kind in ("FIELD", "LEAD"):
        raise QueryError(f"{before.text} needs its value right behind it", before.start)
    if bad.kind == "RPAR":
        empty = before is not None and before.kind == "LPAR"
        raise QueryError("empty brackets: nothing to look for" if empty else "this bracket ) closes nothing", bad.start)
    if bad.kind == "NEAR" and before is not None and before.kind not in ("LPAR", "MINUS"):
        raise QueryError(f"{bad.text} joins two, not three: write a NEAR/5 b b NEAR/5 c", bad.start)
    if bad.kind in ("OR", "AND", "NEAR"):
        raise QueryError(f'nothing to look for before {bad.text} (the word itself is written in quotes: "{bad.text}")', bad.start)
    if bad.kind == END:
        raise QueryError("this bracket ( is not closed", _open_bracket(tokens))
    raise QueryError(f"{bad.text!r} can't stand here", bad.start)


def _open_bracket(tokens: list[Token]) -> int:
    """The innermost bracket that is still open at the end."""
    still_open: list[int] = []
    for token in tokens:
        if token.kind == "LPAR":
            still_open.append(token.start)
        elif token.kind == "RPAR" and still_open:
            still_open.pop()
    return still_open[-1] if still_open else 0


def _place(token: Token) -> int:
    return int(token.start or 0)


class _Builder:
    """Turns branches into nodes. field: the field before the enclosing brackets, as in `title:(a OR b)`.

    plurals: words match in singular and plural.
    """

    def __init__(self, timezone: str, plurals: bool) -> None:
        self.terms = 0
        self.timezone = timezone
        self.plurals = plurals

    def either(self, either: Either, depth: int, field: Token | None) -> Node:
        return _joined(Any, [_joined(All, [self.one(branch, depth, field) for branch in every]) for every in either])

    def one(self, branch: Branch, depth: int, field: Token | None) -> Node:
        first, value, inside = branch.first, branch.value, branch.inside
        if depth > MAX_DEPTH:
            raise QueryError(f"nested too deep: at most {MAX_DEPTH} levels", first.start)
        if first.kind in ("LEAD", "COUNT"):
            return self.chosen(branch, depth, field)
        if branch.part is not None and branch.other is not None:
            places = (branch.part.first.start, branch.other.first.start, first.start)
            left, right = (self.one(part, depth + 1, field) for part in (branch.part, branch.other))
            return near(left, right, first.text, places)
        if branch.part is not None:
            return Not(self.one(branch.part, depth + 1, field))
        if value is not None:
            field = self.named(first, field, value)
        if inside is not None:
            return self.either(inside, depth + 1, field)
        return self.term(value or first, field)

    def chosen(self, branch: Branch, depth: int, field: Token | None) -> Node:
        """`lead:…` or `outlets(…)>=2`: a query on some of the entries."""
        first = branch.first
        if field is not None:
            raise QueryError(f"{first.text} can't stand inside {field.text}(…)", first.start)
        if branch.part is not None:
            part = self.one(branch.part, depth + 1, None)
            check_of_entries(part, "lead:(…)")
            shown = f"({show(part)})" if isinstance(part, Near) else show(part, inside=True)
            return Lead(part, f"lead:{shown}", first.start)
        part = self.either(branch.inside or [], depth + 1, None)
        check_of_entries(part, "outlets(…)")
        value = branch.value
        operator, number, text = counted(first.text, value.text if value else "", first.start, value.start if value else 0)
        return Counted(part, operator, number, f"outlets({show(part)}){text}", first.start)

    def named(self, name: Token, outer: Token | None, value: Token) -> Token:
        """The field of a term. Its value must follow directly, and fields can't be nested."""
        if value.start != name.end:
            raise QueryError(f"{name.text} needs its value right behind it", name.start)
        if outer is not None:
            raise QueryError(f"{name.text} can't stand inside {outer.text}(…)", name.start)
        return name

    def term(self, token: Token, field: Token | None) -> Node:
        self.terms += 1
        text, offset = token.text, token.start
        if self.terms > MAX_TERMS:
            raise QueryError(f"too many words: at most {MAX_TERMS:,}", offset)
        if field is not None:
            name = field.text[:-1].lower()
            if name == OPTION:
                raise QueryError(f"{field.text}en is an option of the whole query: write it outside of brackets", field.start)
            node = field_term(name, token.kind, text, field.start, offset, self.timezone)
            return with_forms(node) if self.plurals and token.kind == "WORD" else node
        match token.kind:
            case "WORD":
                word = bare_word(text, offset)
                return with_forms(word) if self.plurals else word
            case "PHRASE":
                return bare_phrase(text, offset)
            case "REGEX":
                return pattern(text, ("title", "body"), text, offset)
            case "COMPARE":
                return compare(text, offset)
            case _:
                name, value = text.split(":", 1)
                return field_term(name.lower(), "WORD", value, offset, offset + len(name) + 1, self.timezone)


def _joined(kind: type[All] | type[Any], parts: list[Node]) -> Node:
    """Joins parts to one node, and flattens nested nodes of the same kind."""
    if len(parts) == 1:
        return parts[0]
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, kind) else [part])
    return kind(tuple(flat))

"""The grammar of queries (docs/queries.md): text becomes tokens, and tokens become branches. `syntax` turns these into nodes.

    query:   either
    either:  every (OR every)*
    every:   unary (AND? unary)*
    unary:   (MINUS | NOT) unary | primary (NEAR primary)?
    primary: LPAR either RPAR | FIELD value | FIELD LPAR either RPAR | LEAD primary
             | COUNT LPAR either RPAR WORD | URL | COMPARE | value
    value:   WORD | PHRASE | REGEX

One token of lookahead is enough, so each rule is a method (recursive descent).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKENS = re.compile(
    r"""
      (?P<URL>     (?i:url:(?:/(?:[^/\\\s]|\\.)+/[a-z]?(?=[\s)]|$)|[^\s()"]+)))
    | (?P<COMPARE> (?i:[a-z_]+\s*(?:[<>]=?|=[<>=]?)\s*[^\s()"]*))
    | (?P<LEAD>    (?i:lead:(?!//)))
    | (?P<COUNT>   (?i:(?:outlets|items|sources|publishers)(?=\()))
    | (?P<FIELD>   (?i:[a-z_]+:(?!//)))
    | (?P<OR>      OR(?=[\s()"]|$))
    | (?P<AND>     AND(?=[\s()"]|$))
    | (?P<NOT>     NOT(?=[\s()"]|$))
    | (?P<NEAR>    NEAR/\d+(?=[\s()"]|$))
    | (?P<REGEX>   /(?:[^/\\]|\\.)+/[a-z]*(?=[\s)]|$))
    | (?P<PHRASE>  "[^"]*")
    | (?P<MINUS>   -(?=[^\s)-]))
    | (?P<LPAR>    \()
    | (?P<RPAR>    \))
    | (?P<WORD>    [^\s()"\-][^\s()"]*)
    | (?P<BLANK>   \s+)
    """,
    re.VERBOSE,
)
"""The first alternative that matches is the token."""
VALUES = frozenset({"WORD", "PHRASE", "REGEX"})
ALONE = VALUES | {"URL", "COMPARE"}
"""Tokens that form a term alone."""
SIGNS = frozenset({"MINUS", "NOT"})
FIRST = ALONE | SIGNS | {"LPAR", "FIELD", "LEAD", "COUNT"}
"""Tokens that begin a `unary`."""
END = "$END"


class Token:
    """A token of a query. kind: its name above, or END after the last; start, end: indexes in the text."""

    __slots__ = ("end", "kind", "start", "text")

    def __init__(self, kind: str, text: str, start: int) -> None:
        self.kind, self.text, self.start, self.end = kind, text, start, start + len(text)


class Branch:
    """A `unary`. first: its first token, or its NEAR; part: what a sign negates, or `lead:` asks, or what stands before NEAR;
    other: what stands behind it; value: the token after a FIELD (a value, or LPAR), or the comparison after a COUNT.

    inside: the content of its brackets.
    """

    __slots__ = ("first", "inside", "other", "part", "value")

    def __init__(
        self,
        first: Token,
        *,
        part: Branch | None = None,
        other: Branch | None = None,
        value: Token | None = None,
        inside: Either | None = None,
    ) -> None:
        self.first, self.part, self.other, self.value, self.inside = first, part, other, value, inside


Either = list[list[Branch]]
"""Alternatives, each a list of branches that must all match."""


class BadCharacter(Exception):
    """No token begins here."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.offset = offset


class BadToken(Exception):
    """The first token that breaks the grammar."""

    def __init__(self, token: Token) -> None:
        super().__init__(token.text)
        self.token = token


def tokens(text: str) -> Iterator[Token]:
    """Yields the tokens of a query. Raises BadCharacter on reaching one."""
    place = 0
    while place < len(text):
        found = _TOKENS.match(text, place)
        if found is None:
            raise BadCharacter(place)
        if (kind := found.lastgroup) and kind != "BLANK":
            yield Token(kind, found.group(), place)
        place = found.end()


def branches(text: str) -> Either:
    """The query as a tree. Raises BadCharacter or BadToken, whichever comes first."""
    return _Parser(text).query()


class _Parser:
    """Reads tokens lazily, so that the first mistake is the one reported."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._end = Token(END, "", len(text))
        self._ahead: Token | None = None

    def query(self) -> Either:
        found = self._either()
        if self._next().kind != END:
            raise BadToken(self._next())
        return found

    def _next(self) -> Token:
        if self._ahead is None:
            self._ahead = next(self._tokens, self._end)
        return self._ahead

    def _take(self) -> Token:
        token = self._next()
        self._ahead = None
        return token

    def _either(self) -> Either:
        found = [self._every()]
        while self._next().kind == "OR":
            self._take()
            found.append(self._every())
        return found

    def _every(self) -> list[Branch]:
        found = [self._unary()]
        while (kind := self._next().kind) == "AND" or kind in FIRST:
            if kind == "AND":
                self._take()
            found.append(self._unary())
        return found

    def _unary(self) -> Branch:
        signs = []  # a loop, because there may be thousands; `syntax` reports the depth
        while self._next().kind in SIGNS:
            signs.append(self._take())
        branch = self._primary()
        if self._next().kind == "NEAR":
            branch = Branch(self._take(), part=branch, other=self._primary())
        for sign in reversed(signs):
            branch = Branch(sign, part=branch)
        return branch

    def _primary(self) -> Branch:
        token = self._take()
        if token.kind == "LPAR":
            return Branch(token, inside=self._inside())
        if token.kind == "LEAD":
            return Branch(token, part=self._lead(token))
        if token.kind == "COUNT":
            return self._count(token)
        if token.kind != "FIELD":
            return Branch(self._fitting(token, ALONE))
        value = self._take()
        if value.kind == "LPAR":
            return Branch(token, value=value, inside=self._inside())
        return Branch(token, value=self._fitting(value, VALUES))

    def _lead(self, lead: Token) -> Branch:
        """What stands right behind `lead:`."""
        if (ahead := self._next()).kind not in FIRST - SIGNS - {"LEAD", "COUNT"} or ahead.start != lead.end:
            raise BadToken(ahead)
        return self._primary()

    def _count(self, token: Token) -> Branch:
        """`outlets(…)>=2`; the number may stand apart."""
        self._take()
        inside, compared = self._inside(), None
        if self._next().text[:1] in ("<", ">", "="):
            compared = self._take()
            if not compared.text.strip("<>=") and self._next().kind == "WORD":
                compared = Token("WORD", compared.text + self._take().text, compared.start)
        return Branch(token, value=compared, inside=inside)  # `syntax` tells what is missing

    def _inside(self) -> Either:
        """Reads the content of brackets and the closing bracket."""
        found = self._either()
        self._fitting(self._take(), frozenset({"RPAR"}))
        return found

    def _fitting(self, token: Token, kinds: frozenset[str]) -> Token:
        if token.kind not in kinds:
            raise BadToken(token)
        return token

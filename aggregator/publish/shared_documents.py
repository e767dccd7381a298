"""Published documents as several nodes share them: rows that the leader writes and every node loads into its shelf.

Tokens stay in the config files: a row holds a token's hash, and each node finds the token of that hash in its own config. So a
token that the leader's config no longer has opens nothing on any node, and a copy of the database opens nothing at all.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from aggregator.ports import Documents, PublishedDocument
from aggregator.publish.shelf import GONE, Answer, Gone, Key, Moved, Prepared, Shelf
from aggregator.settings import Settings

LOCKED = secrets.token_urlsafe(32)
"""The token, which nobody has, of documents whose own is not in this node's config."""


class _Document(Struct, frozen=True, tag_field="kind", tag="document"):
    """The fields of a `Prepared`. token: hashed."""

    type: str
    modified: int
    cache: str
    token: str | None
    extra: dict[str, str]
    digest: str


class _Moved(Struct, frozen=True, tag_field="kind", tag="moved"):
    to: str
    token: str | None


class _Gone(Struct, frozen=True, tag_field="kind", tag="gone"):
    pass


def tokens_of(settings: Settings) -> Mapping[str, str]:
    """Hash → token, of all tokens in the config."""
    tokens = [settings.server.admin, *(output.token for output in settings.outputs)]
    return {_hashed(token): token for token in tokens if token is not None}


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def to_row(key: Key, answer: Answer | None) -> PublishedDocument:
    """The row of an answer; None: of one that is no longer given."""
    path, is_whole = key
    about, body = _describe(answer)
    return PublishedDocument(path, is_whole, 0, msgspec.json.encode(about).decode() if about is not None else None, body)


def _describe(answer: Answer | None) -> tuple[_Document | _Moved | _Gone | None, bytes]:
    token = _hashed(answer.token) if isinstance(answer, Prepared | Moved) and answer.token is not None else None
    match answer:
        case Prepared() as one:
            return _Document(one.type, one.modified, one.cache, token, dict(one.extra), one.digest), one.body
        case Moved(to, _):
            return _Moved(to, token), b""
        case Gone():
            return _Gone(), b""
        case None:
            return None, b""


def from_row(row: PublishedDocument, tokens: Mapping[str, str]) -> Answer | None:
    """The answer of a row. tokens: see `tokens_of`."""
    if row.about is None:
        return None
    about: _Document | _Moved | _Gone = msgspec.json.decode(row.about, type=_Document | _Moved | _Gone)
    match about:
        case _Document(type, modified, cache, token, extra, digest):
            return Prepared(type, row.body, modified, cache, _token(token, tokens), extra, digest)
        case _Moved(to, token):
            return Moved(to, _token(token, tokens))
        case _Gone():
            return GONE


def _token(hashed: str | None, tokens: Mapping[str, str]) -> str | None:
    return None if hashed is None else tokens.get(hashed, LOCKED)


def load(documents: Documents, shelf: Shelf, tokens: Mapping[str, str], revision: int) -> int:
    """Brings a shelf from a revision to the newest, which is returned; from 0: drops what is not published, too."""
    rows = documents.since(revision)
    held = shelf.answers()
    found = {(row.path, row.whole): from_row(row, tokens) for row in rows}
    dropped = dict.fromkeys(held.keys() - found.keys()) if revision == 0 else {}
    changes = {key: answer for key, answer in found.items() if not is_same(answer, held.get(key))}
    shelf.apply({**changes, **dropped})
    return max((row.revision for row in rows), default=revision)


def is_same(one: Answer | None, other: Answer | None) -> bool:
    """Whether readers get the same, with the same headers."""
    if isinstance(one, Prepared) and isinstance(other, Prepared):
        return one is other or (one.is_as(other) and one.modified == other.modified)
    return one == other

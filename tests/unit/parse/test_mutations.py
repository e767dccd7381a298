"""Damaged documents: whatever is cut, doubled, or inserted, reading ends in a clean feed or a clean fault."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.model import Fault, Fetched
from aggregator.parse.read import read_document

GOLDEN = Path(__file__).parents[2] / "golden"
DOCUMENTS = [
    path.read_bytes() for path in sorted(GOLDEN.glob("*")) if path.suffix in (".xml", ".json") and ".expected" not in path.name
]
THROWN_IN = [
    b"<",
    b">",
    b"&",
    b'"',
    b"<![CDATA[",
    b"]]>",
    b"<!--",
    b"</item>",
    b"<entry>",
    b"\x00",
    b"\xff",
    b"&#x",
    b"{",
    b"]",
    b"</gml:pos>",
]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    body = draw(st.sampled_from(DOCUMENTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        kind = draw(st.sampled_from(["cut", "lose", "double", "throw"]))
        if kind == "cut":
            body = body[:at]
        elif kind == "lose":
            body = body[:at] + body[at + draw(st.integers(1, 30)) :]
        elif kind == "double":
            body = body[:at] + body[max(0, at - 60) :]
        else:
            body = body[:at] + draw(st.sampled_from(THROWN_IN)) + body[at:]
    return body


@given(damaged())
@settings(max_examples=300, deadline=None)
def test_damaged_documents(body: bytes) -> None:
    found = read_document(Fetched("https://harbour.example/feed", 200, (), body))
    if isinstance(found, Fault):
        assert found.detail.isprintable()
        return
    for entry in found.entries:
        shown = "".join((entry.title, entry.text, entry.summary, entry.content, entry.guid or "", *entry.authors))
        assert not any(sign in shown for sign in "\x00\x1b\ufffe\u202e")
        assert entry.url is None or entry.url.startswith(("http://", "https://"))

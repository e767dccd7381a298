"""Charsets: whose word counts, and that bytes are never lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.text.charset import decode


def declared(name: str, text: str) -> str:
    return f'<?xml version="1.0" encoding="{name}"?><t>{text}</t>'


@pytest.mark.parametrize(
    ("body", "content_type", "charset", "holds"),
    [
        (declared("iso-8859-2", "łódź").encode("iso-8859-2"), None, "iso8859-2", "łódź"),
        (declared("utf-8", "мир").encode("koi8-r"), "text/xml; charset=koi8-r", "koi8-r", "мир"),
        (declared("windows-1251", "мир").encode("cp1251"), "text/xml", "cp1251", "мир"),  # no us-ascii default
        (declared("koi8-r", "мир").encode("cp1251"), 'text/xml; charset="windows-1251"', "cp1251", "мир"),
        (declared("utf-8", "café").encode(), "text/xml; charset=iso-8859-1", "utf-8", "café"),
        (declared("utf-16", "café").encode(), None, "utf-8", "café"),  # 8-bit bytes are not UTF-16
        (b"\xff\xfe" + declared("utf-8", "café").encode("utf-16-le"), "text/xml; charset=utf-8", "utf-16-le", "café"),
        (b"\xef\xbb\xbf" + declared("koi8-r", "café").encode(), "text/xml; charset=koi8-r", "utf-8", "café"),
        (declared("utf-32", "café").encode("utf-32"), None, "utf-32-le", "café"),
        (declared("ascii", "caf\xe9 \x93q\x94").encode("latin-1"), None, "cp1252", "café “q”"),
        (declared("hex", "café").encode(), "text/xml; charset=zlib", "utf-8", "café"),
        (declared("gb2312", "鎔").encode("gb18030"), None, "gb18030", "鎔"),
        (b"<t>caf\xe9</t>", "text/xml; charset=\x00\xff", "utf-8", "café"),
    ],
)
def test_order_and_wrong_labels(body: bytes, content_type: str | None, charset: str, holds: str) -> None:
    found = decode(body, content_type)
    assert found.charset == charset
    assert holds in found.text


@given(
    st.binary(max_size=80),
    st.sampled_from([None, "text/xml; charset=utf-8", "x; charset=euc-jp", "x; charset=utf-7", "charset="]),
)
def test_any_bytes_become_valid_utf8(body: bytes, content_type: str | None) -> None:
    decode(body, content_type).utf8.decode("utf-8")


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_honest_utf8_is_not_touched(text: str) -> None:
    """But for a document that is, throughout, UTF-8 taken for Windows-1252; none of that kind is meant by anyone."""
    body = declared("utf-8", text.replace("\ufeff", "")).encode()
    found = decode(body, "application/xml; charset=utf-8")
    assert found.utf8 == body or found.warning == "UTF-8 encoded twice, decoded twice"


def test_bytes_that_are_no_utf8_are_read_as_windows_and_said_so() -> None:
    found = decode("naïve ".encode() + b"caf\xe9 \x80", None)
    assert found.text == "naïve café €"
    assert found.warning is not None

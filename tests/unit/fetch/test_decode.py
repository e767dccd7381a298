"""Content codings within bounds."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.fetch.decode import DecodingError, TooLargeError, decoder_for

TEXT = b"<rss><channel><title>News of the day</title></channel></rss>" * 20
LIMIT = 100_000


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def gzipped(body: bytes) -> bytes:
    """gzip without the time of packing: names of tests must be the same in every worker."""
    return gzip.compress(body, mtime=0)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzipped,
    "x-gzip": gzipped,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "identity": bytes,
    "": bytes,
}


def read(coding: str | None, packed: bytes, limit: int = LIMIT, size: int = 7) -> bytes:
    """Decodes in parts of `size` bytes, as they come from a wire."""
    decoder = decoder_for(coding, limit)
    for start in range(0, len(packed), size):
        decoder.feed(packed[start : start + size])
    return decoder.finish()


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_each_coding_is_read_however_it_comes(coding: str, size: int) -> None:
    assert read(coding, PACKERS[coding](TEXT), size=size) == TEXT


@pytest.mark.parametrize(
    ("coding", "packed", "expected"),
    [
        ("gzip", gzipped(TEXT[:500]) + gzipped(TEXT[500:]), TEXT),
        ("gzip", gzipped(TEXT) + b"\0" * 40, TEXT),
        ("gzip", gzipped(TEXT) + b"rubbish", TEXT),
        ("gzip", TEXT, TEXT),
        ("gzip", zlib.compress(TEXT), TEXT),
        ("gzip, identity", gzipped(TEXT), TEXT),
        (None, gzipped(TEXT), TEXT),
        ("identity", gzipped(TEXT), TEXT),
        ("utf-8", TEXT, TEXT),
        ("zip-o-matic", TEXT, TEXT),
        ("gzip", b"", b""),
        ("br", b"", b""),
        ("deflate", b"", b""),
    ],
)
def test_what_real_servers_send_is_read(coding: str | None, packed: bytes, expected: bytes) -> None:
    assert read(coding, packed) == expected


@pytest.mark.parametrize(
    ("coding", "packed", "word"),
    [
        ("gzip", gzipped(TEXT)[:-20], "truncated"),
        ("gzip", gzipped(TEXT)[:40], "truncated"),
        ("deflate", zlib.compress(TEXT)[:-5], "truncated"),
        ("br", brotli.compress(TEXT)[:-3], "truncated"),
        ("gzip", b"\x1f\x8b\x08" + b"\xff" * 50, "corrupt"),
        ("gzip", gzipped(TEXT)[:-8] + bytes(8), "corrupt"),
        ("deflate", b"\xff" * 50, "corrupt"),
        ("br", gzipped(TEXT), "corrupt"),
        ("gzip, gzip", gzipped(gzipped(TEXT)), "nested"),
        ("zstd", b"\x28\xb5\x2f\xfd", "not asked for"),
        ("gzip", gzipped(b"") * 1_001, "too many parts"),
    ],
)
def test_broken_and_foreign_codings_are_told(coding: str, packed: bytes, word: str) -> None:
    with pytest.raises(DecodingError, match=word):
        read(coding, packed, size=64)


@pytest.mark.parametrize("coding", PACKERS)
def test_a_body_may_be_as_large_as_the_limit_and_not_a_byte_larger(coding: str) -> None:
    packed = PACKERS[coding](TEXT)
    assert read(coding, packed, limit=len(TEXT)) == TEXT
    with pytest.raises(TooLargeError):
        read(coding, packed, limit=len(TEXT) - 1)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "Deflate", "br"])
def test_a_bomb_is_left_at_the_limit(coding: str) -> None:
    bomb = PACKERS[coding](bytes(20_000_000))
    with pytest.raises(TooLargeError):
        read(coding, bomb, size=4096)


def test_a_bomb_that_hides_its_coding_is_left_at_the_limit() -> None:
    with pytest.raises(TooLargeError):
        read(None, gzipped(bytes(20_000_000)), size=4096)


@given(st.sampled_from(sorted(PACKERS)), st.binary(max_size=2000), st.integers(1, 64))
def test_any_bytes_come_back_or_are_told(coding: str, noise: bytes, size: int) -> None:
    """Nothing but the two expected exceptions ever leaves a decoder, and never more than the limit."""
    try:
        body = read(coding, noise, limit=1_000, size=size)
    except (DecodingError, TooLargeError):
        return
    assert len(body) <= 1_000

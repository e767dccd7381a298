"""What a request says, and to whom."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aggregator import __version__
from aggregator.fetch.errors import UnsendableError
from aggregator.fetch.request import conditional_request, encode_headers, headers_for, identity, sendable
from aggregator.fetch.target import Target, parse_target
from aggregator.model import FetchRequest, Source, SourceId, SourceState, Validators
from aggregator.settings import Network, Settings, Site

URL = "http://news.example/feed.xml"
TAG = Validators('W/"7f+Ab"', "Thu,15-Jun-2023 09:00:00 +0000")


def at(url: str) -> Target:
    target = parse_target(url)
    assert isinstance(target, Target)
    return target


def sent(request: FetchRequest, url: str = URL, keep: bool = False, **site: Any) -> dict[str, str]:
    who = identity(Settings(Path("feeds.yaml"), (), Site(url="https://desk.example", **site)))
    return decoded(headers_for(request, at(url), at(request.configured or request.url), who, keep))


def decoded(headers: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def test_a_request_names_who_asks_and_what_is_read() -> None:
    headers = sent(FetchRequest(URL), contact="ops@desk.example")
    assert headers["User-Agent"] == f"aggregator/{__version__} (+https://desk.example)"
    assert headers["From"] == "ops@desk.example"
    assert {"application/atom+xml", "application/rss+xml"} <= set(headers["Accept"].split(", "))
    assert headers["Accept-Encoding"] == "gzip, deflate, br"
    assert headers["Connection"] == "close"
    assert not {"If-None-Match", "If-Modified-Since", "A-IM", "Referer", "Cookie", "Range"} & set(headers)


def test_a_contact_page_is_named_instead_of_the_site() -> None:
    headers = sent(FetchRequest(URL), contact="https://desk.example/bot")
    assert headers["User-Agent"].endswith("(+https://desk.example/bot)") and "From" not in headers


@pytest.mark.parametrize(
    "site",
    ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost", "http://feeds.localhost:81", "http://192.168.1.20:8080",
     "http://nas:8080", "http://nas.local", "http://[fd00::1]/", "http://0x7f000001/"],
)  # fmt: skip
def test_an_address_that_nobody_else_can_open_is_not_told(site: str) -> None:
    def agent(contact: str | None) -> str:
        return dict(identity(Settings(Path("feeds.yaml"), (), Site(url=site, contact=contact))))["User-Agent"]

    assert agent(None) == agent(site) == f"aggregator/{__version__}"
    assert agent("ops@desk.example") == f"aggregator/{__version__} (+https://desk.example; ops@desk.example)"
    assert agent("https://desk.example/bot") == f"aggregator/{__version__} (+https://desk.example/bot)"


def test_user_agents_of_the_source_win_over_those_of_the_network() -> None:
    who = identity(Settings(Path("feeds.yaml"), (), network=Network(user_agent="desk/1")))
    assert decoded(headers_for(FetchRequest(URL), at(URL), at(URL), who, False))["User-Agent"] == "desk/1"
    own = FetchRequest(URL, user_agent="other/2")
    assert decoded(headers_for(own, at(URL), at(URL), who, False))["User-Agent"] == "other/2"


@pytest.mark.parametrize(("belongs_to", "expected"), [(URL, TAG.etag), ("http://news.example/other.xml", None), (None, None)])
def test_validators_go_to_their_own_address_alone(belongs_to: str | None, expected: str | None) -> None:
    headers = sent(FetchRequest(URL, TAG, belongs_to))
    assert headers.get("If-None-Match") == expected
    assert headers.get("If-Modified-Since") == (TAG.last_modified if expected else None)
    assert headers.get("A-IM") == ("feed" if expected else None)


@pytest.mark.parametrize(
    ("url", "reaches"),
    [
        ("http://news.example/elsewhere.xml", True),
        ("http://news.example:8080/feed.xml", False),
        ("https://news.example/feed.xml", False),
        ("http://cdn.example/feed.xml", False),
    ],
)
def test_own_headers_and_passwords_stay_at_their_origin(url: str, reaches: bool) -> None:
    request = FetchRequest("http://reader:pass@news.example/feed.xml", headers=(("X-Api-Key", "k"),))
    headers = sent(request, url)
    assert ("X-Api-Key" in headers) is reaches and ("Authorization" in headers) is reaches


def test_a_remembered_address_elsewhere_gets_no_credentials() -> None:
    source = Source(SourceId("n"), "http://reader:pass@news.example/feed.xml", headers=(("X-Api-Key", "k"),))
    request = conditional_request(source, SourceState(SourceId("n"), "http://new.example/feed.xml"))
    headers = sent(request, "http://new.example/feed.xml")
    assert "X-Api-Key" not in headers and "Authorization" not in headers
    assert "Authorization" in sent(conditional_request(source, SourceState(SourceId("n"), URL)))


def test_a_configured_authorization_wins_over_the_url_s() -> None:
    request = FetchRequest("http://reader:pass@news.example/feed.xml", headers=(("authorization", "Bearer t"),))
    headers = sent(request)
    assert headers["authorization"] == "Bearer t" and "Authorization" not in headers


def test_the_config_cannot_set_what_belongs_to_the_connection() -> None:
    request = FetchRequest(URL, headers=(("Host", "evil.example"), ("Range", "bytes=0-1"), ("Accept", "text/xml")))
    headers = sent(request)
    assert "Host" not in headers and "Range" not in headers and headers["Accept"] == "text/xml"


@pytest.mark.parametrize(
    "header",
    [
        ("X-Key", "a\r\nX-Evil: b"),
        ("X-Key", "a\nb"),
        ("X-Key", "a\x00"),
        ("X-Key", " a"),
        ("X:Key", "a"),
        ("X Key", "a"),
        ("", "a"),
    ],
)
def test_a_header_that_would_become_two_or_none_is_not_sent(header: tuple[str, str]) -> None:
    assert encode_headers((("X-Key", "a b"),)) == ((b"X-Key", b"a b"),)
    with pytest.raises(UnsendableError):
        encode_headers((header,))
    request = FetchRequest(URL, headers=(header,))
    with pytest.raises(UnsendableError):
        headers_for(request, at(URL), at(URL), (), keep=False)


def test_a_header_goes_out_as_latin_1_or_else_as_utf_8() -> None:
    assert encode_headers((("X-Key", "k\xe9"), ("X-Key", "k\xe9\u20ac"))) == (
        (b"X-Key", b"k\xe9"),
        (b"X-Key", "k\xe9\u20ac".encode()),
    )


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ('"v"', True),
        ("unquoted", True),
        ('"\xe9\xfc\xff"', True),
        ('""', True),
        ("yesterday, about noon", True),
        ('"' + "e" * 3000 + '"', True),
        ('"' + "e" * 50_000 + '"', False),
        ('"a\x01b"', False),
        ('"a\x7fb"', False),
        ("\u20ac", False),
        ("", False),
        (None, False),
    ],
)
def test_a_validator_is_kept_only_if_it_can_go_back(value: str | None, kept: bool) -> None:
    assert (sendable(value) == value is not None) is kept or (not kept and sendable(value) is None)

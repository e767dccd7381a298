"""What answers mean."""

from __future__ import annotations

from typing import Any

import pytest

from aggregator.fetch.verdict import Answer, judge
from aggregator.model import Fault, FaultKind, Fetched, FetchFailed, Hop, NotModified, Validators

NOW = 1_686_830_400.0
URL = "https://news.example/feed.xml"
RSS = b'<?xml version="1.0"?><rss version="2.0"><channel/></rss>'
TAG = Validators('"v1"', "yesterday at noon")


def answer(status: int = 200, *headers: tuple[str, str], body: bytes = RSS, **more: Any) -> Answer:
    return Answer(URL, status, headers, body, **more)


def fault(given: Answer) -> tuple[FaultKind, str, float | None, bool]:
    outcome = judge(given, NOW, 300.0)
    assert isinstance(outcome, FetchFailed) and outcome.url == URL
    wait = None if outcome.fault.retry_at is None else outcome.fault.retry_at - NOW
    return outcome.fault.kind, outcome.fault.detail, wait, outcome.fault.holds_host


def test_a_document_comes_with_its_validators_and_freshness() -> None:
    outcome = judge(
        answer(200, ("etag", '"v1"'), ("last-modified", "yesterday at noon"), ("cache-control", "max-age=60")), NOW, 300
    )
    assert isinstance(outcome, Fetched)
    assert outcome.validators == TAG and outcome.hints.max_age == 60 and outcome.body == RSS


@pytest.mark.parametrize("status", [203, 226])
def test_other_statuses_with_a_document(status: int) -> None:
    assert isinstance(judge(answer(status), NOW, 300), Fetched)


def test_a_304_renews_what_it_names_and_keeps_the_rest() -> None:
    outcome = judge(answer(304, ("etag", '"v2"'), ("cache-control", "max-age=60"), body=b"", asked=TAG), NOW, 300)
    assert outcome == NotModified(URL, Validators('"v2"', "yesterday at noon"), hints=outcome.hints)  # type: ignore[union-attr]


def test_a_304_that_nobody_asked_for_is_a_fault() -> None:
    assert fault(answer(304, ("etag", '"v2"'), body=b""))[0] is FaultKind.UNASKED_304


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (204, FaultKind.EMPTY, "204 no content"),
        (206, FaultKind.STATUS, "206 partial"),
        (299, FaultKind.STATUS, "299"),
        (400, FaultKind.STATUS, "400 bad request"),
        (401, FaultKind.AUTH, "credentials"),
        (403, FaultKind.AUTH, "403 forbidden"),
        (404, FaultKind.STATUS, "404 not found"),
        (410, FaultKind.GONE, "410 gone"),
        (451, FaultKind.STATUS, "451"),
        (500, FaultKind.STATUS, "500"),
        (999, FaultKind.STATUS, "unknown status 999"),
    ],
)
def test_statuses_without_a_document(status: int, kind: FaultKind, word: str) -> None:
    found, detail, wait, holds = fault(answer(status))
    assert (found, wait, holds) == (kind, None, False) and word in detail


@pytest.mark.parametrize(
    ("status", "retry", "wait", "holds"),
    [
        (429, "3600", 3600, True),
        (503, "3600", 3600, True),
        (429, "Thu, 15 Jun 2023 14:00:00 GMT", 7200, True),
        (429, "soon", 900, True),
        (429, None, 900, True),
        (503, "-5", None, False),
        (503, None, None, False),
        (503, str(3650 * 86_400), 86_400, False),
        (429, str(3650 * 86_400), 86_400, False),
    ],
)
def test_429_and_503_hold_the_host_for_a_time_that_can_be_meant(
    status: int, retry: str | None, wait: float | None, holds: bool
) -> None:
    headers = (("retry-after", retry),) if retry else ()
    assert fault(answer(status, *headers))[2:] == (wait, holds)


def test_retry_after_of_another_error_holds_the_source_alone() -> None:
    assert fault(answer(500, ("retry-after", "3600")))[2:] == (3600, False)


def test_a_redirect_s_retry_after_stays_with_the_document() -> None:
    outcome = judge(answer(retry_at=NOW + 7200), NOW, 300)
    assert isinstance(outcome, Fetched) and outcome.retry_at == NOW + 7200


def test_gone_behind_a_temporary_redirect_is_not_the_source_s_end() -> None:
    assert fault(answer(410, hops=(Hop(302, URL, URL),)))[0] is FaultKind.STATUS
    assert fault(answer(410, hops=(Hop(301, URL, URL),)))[0] is FaultKind.GONE


@pytest.mark.parametrize("body", [b"", b" \r\n\t ", b"\xef\xbb\xbf\n", b"\0" * 9000])
def test_nothing_is_a_fault(body: bytes) -> None:
    assert fault(answer(body=body))[0] is FaultKind.EMPTY


PAGE = b"<!DOCTYPE html><html><head><link rel=alternate type='application/rss+xml' href='/rss'></head><body>Hi</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        PAGE,
        b"\xef\xbb\xbf \n" + PAGE,
        b"<?xml version='1.0'?>\n<!-- built --><!doctype HTML><html xmlns='x'></html>",
        b"<html lang=en><p>Back soon",
        b"<script>location='/'</script>",
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "application/rss+xml", ""])
def test_a_page_is_a_fault_whatever_its_label(body: bytes, kind: str) -> None:
    assert fault(answer(200, ("content-type", kind), body=body))[0] is FaultKind.HTML


def test_a_page_comes_with_its_fault_to_be_read_for_the_feeds_that_it_offers() -> None:
    outcome = judge(answer(body=PAGE), NOW, 300)
    assert isinstance(outcome, FetchFailed)
    assert outcome.fault.kind is FaultKind.HTML and outcome.page == PAGE
    assert judge(answer(404, body=PAGE), NOW, 300) == FetchFailed(Fault(FaultKind.STATUS, "404 not found", 404), (), outcome.url)


@pytest.mark.parametrize(
    "body",
    [
        RSS,
        b"\n\n<!-- html --><rss><channel><title>&lt;html></title></channel></rss>",
        b"<feed xmlns='http://www.w3.org/2005/Atom'><title>html</title></feed>",
        b"<rdf:RDF xmlns:rdf='x'></rdf:RDF>",
        b'{"version": "https://jsonfeed.org/version/1.1", "items": []}',
        b"<head><rss><channel/></rss>",
    ],
)
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "application/xml", "text/plain", ""])
def test_a_feed_is_a_feed_whatever_its_label(body: bytes, kind: str) -> None:
    assert isinstance(judge(answer(200, ("content-type", kind), body=body), NOW, 300), Fetched)

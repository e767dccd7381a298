"""What a guard of a site sends in place of a feed is told by the guard's name, with what to do."""

from __future__ import annotations

import gzip
import time

import pytest

from aggregator.fetch.challenge import guard_of
from aggregator.fetch.verdict import Answer, judge
from aggregator.model import Fault, FaultKind, FetchFailed, FetchOutcome

from .origin import Exchange, fetch

NOW = 1_686_830_400.0
URL = "https://news.example/feed.xml"
HTML = ("content-type", "text/html; charset=UTF-8")
DENIED = b"<HTML><HEAD><TITLE>Access Denied</TITLE></HEAD><BODY><H1>Access Denied</H1>You can't have it.</BODY>"


def page(head: str, body: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


CHALLENGES = [
    # guard, status, headers, body
    ("Cloudflare", 403, (("cf-mitigated", "challenge"), ("server", "cloudflare")), b""),
    ("Cloudflare", 503, (("server", "cloudflare"),), page("<title>Just a moment...</title>")),
    ("Cloudflare", 403, (("server", "cloudflare"),), page("<title>Attention Required! | Cloudflare</title>")),
    ("Cloudflare", 403, (("content-type", "text/plain"),), b"error code: 1010"),
    ("Cloudflare", 429, (("cf-mitigated", "challenge"),), b""),
    ("Cloudflare", 200, (), page("<title>One moment</title>", "<script>window._cf_chl_opt={}</script>")),
    ("Akamai", 403, (("server", "AkamaiGHost"),), DENIED),
    ("Akamai", 403, (), DENIED + b"Reference&#32;&#35;18&#46;1a https&#58;//errors.edgesuite.net/18.1a"),
    ("Akamai", 200, (), page('<meta http-equiv="refresh" content="5; URL=\'/feed?bm-verify=AAQ\'" />')),
    ("Imperva", 403, (("x-iinfo", "1-2-3 NNNN CT(0 0 0)"),), DENIED),
    ("Imperva", 503, (("x-cdn", "Incapsula"),), page("", "Request unsuccessful. Incapsula incident ID: 1-2")),
    ("Imperva", 200, (), page('<script src="/_Incapsula_Resource?SWJIYLWA=719d34"></script>')),
    ("DataDome", 403, (("x-datadome", "protected"),), b""),
    ("DataDome", 403, (("set-cookie", "datadome=abc; Path=/"),), b""),
    ("DataDome", 200, (), page("", "<script src='https://ct.captcha-delivery.com/c.js'></script>")),
    ("AWS WAF", 202, (("x-amzn-waf-action", "challenge"),), b""),
    ("AWS WAF", 405, (("x-amzn-waf-action", "captcha"),), page("")),
    ("AWS WAF", 200, (("x-amzn-waf-action", "challenge"),), page("")),
    ("Sucuri", 403, (("server", "Sucuri/Cloudproxy"), ("x-sucuri-id", "15011")), b""),
    ("Sucuri", 200, (), page("<title>You are being redirected...</title>", "<script>sucuri_cloudproxy_js=''</script>")),
    ("HUMAN", 403, (), page("", '<div id="px-captcha"></div>')),
    ("DDoS-Guard", 403, (("server", "ddos-guard"),), page("<title>DDoS-Guard</title>")),
    ("Vercel", 429, (("x-vercel-mitigated", "challenge"),), b""),
    ("Anubis", 200, (), page("", '<script id="anubis_challenge" type="application/json">{}</script>')),
    ("a firewall of the site", 403, (), page("", '<form><div class="g-recaptcha"></div></form>')),
    ("a firewall of the site", 503, (), page("<title>Checking your browser before accessing</title>")),
]


def fault_of(outcome: FetchOutcome) -> Fault:
    assert isinstance(outcome, FetchFailed)
    return outcome.fault


@pytest.mark.parametrize(
    ("guard", "status", "headers", "body"), CHALLENGES, ids=[f"{row[0]}-{row[1]}-{n}" for n, row in enumerate(CHALLENGES)]
)
def test_a_challenge_is_told_by_its_guard(guard: str, status: int, headers: tuple[tuple[str, str], ...], body: bytes) -> None:
    outcome = judge(Answer(URL, status, (HTML, *headers), body), NOW, 300)
    fault = fault_of(outcome)
    assert fault.kind is FaultKind.CHALLENGE
    assert guard in fault.detail and "ask the site" in fault.detail and "proxy:" in fault.detail
    assert fault.detail.startswith(f"{status} ") or status == 200
    assert fault.status == status


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (403, (("server", "cloudflare"), ("cf-ray", "1-FRA")), DENIED, FaultKind.AUTH),
        (403, (("server", "nginx"),), DENIED, FaultKind.AUTH),
        (404, (("x-iinfo", "1-2-3"), ("server", "AkamaiGHost")), b"", FaultKind.STATUS),
        (503, (("x-sucuri-id", "15011"),), b"", FaultKind.STATUS),
        (429, (("server", "cloudflare"),), b"slow down", FaultKind.STATUS),
        (200, (("x-sucuri-id", "1"), ("x-iinfo", "1"), ("set-cookie", "ak_bmsc=1")), page("<title>Home</title>"), FaultKind.HTML),
        (200, (), page('<script src="/_Incapsula_Resource?x"></script>', "<p>An article.</p>" * 4000), FaultKind.HTML),
    ],
)
def test_a_site_behind_a_guard_may_refuse_by_itself(
    status: int, headers: tuple[tuple[str, str], ...], body: bytes, kind: FaultKind
) -> None:
    assert fault_of(judge(Answer(URL, status, (HTML, *headers), body), NOW, 300)).kind is kind


def test_a_challenge_holds_what_its_status_holds() -> None:
    fault = fault_of(judge(Answer(URL, 429, (("cf-mitigated", "challenge"), ("retry-after", "3600"))), NOW, 300))
    assert (fault.kind, fault.retry_at, fault.holds_host) == (FaultKind.CHALLENGE, NOW + 3600, True)


def test_a_feed_that_passes_a_guard_is_a_feed() -> None:
    rss = b'<?xml version="1.0"?><rss version="2.0"><channel><title>_cf_chl_opt</title></channel></rss>'
    outcome = judge(Answer(URL, 200, (("set-cookie", "datadome=1"), ("x-iinfo", "1")), rss), NOW, 300)
    assert not isinstance(outcome, FetchFailed)


# --- over the wire
MOMENT = page("<title>Just a moment...</title>")


def test_the_page_of_a_refusal_is_read() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(403, "Content-Type: text/html", "Content-Encoding: gzip", body=gzip.compress(MOMENT))

    assert fault_of(fetch(act)).kind is FaultKind.CHALLENGE


@pytest.mark.parametrize(
    "body",
    [b"x" * 1_000_000, b"\x1f\x8b\x08broken", MOMENT + b"\0" * 400_000],
    ids=["long", "broken", "long behind its beginning"],
)
def test_a_refusal_that_cannot_be_read_is_one_all_the_same(body: bytes) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.reply(429, "Content-Encoding: gzip", "Retry-After: 60", body=body)

    fault = fault_of(fetch(act))
    assert (fault.kind, fault.status) == (FaultKind.STATUS, 429)
    assert fault.retry_at is not None and fault.retry_at >= NOW + 60


def test_a_refusal_whose_page_never_ends_keeps_its_retry_after() -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 999\r\n\r\n<html>")
        await exchange.reader.read()

    fault = fault_of(fetch(act, timeout=1.0))
    assert (fault.kind, fault.status) == (FaultKind.STATUS, 429)
    assert fault.retry_at is not None and fault.retry_at >= NOW + 60


def test_a_long_header_is_searched_in_time_that_grows_with_its_length() -> None:
    began = time.perf_counter()
    assert guard_of(200, [("akamai-grn", "akamai-grn: " * 20_000)], b"x" * 100_000) is None
    assert time.perf_counter() - began < 1.0, "13 ms; where each beginning is searched to the end it takes seconds"

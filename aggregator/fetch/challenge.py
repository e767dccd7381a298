"""Recognises what guards of web sites (bot managers, firewalls, CDNs) send in place of a feed: challenges and blocks.

Such a page says nothing of the feed, and no waiting helps: a person has to do something, so it is told by the guard's name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from msgspec import Struct

REFUSALS = frozenset({202, 401, 403, 405, 406, 428, 429, 503})
"""Statuses that challenges have besides 200: AWS WAF's are 202 and 405."""
MAX_BYTES = 256 * 1024
"""Bytes of a refusal that are read, to know whose it is."""
MAX_SECONDS = 3.0
"""Seconds that this may take."""
_SHORT = 32 * 1024
"""Bytes up to which a page with status 200 can be a challenge: real pages also hold the guards' scripts, but are longer."""

Headers = Iterable[tuple[str, str]]


class _Guard(Struct, frozen=True):
    """challenge: a header that only challenges and blocks have; page: what its own pages say.

    passed: a header of all answers that pass the guard, which counts beside a 403 or 429. Headers are searched as lines.
    """

    name: str
    challenge: str | None = None
    passed: str | None = None
    page: str | None = None


_GUARDS = (
    _Guard(
        "Cloudflare",
        r"cf-mitigated: (?:challenge|block)",
        None,
        r"cf_chl_|cf-chl-|<title>just a moment\.\.\.|attention required! \| cloudflare|/cdn-cgi/l/chk_|^error code: 10\d\d",
    ),
    _Guard(
        "Akamai",
        r"akamai-grn: [^\n]{0,200}challenge|x-akamai-edgescape-challenge:",
        r"server: akamaighost|set-cookie: (?:_abck|bm_sz|ak_bmsc)=",
        r"errors\.edgesuite\.net|sec-if-cpt-container|/_sec/cp_challenge|bm-verify=",
    ),
    _Guard(
        "Imperva",
        None,
        r"x-iinfo: |x-cdn: (?:imperva|incapsula)|set-cookie: (?:visid_incap|incap_ses|reese84)",
        r"_incapsula_resource|incapsula incident id|imperva incident id|reese84",
    ),
    _Guard(
        "DataDome",
        r"x-dd-b: |server: datadome",
        r"x-datadome(?:-\w+)?: |set-cookie: datadome=",
        r"captcha-delivery\.com|var dd ?= ?\{",
    ),
    _Guard("AWS WAF", r"x-amzn-waf-action: ", None, r"awswaf\.com/|awswafintegration|awswafcookiedomainlist"),
    _Guard("Sucuri", r"x-sucuri-block: ", r"x-sucuri-id: |server: sucuri", r"sucuri website firewall|sucuri_cloudproxy"),
    _Guard("HUMAN (PerimeterX)", None, r"set-cookie: _px\w*=|x-px-", r"px-captcha|_pxappid|perimeterx"),
    _Guard("DDoS-Guard", None, r"server: ddos-guard", r"check\.ddos-guard\.net|\.well-known/ddos-guard"),
    _Guard("Vercel", r"x-vercel-mitigated: ", None, r"vercel security checkpoint"),
    _Guard("Kasada", None, r"x-kpsdk-", r"kpsdk"),
    _Guard("Radware", None, None, r"perfdrive\.com|radware bot manager"),
    _Guard("Anubis", None, None, r"within\.website/x/cmd/anubis|anubis_challenge"),
    _Guard(
        "a firewall of the site",
        None,
        None,
        r"g-recaptcha|h-captcha|hcaptcha\.com|cf-turnstile|verify(?:ing)? (?:that )?you are (?:a )?human|checking your browser"
        r"|enable javascript and cookies to continue|making sure you(?:'|&#39;|’)re not a bot",
    ),
)
_BEHIND_A_GUARD = frozenset({403, 405, 406, 428, 429})


def guard_of(status: int, headers: Headers, body: bytes) -> str | None:
    """The name of the guard whose challenge or block an answer is, or None. The answer must be no document."""
    lines = "\n".join(f"{name}: {value}" for name, value in headers).lower()
    if name := _first(lines, lambda guard: guard.challenge):
        return name
    if status in REFUSALS or len(body) <= _SHORT:
        page = body[:MAX_BYTES].decode("utf-8", "replace").lower()
        if name := _first(page, lambda guard: guard.page):
            return name
    return _first(lines, lambda guard: guard.passed) if status in _BEHIND_A_GUARD else None


def _first(text: str, pattern: Callable[[_Guard], str | None]) -> str | None:
    for guard in _GUARDS:
        if (wanted := pattern(guard)) and re.search(wanted, text, re.M):
            return guard.name
    return None


def advice(guard: str) -> str:
    """What happened and what a person can do, as a part of a line."""
    return (
        f"{guard} refuses programs (a challenge page or block): ask the site to let feed readers or our User-Agent pass; "
        "try another address of its feed, or `proxy:`"
    )

"""Resolves addresses, finds what identifies them, and whose they are.

No function here raises, whatever a feed holds. `canonical` returns a key for comparisons, `without_tracking` and `resolve`
return addresses that can be opened.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote_to_bytes, urljoin, urlsplit

import idna

from aggregator.text.suffixes import rules_for

MAX_LENGTH = 4096
"""Characters of the longest address; longer ones are data (servers refuse from about 8,000 on)."""

PORTS = {"http": 80, "https": 443}
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NO_HOST = re.compile(r"""[%<>"{}|\\^`'!$&()*+,;=]""")
_LINE_BREAKS = re.compile(r"[\t\r\n\v\f]+")
_HOST = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
_PLAIN_HOST = re.compile(rf"https?://(?![^/]{{254}})({_HOST}|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?::\d{{1,5}})?/", re.A)
"""A host that needs no normalising, with or without a port."""
PLAIN = (
    rf"https?://(?![^/]{{254}}){_HOST}/"
    r"(?!\.)(?:[A-Za-z0-9_~@:,;=+()-]++|/(?![./])|\.(?!/)|%[0-9A-Fa-f]{2})*"
)
"""Matches addresses that are resolved already, up to query and fragment. Most are, and a match is five times as fast as
parsing. For at most LONGEST_PLAIN characters."""
_PLAIN = re.compile(PLAIN + r"(?:[?#](?:[A-Za-z0-9_~.@:,;=+&/()-]++|%[0-9A-Fa-f]{2})*)?", re.A)
LONGEST_PLAIN = 2000
_SAFE_PATH = "!$&'()*+,;=:@/~-._%"
_SAFE_QUERY = _SAFE_PATH + "?"
_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PERCENT = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

_TRACKING_PREFIXES = (
    "utm_",
    "at_",
    "pk_",
    "mtm_",
    "piwik_",
    "matomo_",
    "hsa_",
    "ns_",
    "wt.",
    "__hs",
    "_hs",
    "vero_",
    "oly_",
    "mkt_",
    "trk_",
)
_TRACKING_WORDS = """
    fbclid gclid gclsrc dclid gbraid wbraid msclkid yclid ysclid twclid ttclid igshid igsh li_fat_id mc_cid mc_eid
    mkt_tok _openstat xtor ito ftag srcref cmpid cmp cmpredirect ncid ocid icid icmp cid_source s_cid smid smtyp spm scm
    wtmc wt_mc guccounter guce_referrer guce_referrer_sig ref_src ref_url __twitter_impression sr_share taid tpcc
    traffic_source campaign_id partner_id echobox soc_src soc_trk _ga _gl intcmp int_cmp dcmp feedtype cxrecs_s
    partnerref outputtype rss feedname rssfeed sref xg_source fb_action_ids fb_source mibextid cvid
"""
_TRACKING_NAMES = frozenset(_TRACKING_WORDS.split())
"""Parameters that say how a reader came, not what is read. From publishers' documentation and from feeds."""

_SENDER_WORDS = "source src ref from via referrer referer rel origin medium channel mc li partner campaign"
_SENDER_NAMES = frozenset(_SENDER_WORDS.split())
_SENDER_VALUE = re.compile(
    r"^(?:.*[-_.])?(?:rss|atom|feeds?|rss[_-]?feeds?|feedburner|twitter|facebook|newsletter|homepage|social|share|email)(?:[-_.].*)?$",
    re.I,
)
_TRACKING_FRAGMENT = re.compile(
    r"^(?:(?:xtor|ftag|ref|utm_\w+|rss|at_\w+|at|ref=rss|intcid|cid|echobox)=|rss$|ref-rss|Echobox)", re.I
)
_DISPLAY_LABELS = ("www.", "m.", "mobile.", "amp.")
_INDEX = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?|jsp)$", re.I)
_GOOGLE = re.compile(r"www\.google\.(?:com|[a-z]{2}|com?\.[a-z]{2})")
"""Google's hosts. Others may begin like them: `www.google.example.org`."""
_GOOGLE_AMP = re.compile(r"^/amp/(?:s/)?(?P<rest>[^/]+\.[^/]+(?:/.*)?)$")
_CACHE_AMP = re.compile(r"^/(?:c|v|r|a)/(?:s/)?(?P<rest>[^/]+\.[^/]+(?:/.*)?)$")


def resolve(base: str | None, url: str | None) -> str | None:
    """The absolute http or https address of a link in a document at `base`, or None.

    Line breaks inside are removed as browsers do (WHATWG URL 4.4), other white space and non-ASCII characters are
    percent-encoded, host names are in ASCII. None: another scheme, credentials, no host, a bad port, too long.
    """
    if not url:
        return None
    if url[-1] not in "?#" and is_plain(url):
        return url
    text = _LINE_BREAKS.sub("", url.strip())
    if not text or len(text) > MAX_LENGTH:
        return None
    try:
        absolute = base is None or text.startswith(("https://", "http://"))
        parts = urlsplit(text if absolute else urljoin(base or "", text))
        host = _ascii_host(parts)
        if host is None or parts.scheme not in PORTS or "@" in parts.netloc:
            return None
        port = parts.port
        netloc = host if port is None or port == PORTS[parts.scheme] else f"{host}:{port}"
    except ValueError:
        return None
    path = _percent_encode(_without_dots(parts.path.replace("\\", "/")), _SAFE_PATH) or "/"
    query = f"?{_percent_encode(parts.query, _SAFE_QUERY)}" if parts.query else ""
    fragment = f"#{_percent_encode(parts.fragment, _SAFE_QUERY)}" if parts.fragment else ""
    result = f"{parts.scheme}://{netloc}{path}{query}{fragment}"
    return result if len(result) <= MAX_LENGTH else None


def is_plain(url: str) -> bool:
    """True if an address is clearly resolved already. It may still end in an empty query or fragment."""
    return len(url) <= LONGEST_PLAIN and _PLAIN.fullmatch(url) is not None


def canonical(url: str) -> str | None:
    """A key that is the same for all addresses of an article, or None if `url` is no web address.

    No scheme; host in lower case without `www.`, `m.`, `mobile.`, `amp.` and default port; AMP forms and caches undone; no
    final slash, index file or fragment (except `#!`); no known tracking parameters. Other parameters stay in order, because
    the query can be the identity (`?p=1`). `canonical("https://" + key)` is `key`.
    """
    whole = resolve(None, url)
    if whole is None:
        return None
    for _ in range(3):
        netloc, path, query, fragment = _parts(whole)
        inner = _amp_target(netloc, path, query)
        if inner is None:
            break
        whole = inner
    netloc, path, query, fragment = _parts(whole)
    key = _display_host(netloc) + _plain_path(_normal_percent(path))
    pairs = [pair for pair in _kept_pairs(query) if pair.casefold() not in ("amp", "amp=1", "amp=true")] if query else []
    if pairs:
        key += "?" + "&".join(map(_normal_percent, pairs))
    return f"{key}#{_normal_percent(fragment)}" if fragment.startswith("!") else key


def uncached(url: str) -> str:
    """The address of the original if this is one of an AMP cache, else the address as it is."""
    if "amp" not in url:
        return url
    inner = _amp_target(*_parts(url)[:3])
    return url if inner is None else inner


def _parts(resolved: str) -> tuple[str, str, str, str]:
    """Host (with its port), path, query and fragment of an address from `resolve`."""
    head, _, fragment = resolved.partition("#")
    address, _, query = head.partition("?")
    netloc, _, path = address.partition("//")[2].partition("/")
    return netloc, "/" + path, query, fragment


def without_tracking(url: str) -> str:
    """The address without known tracking parameters; the rest stays byte for byte."""
    if "?" not in url and "#" not in url:
        return url
    head, hash_mark, fragment = url.partition("#")
    address, _, query = head.partition("?")
    kept = "&".join(_kept_pairs(query))
    if hash_mark and _TRACKING_FRAGMENT.match(fragment):
        hash_mark = fragment = ""
    return address + (f"?{kept}" if kept else "") + hash_mark + fragment


def registrable_domain(host_or_url: str) -> str:
    """The domain that someone registered (`bbc.co.uk` for `news.bbc.co.uk`), by the bundled Public Suffix List.

    IP addresses, names of one label and public suffixes are returned as they are; "" if there is no host. Never raises.
    """
    plain = _PLAIN_HOST.match(host_or_url)
    return _registered(plain[1] if plain else _host_of(host_or_url))


@lru_cache(maxsize=8_192)
def _registered(host: str) -> str:
    if not host or _is_address(host) or "." not in host:
        return host
    return rules_for(host).privatesuffix(host) or host


def _host_of(host_or_url: str) -> str:
    text = host_or_url.strip()
    try:
        parts = urlsplit(text if "//" in text else "//" + text)
        return _ascii_host(parts) or ""
    except ValueError:
        return ""


def _ascii_host(parts: SplitResult) -> str | None:
    """The host in lower case and ASCII, or None if it is missing or invalid."""
    return _ascii((parts.hostname or "").rstrip("."))


@lru_cache(maxsize=8_192)
def _ascii(host: str) -> str | None:
    if not host or _FORBIDDEN.search(host) or _NO_HOST.search(host):
        return None
    if ":" in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True).decode("ascii").rstrip(".")
        except idna.IDNAError:
            return None
    return host if all(0 < len(label) < 64 for label in host.split(".")) and len(host) <= 253 else None


def _is_address(host: str) -> bool:
    if ":" not in host and not host.rstrip("]")[-1:].isdigit():
        return False  # the usual name, told without an exception
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def _percent_encode(text: str, safe: str) -> str:
    cleaned = _BROKEN_PERCENT.sub("%25", text)
    return quote(cleaned, safe=safe, errors="replace")


def _without_dots(path: str) -> str:
    """Removes dot segments (RFC 3986 5.2.4), which urljoin leaves in absolute addresses."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _normal_percent(text: str) -> str:
    """Normal percent-encoding: unreserved characters decoded, hex digits in upper case (RFC 3986 6.2.2)."""
    return _PERCENT.sub(lambda run: "".join(map(_byte, unquote_to_bytes(run.group()))), text) if "%" in text else text


def _byte(value: int) -> str:
    return chr(value) if value in _UNRESERVED else f"%{value:02X}"


def _kept_pairs(query: str) -> list[str]:
    return [pair for pair in query.split("&") if pair and not _is_tracking(pair)]


def _is_tracking(pair: str) -> bool:
    name, _, value = pair.partition("=")
    name = name.casefold()
    if name.startswith("amp;"):
        name = name[4:]
    if name in _TRACKING_NAMES or name.startswith(_TRACKING_PREFIXES):
        return True
    return name in _SENDER_NAMES and _SENDER_VALUE.match(value) is not None


def _plain_path(path: str) -> str:
    if "//" in path:
        path = re.sub(r"/{2,}", "/", path)
    while True:
        shorter = (_INDEX.sub("", path) if "." in path else path).rstrip("/")
        if "amp" in shorter.lower():
            shorter = re.sub(r"(?<=[^/])(?:/amp|/amp\.html|\.amp)$", "", shorter, flags=re.I)
            shorter = re.sub(r"\.amp(\.html?)$", r"\1", shorter, flags=re.I)
            shorter = re.sub(r"^/amp(?=/[^/])", "", shorter, flags=re.I)
        if shorter == path:
            return path
        path = shorter


def _amp_target(host: str, path: str, query: str) -> str | None:
    """The original address inside an AMP cache's, or None."""
    if _GOOGLE.fullmatch(host):
        found = _GOOGLE_AMP.match(path)
    elif host == "cdn.ampproject.org" or host.endswith(".cdn.ampproject.org"):
        found = _CACHE_AMP.match(path)
    else:
        return None
    return resolve(None, f"https://{found['rest']}{f'?{query}' if query else ''}") if found else None


@lru_cache(maxsize=8_192)
def _display_host(netloc: str) -> str:
    if netloc.endswith((":80", ":443")) and not netloc.endswith("]"):
        netloc = netloc.rsplit(":", 1)[0]
    changed = True
    while changed:
        changed = False
        for label in _DISPLAY_LABELS:
            rest = netloc.removeprefix(label)
            if rest != netloc and "." in rest and not rules_for(bare := rest.split(":")[0]).is_public(bare):
                netloc, changed = rest, True
    return netloc

"""Which addresses are one page's: a key that all of them share, and addresses without what says how a reader came.

No function here raises, whatever a feed holds. `canonical` returns a key for comparisons, `uncached` and `without_tracking`
return addresses that can be opened.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from aggregator.text.suffixes import rules_for
from aggregator.text.urls import resolve

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

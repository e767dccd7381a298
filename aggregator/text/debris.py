"""Takes out of an excerpt what feeds add to a text and what is none of it: "Read more", "The post … appeared first on …".

What languages call "Read more" is known by its structure: the last thing in the text is a short link to the entry itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from aggregator.text.canonical import canonical
from aggregator.text.discussions import place_of
from aggregator.text.html import text_of, unescape
from aggregator.text.urls import registrable_domain
from aggregator.text.words import tokens

TAIL = 4_000
"""Characters of markup at the end in which debris is looked for."""
SHORT_LINK = 60
"""Characters of a link that only leads on. A longer one is a teaser, unless it repeats the title."""
CREDIT = 80
"""Characters around the two links of "The post X appeared first on Y" in any language."""
_ROUNDS = 8
"""Pieces of debris that may follow each other."""

_MEDIA = re.compile(r"<(?:img|video|audio)\b")
_BREAKS = ("&nbsp;", "<br>", "<hr>")
_WRAPPERS = ("p", "div", "span", "section", "article", "em", "strong", "b", "i", "small", "center")
_ENDS = ("&nbsp;", *(f"</{name}>" for name in _WRAPPERS))
_AFTER_LINK = ("&nbsp;", "&gt;", *"»›→…|].)")
_BEFORE_LINK = ("&nbsp;", *"[(«|→–—-")
_INLINE = "em|strong|b|i|small|span|center"
_BLOCKS = "p|div|li|section|article|blockquote|h[1-6]|td"
_EMPTY = re.compile(rf"<({_INLINE}|p|div|a|li|ul)(?: [^<>]*)?>(?:\s|&nbsp;|<br>)*+</\1>(?P<rest>(?:\s|</[a-z0-9]+>)*+)\Z")
"""An element without content, followed by end tags alone."""
_LINK = re.compile(r'<a href="([^"<>]*)"[^<>]*>(.*?)</a>', re.S)
_SENTENCE_END = re.compile(r"[.!?…。！？:\]][\"'”’»)]*\Z")
_LINE_START = re.compile(rf"(?:\A|</?(?:{_BLOCKS}|br|hr)(?: [^<>]*)?>)(?:\s|<(?:{_INLINE})(?: [^<>]*)?>)*\Z")
_BLOCK = re.compile(rf"<(?:{_BLOCKS}|br|hr)(?: [^<>]*)?>")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)[^<>]*>")
_VOID = frozenset(("br", "hr", "img", "wbr", "col", "source"))
_PHRASE = re.compile(
    r"(?:click here to )?(?:read|learn|see) more|(?:continue|keep) reading|read (?:on|the (?:full|rest|whole).{0,40})", re.I
)
_PLAIN_PHRASE = re.compile(r"(?:(?<=[.!?…\]])|(?<=>)|\A)\s*(?:read more|continue reading)(?:\s|[.…»›→]|&gt;)*\Z", re.I)
_POST = (
    "The (?:post|article)|Der Beitrag|L[’']article|La entrada|El post|O post|L[’']articolo|Het bericht|Artykuł|Сообщение|Запись"
    "|Inlägget|Indlægget|Innlegget|Příspěvek"
)
_FIRST_ON = (
    "appeared first on|first appeared on|erschien zuerst auf|est apparu en premier sur|(?:se publicó|apareció) primero en"
    "|apareceu primeiro em|proviene da|(?:verscheen|is) eerst op|pochodzi z serwisu|появились сначала на|впервые появилась на"
    "|dök först upp på|blev først udgivet på|dukket først opp på|pochází z"
)
_APPEARED = re.compile(rf"(?:\A|(?<=[.!?…\]>]))\s*(?:{_POST}) [^<>]{{1,300}} (?:{_FIRST_ON}) [^<>]{{1,120}}\Z")
"""WordPress's credit where its links are gone. With them its structure tells."""
_ORIGINALLY = re.compile(r"\s*This (?:article|story|post) (?:originally|first) appeared on [^<>]{1,80}? at https?://[^\s<>]+\Z")
_POSTED = re.compile(r"<p>\s*(?:(?:Article|Comments) URL: <a [^<>]*>[^<>]*</a>|(?:Points|# Comments): [0-9]{1,7})\s*</p>\s*")
"""What hnrss.org makes of a submission."""
_SUBMITTED = re.compile(
    r'submitted by(?:\s|&nbsp;)*<a href="https://(?:www|old)\.reddit\.com/u[^<>]*>[^<>]*</a>'
    r"(?:(?:\s|&nbsp;|<br>|to)*+(?:<span><a [^<>]*>[^<>]*</a></span>|<a [^<>]*>[^<>]*</a>))*+"
)
"""What Reddit puts below each text: who sent it, where, [link] and [comments]."""


def without_debris(markup: str, title: str, own: Collection[str | None]) -> str:
    """Cleaned HTML without debris. own: addresses of the entry and of its comments."""
    if "URL: <a" in markup:
        markup = _POSTED.sub("", markup)
    if "submitted by" in markup:
        markup = _SUBMITTED.sub("", markup)
    cut = max(markup.rfind("<", 0, len(markup) - TAIL), 0) if len(markup) > TAIL else 0
    before, tail = markup[:cut], markup[cut:]
    addresses, words = {found for url in own if url and (found := canonical(url))}, tokens(title)
    for _ in range(_ROUNDS):
        shorter = _shortened(tail, words, addresses)
        if shorter == tail:
            break
        tail = shorter
    return (before + tail).strip()


def _shortened(tail: str, title: list[str], own: Collection[str]) -> str:
    """The markup without its last piece of debris, or as it is."""
    tail = tail.rstrip()
    if (empty := _EMPTY.search(tail)) is not None:
        return tail[: empty.start()] + empty["rest"]
    body, end = _split(tail, _ENDS)
    closing = "".join(end.replace("&nbsp;", "").split())
    if (shorter := _split(body, _BREAKS)[0]) != body:
        return shorter + closing
    block = max((found.end() for found in _BLOCK.finditer(body)), default=0)
    if _is_credit(body[block:], own) or (_is_pointer(body[block:], own) and text_of(body[:block])):
        return _without(body, block, closing)
    for pattern in (_APPEARED, _ORIGINALLY, _PLAIN_PHRASE):
        if (found := pattern.search(body, block)) is not None:
            return body[: found.start()] + closing
    start = body.rfind("<a ", block)
    link = _LINK.fullmatch(_split(body, _AFTER_LINK)[0], start) if start >= 0 else None
    if link is None or not _leads_on(link, title, own):
        return body + closing
    before = _split(body[:start], _BEFORE_LINK)[0]
    return before + closing if _LINE_START.search(before) or _SENTENCE_END.search(before) else body + closing


def _split(text: str, ends: tuple[str, ...]) -> tuple[str, str]:
    """The text, and the blanks and given strings that it ends in."""
    at = len(text)
    while at:
        end = next((one for one in ends if text.endswith(one, 0, at)), "")
        if not end and not text[at - 1].isspace():
            break
        at -= len(end) or 1
    return text[:at], text[at:]


def _without(body: str, start: int, closing: str) -> str:
    """The body up to `start`, with those of the end tags that close something there."""
    opened: list[str] = []
    for tag in _TAG.finditer(body, start):
        if tag[1]:
            if not opened or opened.pop() != tag[2]:
                return body + closing
        elif tag[2] not in _VOID:
            opened.append(tag[2])
    for name in reversed(opened):
        closing = closing.replace(f"</{name}>", "", 1)
    return body[:start] + closing


def _is_credit(block: str, own: Collection[str]) -> bool:
    """Whether this is "The post X appeared first on Y": links to the entry and to the front page of its site, and few words."""
    links = [*_LINK.finditer(block)]
    if len(links) != 2 or _MEDIA.search(block):
        return False
    entry, site = (unescape(link[1]) for link in links)
    _, _, path = site.partition("://")[2].partition("/")
    same = registrable_domain(entry) == registrable_domain(site)
    return canonical(entry) in own and same and not path.strip("/") and len(text_of(_LINK.sub("", block))) <= CREDIT


def _is_pointer(block: str, own: Collection[str]) -> bool:
    """Whether a short block begins with a link to the entry and holds no other: "Read more of this story at Slashdot"."""
    links = [*_LINK.finditer(block)]
    if len(links) != 1 or _MEDIA.search(block) or text_of(block[: links[0].start()]):
        return False
    return canonical(unescape(links[0][1])) in own and len(text_of(block)) <= SHORT_LINK


def _leads_on(link: re.Match[str], title: list[str], own: Collection[str]) -> bool:
    """Whether a link is "Read more": a short one, or one that repeats the title, to the entry or to where it is discussed."""
    if _MEDIA.search(link[2]):
        return False
    text, url = text_of(link[2]).strip(" .…»›→>[]()"), unescape(link[1])
    if _PHRASE.fullmatch(text):
        return True
    is_short = len(text) <= SHORT_LINK or (len(title) > 1 and " ".join(title) in " ".join(tokens(text)))
    return is_short and (canonical(url) in own or place_of(url) is not None)

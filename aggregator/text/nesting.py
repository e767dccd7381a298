"""Bounds the work that markup can cause in an HTML parser, before a parser sees it.

The HTML standard says how parsers mend wrong nesting, and that can be used against them. Formatting elements (`b`, `font`, …)
left open by their block are opened anew in each following block (WHATWG HTML 13.2.4.3), an end tag moves and copies what is
between (13.2.6.4.7), and what may not be in a table goes in front of it: 50 KB became 1 GB. `bound_nesting` estimates that
work, rather too high than too low, and nests expensive markup anew by rules that copy nothing.
"""

from __future__ import annotations

from collections import Counter

from aggregator.text.markup import RAW, Tag, count_attributes, tags

_FEW_TAGS = 256
"""Tags that are always allowed: they make 16,000 copies at worst."""
_SHORT = 20_000
"""Characters of a text that is too short for a tag with too many attributes."""
_MOST_WRITTEN = 8_000_000
"""Characters that a parser may write, copies included, beside eight times the text's own length."""
_FOR_EACH = 100
"""Characters that an element counts for, beside its own."""
_MOVED = 32
"""Copies that one misplaced end tag makes at most: eight rounds of three (13.2.6.4.7), and the blocks."""
_DEEPEST = 1000
"""Depth of the open elements; for many tags parsers walk through all of them."""
_MOST_MISPLACED = 1000
"""Misplaced elements and texts in tables; for each a parser looks for the table's place."""
_MOST_ROOTS = 100
"""`html` and `body` tags; a parser compares their attributes with all earlier ones."""
_MOST_ATTRIBUTES = 500
"""Attributes of one tag; a parser compares them with one another."""
_LONG_TAG = 2 * _MOST_ATTRIBUTES
_KEPT_DEPTH = 500

_FORMATTING = frozenset(("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"))
_FOREIGN = frozenset(("svg", "math"))
_INTEGRATION = frozenset(("mi", "mo", "mn", "ms", "mtext", "annotation-xml", "desc", "foreignobject"))
"""Elements of SVG and MathML that may contain HTML."""
_VOID_NAMES = """
    area base basefont bgsound br col embed frame hr img image input keygen link meta param source track wbr
"""
_BLOCK_NAMES = """
    address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4
    h5 h6 header hgroup hr li listing main menu nav ol p plaintext pre section summary table ul xmp
"""
_OTHER_NAMES = """
    abbr audio bdi br cite del dfn img ins kbd mark q rp rt ruby samp source span sub sup time var video wbr
"""
_VOID, _BLOCKS = frozenset(_VOID_NAMES.split()), frozenset(_BLOCK_NAMES.split())
_TABLE = frozenset(("table", "thead", "tbody", "tfoot", "tr", "td", "th", "caption", "colgroup", "col"))
_BETWEEN_CELLS = frozenset(("table", "thead", "tbody", "tfoot", "tr", "colgroup"))
_KEPT = (_FORMATTING | _BLOCKS | frozenset(_OTHER_NAMES.split())) - (_TABLE | RAW)
_DROPPED_WHOLE = (RAW | _FOREIGN | frozenset(("template", "select", "object", "canvas"))) - {"plaintext"}
_CELLS = frozenset(("td", "th", "p"))
_CLOSES = {
    **dict.fromkeys(_BLOCKS, frozenset(("p",))),
    **dict.fromkeys(("dd", "dt"), frozenset(("dd", "dt", "p"))),
    **dict.fromkeys(("thead", "tbody", "tfoot"), _CELLS | {"tr", "thead", "tbody", "tfoot"}),
    **dict.fromkeys(("td", "th"), _CELLS),
    "li": frozenset(("li", "p")),
    "tr": _CELLS | {"tr"},
    "option": frozenset(("option",)),
}
"""Elements that a start tag ends if it stands directly in them."""


def bound_nesting(markup: str) -> str:
    """The markup; nested anew if it could make a parser do too much work."""
    count = markup.count("<")
    if count <= _FEW_TAGS and len(markup) <= _SHORT:
        return markup
    return markup if _CostEstimate(len(markup)).is_bounded(markup) else _nest_anew(markup)


class _CostEstimate:
    """An upper bound of a parser's work. Its stack is at least as deep as the parser's: an end tag only ends its own element."""

    def __init__(self, length: int) -> None:
        self._left = _MOST_WRITTEN + 8 * length
        self._stack: list[tuple[str, str]] = []
        self._open: Counter[str] = Counter()
        self._reopened: Counter[str] = Counter()
        self._held = 0
        self._misplaced = self._roots = 0
        self._foreign: list[str] = []
        self._has_sections = False

    def is_bounded(self, markup: str) -> bool:
        self._has_sections = "<![CDATA[" in markup
        for tag in tags(markup):
            if not (self._count_foreign(tag) if self._foreign else self._count(tag)):
                return False
            self._left -= self._held
            if self._left < 0 or len(self._stack) > _DEEPEST or self._misplaced > _MOST_MISPLACED or self._roots > _MOST_ROOTS:
                return False
        return True

    def _count(self, tag: Tag) -> bool:
        """False if the work can't be estimated: a script can hide its own end."""
        name = tag.name
        if tag.before and self._inside() in _BETWEEN_CELLS and not tag.before.isspace():
            self._misplaced += 1
        if tag.is_end:
            self._end(name)
            return True
        if is_crowded(tag) or ("<!--" in tag.content and "<script" in tag.content.lower()):
            return False
        if name in _FOREIGN:
            self._foreign = [name]
            return not self._has_sections
        self._roots += name in ("html", "body")
        if name and name not in RAW and name not in _VOID:
            self._start(tag)
        return True

    def _count_foreign(self, tag: Tag) -> bool:
        """False for all but plain SVG and MathML: HTML inside ends them, and CDATA and integration points hide tags."""
        if tag.is_end:
            return self._foreign.pop() == tag.name
        if tag.name in _KEPT or tag.name in _TABLE or self._foreign[-1] in _INTEGRATION or "<" in tag.content:
            return not tag.name
        if tag.name in RAW or not tag.attributes.endswith("/"):
            self._foreign.append(tag.name)
        return len(self._foreign) <= _DEEPEST

    def _start(self, tag: Tag) -> None:
        name = tag.name
        if closes := _CLOSES.get(name):
            while self._inside() in closes:
                self._close()
        if name not in _TABLE and self._inside() in _BETWEEN_CELLS:
            self._misplaced += 1
        if name in _FORMATTING:
            self._held += len(tag.whole) + _FOR_EACH
            if name in ("a", "nobr") and self._open[name]:  # it ends an earlier one, wherever that is
                self._left -= _MOVED * (len(tag.whole) + _FOR_EACH)
        self._open[name] += 1
        self._stack.append((name, tag.whole))

    def _end(self, name: str) -> None:
        if self._stack and self._stack[-1][0] == name:
            _, whole = self._stack.pop()
            self._open[name] -= 1
            if name in _FORMATTING:
                self._held -= len(whole) + _FOR_EACH
        elif name in _FORMATTING:
            self._left -= _MOVED * (_FOR_EACH + max((len(whole) for open_, whole in self._stack if open_ == name), default=0))
        elif name in ("p", "li", "dd", "dt", "td", "th") and self._inside() == name:
            self._close()

    def _inside(self) -> str:
        """The innermost open element that is no formatting."""
        for name, _ in reversed(self._stack):
            if name not in _FORMATTING:
                return name
        return ""

    def _close(self) -> None:
        """Ends the innermost element. Its formatting is opened anew later; parsers remember three of the same tag (13.2.4.3)."""
        while self._stack:
            name, whole = self._stack.pop()
            self._open[name] -= 1
            if name not in _FORMATTING:
                return
            self._reopened[whole] += 1
            if self._reopened[whole] > 3:
                self._held -= len(whole) + _FOR_EACH


def is_crowded(tag: Tag) -> bool:
    """True if a tag has more attributes than any honest one."""
    return len(tag.attributes) > _LONG_TAG and count_attributes(tag.attributes) > _MOST_ATTRIBUTES


def _nest_anew(markup: str) -> str:
    """The text with links, blocks and formatting, each closed where its parent ends. Of tables only the text stays."""
    written: list[str] = []
    stack: list[str] = []

    def close(place: int) -> None:
        written.extend(f"</{name}>" for name in reversed(stack[place:]))
        del stack[place:]

    skipped = ""
    for tag in tags(markup):
        name = tag.name
        if skipped and not (skipped in _FOREIGN and name in _BLOCKS and not tag.is_end):
            skipped = "" if tag.is_end and name == skipped else skipped
            continue
        skipped = ""
        written.append(tag.before.replace("<", "&lt;"))
        if tag.is_end:
            if name in stack:
                close(_last(name, stack))
        elif name in _DROPPED_WHOLE:
            skipped = name
        elif name not in _KEPT or is_crowded(tag) or len(stack) >= _KEPT_DEPTH:
            written.append(" ")
        else:
            close(_open_before(name, stack))
            written.append(tag.whole)
            if name not in _VOID:
                stack.append(name)
    close(0)
    return "".join(written)


def _open_before(name: str, stack: list[str]) -> int:
    """How many elements stay open when one begins. Those that a parser would close by itself are closed explicitly."""
    if name == "a":
        closed = _last("a", stack)
    elif name in ("li", "dd", "dt"):
        inner = max(_last(one, stack) for one in (("li",) if name == "li" else ("dd", "dt")))
        closed = inner if inner > max(_last(one, stack) for one in ("ul", "ol", "dl")) else -1
    else:
        closed = _last("p", stack) if name in _BLOCKS else -1
    return len(stack) if closed < 0 else closed


def _last(name: str, stack: list[str]) -> int:
    """The index of the innermost element of a name, or -1."""
    return len(stack) - 1 - stack[::-1].index(name) if name in stack else -1

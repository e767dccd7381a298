"""An issue of a digest as plain text."""

from __future__ import annotations

import html
import re

_PIECES = re.compile(r"(</?(?:h[23]|ul|li|br|p)>)([^<]*(?:<(?!/?(?:h[23]|ul|li|br|p)>)[^<]*)*)")
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r'<a href="([^"]*)">(.*?)</a>')


def as_text(body: str) -> str:
    """An issue's HTML as lines: headlines with their addresses, lists with dashes, what is within a list further in."""
    lines: list[str] = []
    depth = 0
    for tag, text in _PIECES.findall(_LINK.sub(r"\2 &lt;\1&gt;", body)):
        depth += (tag == "<ul>") - (tag == "</ul>")
        indent = "  " * max(0, depth - 1)
        words = " ".join(html.unescape(_TAG.sub("", text)).split())
        if tag in ("<h2>", "<h3>"):  # issues of earlier releases have the former
            lines += ["", words, ""]
        elif tag == "<li>":
            lines.append(f"{indent}- {words}")
        elif words:
            lines.append(f"{indent}  {words}")
    return "\n".join(lines).strip("\n")

"""The one way in which XML from outside is parsed: nothing is fetched and no entity is expanded (CWE-611, CWE-776)."""

from __future__ import annotations

from lxml import etree


def make_parser(recover: bool) -> etree.XMLParser:
    """A parser of UTF-8 within libxml2's own limits (depth 256, texts of 10 MB), without comments and instructions.

    Make one for each document: a parser keeps its log and its dictionary of names.
    """
    return etree.XMLParser(
        encoding="utf-8",
        recover=recover,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )

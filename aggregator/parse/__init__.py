"""Parsing: turns the bytes of a document into a `Feed` of cleaned entries.

detect finds the format. xml_feed (lxml, for well-formed XML), feedparser (for other XML), and jsonfeed map it to raw values.
entries makes cleaned entries of these. read does all of it; the package `reading` runs it in processes that can be killed.
"""

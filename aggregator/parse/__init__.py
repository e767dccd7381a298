"""Parsing: turns the bytes of a document into a `Feed` of cleaned entries.

detect finds the format. xml (lxml, for well-formed XML), feedparser (for the rest) and jsonfeed map a document to raw values.
entries makes cleaned entries of these. read does all of it; the package `reading` runs it in processes that can be killed.
"""

"""Parsing: bytes of a document to a `Feed` of cleaned entries.

detect finds format and charset; xml (lxml, for what is well-formed), feedparser (for what is not) and jsonfeed map a document
to raw values; entries makes cleaned entries of these; read is the whole way. `reading` runs it where it can be killed.
"""

"""Fetching a document with one conditional request: polite to servers, and safe against hostile ones (docs/polling.md).

`http.HttpFetcher` does the I/O; `request`, `verdict`, `freshness`, `guard` and `discover` are pure; `hosts` decides who may be
asked now.
"""

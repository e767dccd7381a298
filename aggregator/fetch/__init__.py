"""Fetching: one conditional request that every server welcomes, and no server can hurt (docs/polling.md).

`http.HttpFetcher` does the I/O; `request`, `verdict`, `freshness`, `guard` and `discover` are pure; `hosts` says who may be
asked now.
"""

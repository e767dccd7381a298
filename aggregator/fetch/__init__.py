"""Fetching: one conditional request that every server welcomes, and no server can hurt (docs/polling.md).

`http.HttpFetcher` does the I/O; `request`, `verdict`, `freshness`, `guard` and `discover` are pure; `hosts` says who may be
asked now.
"""

import sys

# httpx loads its own command line (rich, pygments) wherever it can: 50 ms of every start for what nobody calls here. It does
# without where the module can't be imported, which is what None means (docs.python.org, the import system, 5.3.1).
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

"""Web pages: the HTML twins of feeds and stories. They read without any script, and nothing from a feed can run in them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from aggregator.publish.head import Head
from aggregator.settings import Site


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("aggregator.publish"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    return _environment().get_template("style.css").render()


def headers() -> dict[str, str]:
    """What pages are sent with: nothing but their own style sheet and pictures may load."""
    hashed = base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
    policy = f"default-src 'none'; img-src https: http: data:; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    return {
        "content-security-policy": policy + "; frame-ancestors 'none'",
        "referrer-policy": "no-referrer",
        "x-robots-tag": "noindex",
    }


def index(site: Site, feeds: Sequence[Head]) -> bytes:
    """The front page: the public feeds, with buttons to subscribe."""
    from markupsafe import Markup

    page = _environment().get_template("index.html")
    return page.render(site=site, feeds=feeds, language=site.language, style=Markup(_style())).encode()

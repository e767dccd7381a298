"""The shipped snippets for proxies let through what the daemon takes."""

from __future__ import annotations

import re

from aggregator.settings import Polling
from tests.conftest import CHECKOUT


def test_nginx_lets_pushes_through_and_keeps_other_bodies_small() -> None:
    text = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    places = dict(re.findall(r"^    location (\S+) \{\n(.*?)^    \}", text, re.MULTILINE | re.DOTALL))
    sizes = {path: int(size) * 1024 ** "bkm".index(unit) for path, block in places.items()
             for size, unit in re.findall(r"client_max_body_size (\d+)([km])", block)}  # fmt: skip
    assert sizes["/push/"] >= Polling().max_bytes
    assert sizes["/"] <= 64 * 1024
    assert "access_log off" in places["/push/"]  # the address is a secret


def test_caddy_lets_pushes_through_and_does_not_log_them() -> None:
    text = (CHECKOUT / "deploy" / "Caddyfile").read_text()
    size = re.search(r"request_body @push \{\s+max_size (\d+)MB", text)
    assert size is not None
    assert int(size[1]) * 1_000_000 >= Polling().max_bytes
    assert "log_skip @push" in text


def test_no_proxy_tells_of_unanswered_requests_with_their_tokens() -> None:
    nginx = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    assert re.search(r"^    error_log \S+ crit;$", nginx, re.M), "a line of level error holds the request"
    caddy = (CHECKOUT / "deploy" / "Caddyfile").read_text()
    assert re.search(r"^{\n(?:\t.*\n)*?\tlog {\n\t\texclude http\.log\.error\n\t}\n}\n", caddy, re.M), (
        "the global options come first"
    )

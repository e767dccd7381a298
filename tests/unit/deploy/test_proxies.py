"""The shipped snippets for proxies let through what the daemon takes."""

from __future__ import annotations

import re

import pytest

from aggregator.settings import Polling
from tests.conftest import CHECKOUT

CADDYFILES = pytest.mark.parametrize("caddyfile", ["Caddyfile", "cluster/Caddyfile"])


def test_nginx_lets_pushes_through_and_keeps_other_bodies_small() -> None:
    text = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    places = dict(re.findall(r"^    location (\S+) \{\n(.*?)^    \}", text, re.MULTILINE | re.DOTALL))
    sizes = {path: int(size) * 1024 ** "bkm".index(unit) for path, block in places.items()
             for size, unit in re.findall(r"client_max_body_size (\d+)([km])", block)}  # fmt: skip
    assert sizes["/push/"] >= Polling().max_bytes
    assert sizes["/"] <= 64 * 1024
    assert "access_log off" in places["/push/"]  # the address is a secret


@CADDYFILES
def test_caddy_lets_pushes_through_and_does_not_log_them(caddyfile: str) -> None:
    text = (CHECKOUT / "deploy" / caddyfile).read_text()
    size = re.search(r"request_body @push \{\s+max_size (\d+)MB", text)
    assert size is not None
    assert int(size[1]) * 1_000_000 >= Polling().max_bytes
    assert "\tskip_log @push\n" in text, "Debian's Caddy, 2.6, knows no log_skip"


@CADDYFILES
def test_no_proxy_tells_of_unanswered_requests_with_their_tokens(caddyfile: str) -> None:
    nginx = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    assert re.findall(r"^ *error_log .*$", nginx, re.M) == ["    error_log /dev/null emerg;"], (
        "a line of any level holds the request"
    )
    caddy = (CHECKOUT / "deploy" / caddyfile).read_text()
    assert re.search(r"^{\n(?:\t.*\n)*?\tlog {\n\t\texclude http\.log\.error\n\t}\n}\n", caddy, re.M), (
        "the global options come first"
    )


def test_nginx_of_debian_12_knows_all_that_is_asked_of_it() -> None:
    """It has 1.22; since 1.25.1 there is `http2 on;`."""
    nginx = (CHECKOUT / "deploy" / "nginx.conf").read_text()
    settings = re.sub(r"#.*", "", nginx)
    assert (
        re.findall(r"^\s*(?:http2|http3|quic_\w+|ssl_key_log|proxy_pass_trailers|keepalive_min_timeout)\b", settings, re.M) == []
    )
    assert "listen 443 ssl http2;" in settings


@CADDYFILES
def test_caddy_asks_for_nothing_packed_that_the_client_did_not_ask_for(caddyfile: str) -> None:
    caddy = (CHECKOUT / "deploy" / caddyfile).read_text()
    assert re.search(
        r"reverse_proxy \{\$UPSTREAMS?:[^}]+\} \{\n(?:.*\n)*?\t\ttransport http \{\n\t\t\tcompression off\n\t\t\}", caddy
    )

"""The shipped snippets in real proxies, nginx and Caddy, before the daemon."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aggregator.demo.origin import Origin
from tests.flow.command import eventually, free_port, get
from tests.flow.conftest import newsdesk, origin
from tests.interop.proxies import Caddy, Nginx, Reply, ask, find, logs, running

__all__ = ["origin"]
TOKEN = "demo-token"


Before = Callable[[int], Caddy | Nginx]


@pytest.fixture(params=[Caddy, Nginx], ids=["caddy", "nginx"])
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Before:
    """Makes a proxy, not started yet, before the daemon at a port."""
    program = find(request.param.program)
    if program is None:
        pytest.skip(f"{request.param.program} is not installed")
    folder = tmp_path / "proxy"
    folder.mkdir()

    def make(upstream: int) -> Caddy | Nginx:
        made: Caddy | Nginx = request.param(program, folder, upstream)
        return made

    return make


ACCEPTED: tuple[dict[str, str], ...] = ({}, *({"Accept_Encoding": coding} for coding in ("gzip", "identity", "br")))


def same_at_both(daemon: int, proxy: int, path: str, headers: dict[str, str]) -> Reply:
    """What both answer. The daemon may publish between two requests, so what it says before and after the proxy must agree."""
    for _ in range(20):
        before, found, after = ask(daemon, path, **headers), ask(proxy, path, **headers), ask(daemon, path, **headers)
        if before == after:
            assert found == before, (path, headers)
            return found
    raise AssertionError(f"{path} never stood still")


def test_an_etag_stands_for_the_same_bytes_as_at_the_daemon(before: Before, tmp_path: Path, origin: Origin) -> None:
    """A client that takes nothing packed must not get what was packed, unpacked, under the packed one's ETag."""
    desk = newsdesk(tmp_path, origin)
    with desk.command.daemon(desk.port) as daemon:
        eventually(lambda: b"closer ties" in get(f"http://127.0.0.1:{desk.port}/feeds/ukraine.atom").body, daemon)
        proxy = before(desk.port)
        with running(proxy):
            for path in ("/feeds/ukraine.atom", f"/feeds/desk.atom?token={TOKEN}"):
                for headers in ACCEPTED:
                    found = same_at_both(desk.port, proxy.port, path, headers)
                    assert ask(proxy.port, path, If_None_Match=found.etag or "", **headers).status == 304


def test_no_log_holds_a_token_even_when_the_daemon_is_down(before: Before) -> None:
    proxy = before(free_port())
    with running(proxy):
        assert ask(proxy.port, f"/feeds/desk.atom?token={TOKEN}").status == 502
        ask(proxy.port, "/", Referer=f"http://127.0.0.1/feeds/desk.atom?token={TOKEN}", Authorization=f"Basic {TOKEN}")
        ask(proxy.port, f"/push/{TOKEN}")
        eventually(lambda: "/feeds/desk.atom" in logs(proxy))
    assert TOKEN not in logs(proxy)


def test_what_is_for_the_operator_alone_is_shown_to_this_machine_at_most(before: Before) -> None:
    proxy = before(free_port())
    with running(proxy):
        statuses = {ask(proxy.port, path).status for path in ("/metrics", "/readyz")}
    assert statuses == ({404} if isinstance(proxy, Caddy) else {502})

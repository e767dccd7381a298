"""Who gets how many of the process's descriptors."""

from __future__ import annotations

import resource

import pytest

from aggregator.run.descriptors import CONNECTIONS, LEAST, OTHERS, SOCKETS_PER_POLL, Shares, divide, raise_limit


@pytest.mark.parametrize(
    ("limit", "polls", "shares"),
    [
        (65_536, 256, Shares(CONNECTIONS, 256, True)),
        (1_024, 256, Shares(384, 256, False)),
        (256, 256, Shares(42, 43, False)),
        (64, 256, Shares(LEAST, LEAST, False)),
        (1_024, 16_000, Shares(298, 299, False)),
    ],
)
def test_shares(limit: int, polls: int, shares: Shares) -> None:
    assert divide(limit, polls) == shares
    if limit > OTHERS + LEAST * 3:
        assert OTHERS + shares.connections + shares.polls * SOCKETS_PER_POLL <= limit


def test_the_soft_limit_is_raised_to_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
    try:
        assert raise_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0] == min(before[1], 65_536)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)

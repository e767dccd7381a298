"""The demo newsroom, as in the flow tests; the attackers are ours."""

from tests.flow.conftest import desk, origin

__all__ = ["desk", "origin"]

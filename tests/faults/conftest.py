"""The demo newsroom, as in the flow tests; the faults are ours."""

from tests.flow.conftest import desk, origin

__all__ = ["desk", "origin"]

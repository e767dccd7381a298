"""What `app.py` gives the parts of a process that make their own resources and runtimes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from aggregator.publish.shelf import Shelf
from aggregator.run.runtime import MakePollingRuntime, MakeRuntime, Resources
from aggregator.settings import Settings

MakeResources: TypeAlias = Callable[[Settings, Shelf], Resources]


class Wiring(Struct, frozen=True):
    """What the parts are made with.

    make_polling_runtime: for handing documents over; spare_collector: called once all are made.
    """

    make_resources: MakeResources
    make_runtime: MakeRuntime
    make_polling_runtime: MakePollingRuntime
    spare_collector: Callable[[], None]

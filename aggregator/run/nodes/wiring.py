"""What `app.py` gives the parts of a process that make their own resources and runtimes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from msgspec import Struct

from aggregator.ports import Database
from aggregator.publish.shelf import Shelf
from aggregator.run.runtime import MakeRuntime, PollingRuntime, Resources
from aggregator.settings import Settings

MakeResources: TypeAlias = Callable[[Settings, Database, Shelf], Resources]


class Wiring(Struct, frozen=True):
    """What the parts are made with. make_polling_runtime: for handing documents over; prepare: called once all are made."""

    make_resources: MakeResources
    make_runtime: MakeRuntime
    make_polling_runtime: Callable[[Settings, Resources], PollingRuntime]
    prepare: Callable[[], None]

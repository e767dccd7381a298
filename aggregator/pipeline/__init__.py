"""The path of one poll: `polls.py` is the whole way on one screen, `storage.py` what happens to a document that was read.

`handing_over.py`: how a document comes to the leader, where another node has read it.
"""

from aggregator.pipeline.current import CurrentPipeline
from aggregator.pipeline.handing_over import InboxStorage, OwnTurnStorage
from aggregator.pipeline.polls import Pipeline
from aggregator.pipeline.requests import PoliteRequests
from aggregator.pipeline.states import NextStates
from aggregator.pipeline.storage import DocumentStorage, Storage

__all__ = [
    "CurrentPipeline",
    "DocumentStorage",
    "InboxStorage",
    "NextStates",
    "OwnTurnStorage",
    "Pipeline",
    "PoliteRequests",
    "Storage",
]

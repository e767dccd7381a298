"""When a source is due next, and what the store knows of it after a poll. Pure: no clock, no chance of its own.

after_poll    the whole next state of a source
may_poll      why it may not be asked now, or None
same_body     whether a document is the last one again: then nothing is parsed
silent        why a source counts as silent, or None
"""

from aggregator.cadence.after import after_poll
from aggregator.cadence.body import body_hash, same_body
from aggregator.cadence.permission import may_poll
from aggregator.cadence.silence import silent

__all__ = ["after_poll", "body_hash", "may_poll", "same_body", "silent"]

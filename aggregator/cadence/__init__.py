"""When to poll a source next, and its state after a poll. Pure: the clock and the random number are arguments.

after_poll    the complete next state of a source
may_poll      why a source may not be polled now, or None
same_body     True if a document is the same as the last one: then it isn't parsed
usual_wait    seconds between two polls of a source while nothing fails
why_silent    why a source counts as silent, or None
"""

from aggregator.cadence.due import usual_wait
from aggregator.cadence.next_state import after_poll
from aggregator.cadence.permission import may_poll
from aggregator.cadence.silence import why_silent
from aggregator.cadence.unchanged import body_hash, same_body

__all__ = ["after_poll", "body_hash", "may_poll", "same_body", "usual_wait", "why_silent"]

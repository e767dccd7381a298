"""What the next message to a channel tells, and what follows from how it went."""

from __future__ import annotations

from aggregator.channels import decide
from aggregator.ports import CHANNEL, FAILED, SENT, UNKNOWN, Delivery, Sent
from aggregator.publish.messages.channel_states import ChannelState
from aggregator.settings import Rate

NOON = 1_000_000.0
HOUR = 3600.0


def waiting(count: int, at: float = NOON) -> list[Delivery]:
    return [Delivery(CHANNEL, "desk", "id", f"story-{number}", "reached", at, at) for number in range(count)]


def tell(state: ChannelState, stories: list[Delivery], limit: Rate, now: float) -> tuple[ChannelState, list[Delivery], int]:
    """Sends all that may be sent now. Returns what still waits and how many messages it took."""
    messages = 0
    while step := decide.choose(state, stories, limit, now).tell:
        state = decide.end(decide.begin(state, step, limit, now), Sent(SENT), now)
        stories = [one for one in stories if one not in step]
        messages += 1
    return state, stories, messages


def test_each_story_has_a_message_of_its_own() -> None:
    _, left, messages = tell(ChannelState(), waiting(3), Rate(10, HOUR), NOON)
    assert (left, messages) == ([], 3)


def test_a_flood_is_told_within_the_limit_and_nothing_is_lost() -> None:
    _, left, messages = tell(ChannelState(), waiting(300), Rate(10, HOUR), NOON)
    assert (left, messages) == ([], 10)


def test_what_comes_after_the_limit_waits_for_the_first_free_moment() -> None:
    limit = Rate(2, HOUR)
    state, _, _ = tell(ChannelState(), waiting(2), limit, NOON)
    assert tell(state, waiting(5), limit, NOON + HOUR - 1)[2] == 0
    _, left, messages = tell(state, waiting(5), limit, NOON + HOUR)
    assert (left, messages) == ([], 2)


def test_no_span_of_the_limit_has_more_messages() -> None:
    limit, state, sent = Rate(5, HOUR), ChannelState(), []
    for minute in range(0, 600, 7):
        now = NOON + 60 * minute
        state, _, messages = tell(state, waiting(3, now), limit, now)
        sent += [now] * messages
    assert max(sum(at <= other < at + HOUR for other in sent) for at in sent) == 5


def test_a_message_that_may_have_arrived_is_sent_once_more_alone() -> None:
    limit, stories = Rate(10, HOUR), waiting(3)
    state = decide.begin(ChannelState(), stories[:1], limit, NOON)  # and the process is killed
    step = decide.choose(state, stories, limit, NOON + 5)
    assert list(step.tell) == stories[:1]
    state = decide.begin(step.state, step.tell, limit, NOON + 5)  # and killed again
    step = decide.choose(state, stories, limit, NOON + 9)
    assert (step.tell, list(step.drop)) == ((), stories[:1])
    step = decide.choose(step.state, stories[1:], limit, NOON + 9)
    assert list(step.tell) == stories[1:2]


def test_a_message_that_certainly_failed_is_tried_until_it_arrives() -> None:
    limit, state, now = Rate(10, HOUR), ChannelState(), NOON
    for failures in range(1, 9):
        step = decide.choose(state, waiting(1), limit, now)
        assert len(step.tell) == 1
        state = decide.end(decide.begin(step.state, step.tell, limit, now), Sent(FAILED, "answered 500"), now)
        assert state.failures == failures
        assert decide.choose(state, waiting(1), limit, now).tell == ()
        assert 60 <= state.retry - now <= 3600
        now = state.retry
    assert (state.error, state.since) == ("answered 500", NOON)
    assert tell(state, waiting(4), limit, now)[1] == []


def test_an_unknown_end_counts_as_sent() -> None:
    limit = Rate(10, HOUR)
    state = decide.end(decide.begin(ChannelState(), waiting(1), limit, NOON), Sent(UNKNOWN, "too slow"), NOON)
    assert (state.tries, len(state.sent), state.failures) == (1, 1, 1)


def test_what_waits_for_a_day_on_a_failing_channel_is_given_up_and_counted() -> None:
    state = ChannelState(failures=9, since=NOON, retry=NOON)
    step = decide.choose(state, [*waiting(2, NOON - 90_000), *waiting(1, NOON)], Rate(10, HOUR), NOON)
    assert (len(step.drop), step.state.lost) == (2, 2)


def test_what_waits_for_the_limit_alone_is_never_given_up() -> None:
    state = ChannelState(sent=(NOON - 80_000,))
    step = decide.choose(state, waiting(2, NOON - 200_000), Rate(1, 86_400.0), NOON)
    assert (step.drop, step.tell) == ((), ())


def test_a_clock_that_is_set_back_holds_nothing_up() -> None:
    state = decide.correct(ChannelState(sent=(NOON + 90_000,), retry=NOON + 90_000, failures=1), NOON)
    assert decide.choose(state, waiting(1), Rate(1, HOUR), NOON).tell


def test_the_state_is_stored_whole() -> None:
    state = ChannelState((1.0, 2.0), ("a",), 1, 2, 3.0, 4.0, "answered 500", 5)
    assert ChannelState.read(str(state)) == state
    assert ChannelState.read(None) == ChannelState()

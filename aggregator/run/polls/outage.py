"""Tells a missing network from broken sources: not one server answers (decision 045).

An outage is looked for until a server answers: from the start of the daemon, which goes on with one in which it was stopped;
where other nodes can ask the sources meanwhile, anew once ENOUGH polls in a row have reached nobody.

Sources in private networks are left out: they may answer without the internet, and fail with it.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from msgspec.structs import replace

from aggregator.fetch.guard import is_private_host
from aggregator.model import Fault, FaultKind, Instant, PollReport, Source, SourceId, SourceState, Work
from aggregator.run.monitoring.health import Condition
from aggregator.text.urls import registrable_domain

PROBE = 60.0
"""Seconds between two probes during an outage."""
ENOUGH = 20
"""Failed sources that are judged although others are still being asked: servers that never answer take up to their time-out."""
DOMAINS = 5
"""Domains that must fail if a server could be at fault; all of them, if there are fewer. One domain alone proves nothing."""
LOGIN_NEEDED = 511
"""Status of a network that wants a login first (RFC 6585 6)."""

UNHEARD = frozenset({FaultKind.OFFLINE, FaultKind.DNS})
"""Faults of which no server notices anything, so that asking again soon bothers nobody."""
_SILENT = frozenset({FaultKind.CONNECT, FaultKind.TIMEOUT})
_FOREIGN = frozenset({FaultKind.TLS, FaultKind.ADDRESS, FaultKind.HTML, FaultKind.NOT_A_FEED, FaultKind.REDIRECT})
"""Faults of an answer that is not the server's, such as the login page of a network."""


def may_be_ours(fault: Fault) -> bool:
    """Whether a missing network can cause this fault; others show that the server was reached."""
    return fault.kind in UNHEARD | _SILENT | _FOREIGN or fault.status == LOGIN_NEEDED


def is_private(url: str) -> bool:
    """Whether an address is in a private network or on this machine, as far as its host shows it."""
    return is_private_host(urlsplit(url).hostname or "")


def explain_outage(faults: Mapping[str, Fault], domains: int, has_route: bool) -> str | None:
    """Says what keeps every source from being read, as well as their faults tell; None if the sources may be at fault.

    faults: by the address of the source; domains: how many the config has (`count_domains`); has_route: of this machine to the
    internet.
    """
    told = {url: fault for url, fault in faults.items() if not is_private(url)}
    if not told:
        return None
    kinds = Counter(_group(fault) for fault in told.values())
    if kinds.keys() != {FaultKind.OFFLINE} and count_domains(told) < max(2, min(DOMAINS, domains)):
        return None
    return _in_words(kinds.most_common(1)[0][0], tuple(told.values()), has_route)


def count_domains(urls: Iterable[str]) -> int:
    """Counts the domains of addresses, without private ones."""
    return len({registrable_domain(url) for url in urls if not is_private(url)})


def _stored_fault(state: SourceState) -> Fault | None:
    """The fault of the last poll, as far as it is stored."""
    if state.last_fault is None:
        return None
    return Fault(FaultKind(state.last_fault), state.last_error or "", state.last_status)


def _group(fault: Fault) -> FaultKind:
    if fault.kind in _FOREIGN or fault.status == LOGIN_NEEDED:
        return FaultKind.HTML
    return FaultKind.CONNECT if fault.kind in _SILENT else fault.kind


def _in_words(kind: FaultKind, faults: Sequence[Fault], has_route: bool) -> str:
    match kind:
        case FaultKind.OFFLINE | FaultKind.DNS if not has_route:
            return "this machine has no network (no route leads out)"
        case FaultKind.OFFLINE if any("name server" in fault.detail for fault in faults):
            return "no name server answers (DNS); the network may be down"
        case FaultKind.OFFLINE:
            return "this machine has no network (no route leads to any server)"
        case FaultKind.DNS:
            return "the name server knows none of the names (DNS), or this network wants you to log in first (captive portal)"
        case FaultKind.HTML:
            return "something else answers in place of every server, as the login page of a network does: log in with a browser"
        case _:
            return "no server answers: a firewall, or a proxy that `network.proxy` has to name"


def has_route() -> bool:
    """Whether a route leads from this machine to the internet. Sends nothing: the addresses are for documentation."""
    for family, address in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((address, 9))
        except OSError:
            continue
        return True
    return False


def explain_reports(reports: Iterable[PollReport], urls: Mapping[SourceId, str]) -> str | None:
    """`explain_outage` for the reports of one poll of many sources; None if any of them was answered."""
    faults: dict[str, Fault] = {}
    for report in reports:
        if report.outcome == "refused" or is_private(urls.get(report.source, "")):
            continue
        if report.fault is None or not may_be_ours(report.fault) or report.source not in urls:
            return None
        faults[urls[report.source]] = report.fault
    return explain_outage(faults, count_domains(urls.values()), has_route())


class OutageWatch:
    """Holds back what failed until a first server was reached, or until an outage is told in its place.

    why: what keeps everything from being read; None if somebody was reached, or if that is not known yet.
    """

    def __init__(self, has_route: Callable[[], bool] = has_route) -> None:
        self.why: str | None = None
        self._has_route = has_route
        self._is_over = False
        self._failed: dict[SourceId, Fault] = {}
        self._unlogged: list[PollReport] = []

    @property
    def is_undecided(self) -> bool:
        """Whether sources have failed that say nothing about themselves."""
        return bool(self._failed)

    @property
    def was_reached(self) -> bool:
        """Whether a server has answered, so that no outage is looked for any more."""
        return self._is_over

    @property
    def is_over(self) -> bool:
        """Whether a server was reached after all, so that those which failed should be asked again."""
        return self._is_over and (bool(self._failed) or self.why is not None)

    def recall(self, states: Iterable[SourceState], sources: Mapping[SourceId, Source]) -> None:
        """Takes up the outage in which the daemon was stopped: the last poll of every source failed as it does without a network.

        These sources wait for their next poll, so that nothing else would tell that nobody is reached.
        """
        polled = [state for state in states if state.last_poll is not None and not state.gone and state.id in sources]
        faults = {state.id: fault for state in polled if (fault := _stored_fault(state)) is not None and may_be_ours(fault)}
        if any(state.id not in faults and not is_private(sources[state.id].url) for state in polled):
            return  # as a rule, at the first one
        failed = {id: fault for id, fault in faults.items() if not is_private(sources[id].url)}
        self.why = self._explain(failed, sources)
        if self.why is not None:
            self._failed = failed

    def record(self, report: PollReport, *, is_private: bool = False) -> list[PollReport]:
        """Takes the report of a poll. Returns the reports to log now. is_private: what the source is (`is_private`)."""
        if self._is_over or is_private or report.outcome == "refused":
            return [report]
        if report.fault is not None and may_be_ours(report.fault):
            self._failed[report.source] = report.fault
            if self.why is None:
                self._unlogged.append(report)
            else:
                self.why = _in_words(_group(report.fault), (report.fault,), self._has_route())
            return []
        self._is_over = True
        self._failed.pop(report.source, None)
        return [*self._take_unlogged(), report]

    def judge(self, sources: Mapping[SourceId, Source], is_idle: bool) -> Iterator[PollReport]:
        """Decides once all polls have ended (is_idle), or enough of them. Yields the reports to log if sources are at fault."""
        if self._is_over or not self._failed or self.why is not None or not (is_idle or len(self._failed) >= ENOUGH):
            return
        self.why = self._explain(self._failed, sources)
        if self.why is not None:
            self._unlogged.clear()
        elif is_idle:
            self._is_over = True
            self._failed.clear()
            yield from self._take_unlogged()

    def _explain(self, failed: Mapping[SourceId, Fault], sources: Mapping[SourceId, Source]) -> str | None:
        faults = {sources[id].url: fault for id, fault in failed.items() if id in sources}
        return explain_outage(faults, count_domains(source.url for source in sources.values()), self._has_route())

    def _take_unlogged(self) -> list[PollReport]:
        taken, self._unlogged = self._unlogged, []
        return taken

    def end(self) -> frozenset[SourceId]:
        """Ends the outage. Returns the sources to ask again: all that failed, or if none was told, those that were off line."""
        was_told, self.why = self.why is not None, None
        failed = {source for source, fault in self._failed.items() if was_told or fault.kind is FaultKind.OFFLINE}
        self._failed.clear()
        return frozenset(failed)

    def example(self) -> str:
        """One of the errors, for the log."""
        return next(iter(self._failed.values())).detail

    def choose_probe(self, work: Iterable[Work], now: Instant, least: float) -> Work | None:
        """Chooses the source to probe: the one that has waited the longest, and that may be asked.

        least: seconds (`polling.min`) before a server that may have heard of us is asked again.
        """
        free = [one for one in work if not is_private(one[0].url) and self._may_be_probed(one[1], now, least)]
        return min(free, key=lambda one: one[1].last_poll or 0.0, default=None)

    def _may_be_probed(self, state: SourceState, now: Instant, least: float) -> bool:
        if state.gone or state.not_before > now or (state.due > now and state.id not in self._failed):
            return False
        fault = self._failed.get(state.id)
        is_unheard = fault is None or fault.kind in UNHEARD
        return is_unheard or state.last_poll is None or abs(now - state.last_poll) >= least

    def conditions(self) -> Iterable[Condition]:
        """Yields the outage as what is wrong with the daemon."""
        if self.why is not None:
            yield Condition(
                "stale", "daemon", "No source can be read", f"{self.why}. One of them is tried each minute", is_logged=True
            )


def choose_private(work: Iterable[Work], now: Instant) -> list[Work]:
    """Chooses the sources in private networks that are due: these may answer while the internet can't be reached."""
    return [(source, state) for source, state in work if state.due <= now and not state.gone and is_private(source.url)]


def forget_outage(states: Collection[SourceState], now: Instant) -> list[SourceState]:
    """Makes the sources that failed in an outage due now. Those that were never read are as before their first poll."""
    return [
        replace(state, due=now, failures=0)
        if state.first_success is not None
        else SourceState(state.id, state.url, due=now, not_before=state.not_before)
        for state in states
        if not state.gone
    ]

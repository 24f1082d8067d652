"""The contract's two clocks of a ticket, with pauses; pure.

Sources: DESIGN §7 (intervention to *on site*, resolution to *restored*; restored before arrival is met);
MISSION (AMI 1.2).
"""

from dataclasses import dataclass
from enum import StrEnum

from fleet.durations import HOUR_US
from fleet.tickets.model import Criticality, Pause, Ticket, TicketState

INTERVENTION_LIMIT_US = 4 * HOUR_US
"""From the report to *on site*, elapsed hours, day and night (AMI 1.2)."""
RESOLUTION_LIMIT_US = {
    Criticality.CRITICAL: 24 * HOUR_US,
    Criticality.MAJOR: 48 * HOUR_US,
    Criticality.MINOR: 48 * HOUR_US,
}
"""From the report to *restored* (AMI 1.2: one or two days, by criticality)."""


class ClockVerdict(StrEnum):
    """How a clock stands against its limit."""

    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    MET_REMOTELY = "met_remotely"
    MISSED = "missed"
    MERGED = "merged"
    """Stopped with the merge: the ticket that it was merged into goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockNow:
    """One clock at an instant; ``left_us`` is negative by how much it was missed."""

    limit_us: int
    due_at_us: int
    left_us: int
    verdict: ClockVerdict

    @property
    def overdue(self) -> bool:
        """Whether the limit is past, stopped or not."""
        return self.left_us < 0


def paused_us(pauses: tuple[Pause, ...], from_us: int, until_us: int) -> int:
    """Return how long clocks stood within the span; overlapping pauses count once.

    >>> paused_us((), 0, 10)
    0
    """
    total, covered = 0, from_us
    for pause in sorted(pauses, key=lambda pause: pause.from_us):
        begin = max(pause.from_us, covered)
        end = min(until_us if pause.until_us is None else pause.until_us, until_us)
        if end > begin:
            total += end - begin
            covered = end
    return total


def arrived_at_us(ticket: Ticket) -> int | None:
    """Return when somebody was on site, as the contract counts it: a late entry needs a second person."""
    counts = not ticket.on_site_late or ticket.on_site_confirmed_at_us is not None
    return ticket.on_site_at_us if counts else None


def awaits_second_person(ticket: Ticket) -> bool:
    """Return whether somebody is noted on site whose arrival does not count yet."""
    return ticket.on_site_at_us is not None and arrived_at_us(ticket) is None


def intervention(ticket: Ticket, now_us: int) -> ClockNow:
    """Return the four-hour clock: stopped by an arrival that counts, or by the service's return before it."""
    stopped = _first(arrived_at_us(ticket), ticket.restored_at_us)
    clock = _clock(ticket, INTERVENTION_LIMIT_US, stopped, now_us)
    if clock.verdict is ClockVerdict.MET and ticket.remote:
        return ClockNow(
            limit_us=clock.limit_us,
            due_at_us=clock.due_at_us,
            left_us=clock.left_us,
            verdict=ClockVerdict.MET_REMOTELY,
        )
    return clock


def resolution(ticket: Ticket, now_us: int) -> ClockNow:
    """Return the 24 or 48 h clock: stopped by telemetry only."""
    return _clock(ticket, ticket.resolution_limit_us, ticket.restored_at_us, now_us)


def tightened(limit_us: int, criticality: Criticality) -> int:
    """Return the resolution limit after a change of criticality: never longer than before."""
    return min(limit_us, RESOLUTION_LIMIT_US[criticality])


def _first(*instants: int | None) -> int | None:
    known = [instant for instant in instants if instant is not None]
    return min(known) if known else None


def _clock(ticket: Ticket, limit_us: int, stopped_us: int | None, now_us: int) -> ClockNow:
    end_us = now_us if stopped_us is None else stopped_us
    merged = ticket.state is TicketState.MERGED
    if merged and stopped_us is None:
        end_us = ticket.closed_at_us if ticket.closed_at_us is not None else now_us
    due_us = ticket.reported_at_us + limit_us + paused_us(ticket.pauses, ticket.reported_at_us, end_us)
    left_us = due_us - end_us
    if merged:
        verdict = ClockVerdict.MERGED
    elif left_us < 0:
        verdict = ClockVerdict.MISSED
    elif stopped_us is not None:
        verdict = ClockVerdict.MET
    else:
        verdict = ClockVerdict.PAUSED if ticket.paused else ClockVerdict.RUNNING
    return ClockNow(limit_us=limit_us, due_at_us=due_us, left_us=left_us, verdict=verdict)

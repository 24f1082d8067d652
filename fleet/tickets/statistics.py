"""How the contract's clocks were kept: times, compliance, misses, causes; pure.

A ticket belongs to the month of its report.  Merged tickets count once, as the one they were merged into.  A
clock that still runs and is not late is neither met nor missed.  Compliance is met ÷ (met + missed), shown
truncated.

Sources: MISSION (AMI 1.2); DESIGN §7.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from fleet.tickets.clocks import ClockNow, ClockVerdict, arrived_at_us, intervention, paused_us, resolution
from fleet.tickets.model import Criticality, Ticket, TicketState

KEPT = frozenset({ClockVerdict.MET, ClockVerdict.MET_REMOTELY})


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long something took, over the tickets where it happened."""

    count: int
    median_us: int | None
    ninth_decile_us: int | None
    longest_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compliance:
    """How often a clock was kept."""

    met: int
    met_remotely: int
    missed: int
    running: int

    @property
    def kept_of(self) -> tuple[int, int]:
        """Numerator and denominator of the percentage."""
        kept = self.met + self.met_remotely
        return kept, kept + self.missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A ticket that missed a clock, and by how much."""

    ticket_id: int
    title: str
    clock: str
    late_us: int
    paused_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """One month of tickets."""

    tickets: int
    by_criticality: dict[str, int]
    by_origin: dict[str, int]
    by_cause: dict[str, int]
    to_acknowledge: Times
    to_site: Times
    to_restore: Times
    intervention: Compliance
    resolution: Compliance
    misses: tuple[Miss, ...]


def statistics(tickets: Iterable[Ticket], now_us: int) -> Statistics:
    """Return the figures of these tickets as they stand now."""
    mine = [ticket for ticket in tickets if ticket.state is not TicketState.MERGED]
    first = {ticket.id: intervention(ticket, now_us) for ticket in mine}
    second = {ticket.id: resolution(ticket, now_us) for ticket in mine}
    misses = [
        miss
        for ticket in mine
        for miss in (
            _miss(ticket, "intervention", first[ticket.id], now_us),
            _miss(ticket, "resolution", second[ticket.id], now_us),
        )
        if miss is not None
    ]
    return Statistics(
        tickets=len(mine),
        by_criticality={
            one.value: sum(ticket.worst_criticality is one for ticket in mine) for one in Criticality
        },
        by_origin=dict(Counter(ticket.origin.value for ticket in mine)),
        by_cause=dict(Counter(_cause(ticket) for ticket in mine).most_common()),
        to_acknowledge=_times(_span(ticket, ticket.acknowledged_at_us) for ticket in mine),
        to_site=_times(_span(ticket, arrived_at_us(ticket)) for ticket in mine),
        to_restore=_times(_span(ticket, ticket.restored_at_us) for ticket in mine),
        intervention=_compliance(first.values()),
        resolution=_compliance(second.values()),
        misses=tuple(sorted(misses, key=lambda miss: -miss.late_us)),
    )


def _cause(ticket: Ticket) -> str:
    if ticket.report is not None:
        return ticket.report.cause.strip().lower()
    return "remote" if ticket.remote else "open"


def _span(ticket: Ticket, until_us: int | None) -> int | None:
    return None if until_us is None else max(0, until_us - ticket.reported_at_us)


def _times(spans: Iterable[int | None]) -> Times:
    known = sorted(span for span in spans if span is not None)
    if not known:
        return Times(count=0, median_us=None, ninth_decile_us=None, longest_us=None)
    return Times(
        count=len(known),
        median_us=known[(len(known) - 1) // 2],
        ninth_decile_us=known[(len(known) * 9 + 9) // 10 - 1],
        longest_us=known[-1],
    )


def _compliance(clocks: Iterable[ClockNow]) -> Compliance:
    found = Counter(clock.verdict for clock in clocks)
    return Compliance(
        met=found[ClockVerdict.MET],
        met_remotely=found[ClockVerdict.MET_REMOTELY],
        missed=found[ClockVerdict.MISSED],
        running=found[ClockVerdict.RUNNING] + found[ClockVerdict.PAUSED],
    )


def _miss(ticket: Ticket, clock: str, found: ClockNow, now_us: int) -> Miss | None:
    if found.verdict is not ClockVerdict.MISSED:
        return None
    return Miss(
        ticket_id=ticket.id,
        title=ticket.title,
        clock=clock,
        late_us=-found.left_us,
        paused_us=paused_us(ticket.pauses, ticket.reported_at_us, now_us),
    )

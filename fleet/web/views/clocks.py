"""Countdowns in words, with the level that colours them: amber at 25 %, red at 10 %, missed below 0; pure."""

from dataclasses import dataclass
from typing import Final

from fleet.tickets.clocks import ClockNow, ClockVerdict
from fleet.tickets.store import TicketView

AMBER: Final = 0.25
RED: Final = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """One clock as it is shown."""

    due_at_us: int
    total_us: int
    left_us: int
    running: bool
    level: str
    words: str
    """Key of the sentence when it does not run; empty while it does."""

    @property
    def elapsed_permille(self) -> int:
        """How much of the time is gone, 0 to 1000."""
        return min(1000, max(0, (self.total_us - self.left_us) * 1000 // max(1, self.total_us)))


def level_of(left_us: int, total_us: int) -> str:
    """Return ``calm``, ``amber``, ``red`` or ``missed``.

    >>> [level_of(left, 100) for left in (26, 25, 10, 0, -1)]
    ['calm', 'amber', 'red', 'red', 'missed']
    """
    if left_us < 0:
        return "missed"
    if left_us <= total_us * RED:
        return "red"
    return "amber" if left_us <= total_us * AMBER else "calm"


def countdown_of(clock: ClockNow, *, stopped: bool) -> Countdown:
    """Return how a ticket's clock is shown; ``stopped``: what it waited for has happened."""
    words = {
        ClockVerdict.MET: "clock.met",
        ClockVerdict.MET_REMOTELY: "clock.met_remotely",
        ClockVerdict.PAUSED: "clock.paused",
        ClockVerdict.MERGED: "clock.merged",
        ClockVerdict.MISSED: "clock.missed" if stopped else "",
    }.get(clock.verdict, "")
    over = clock.verdict is ClockVerdict.MERGED or clock.left_us >= 0
    level = "stopped" if words and over else level_of(clock.left_us, clock.limit_us)
    return Countdown(
        due_at_us=clock.due_at_us,
        total_us=clock.limit_us,
        left_us=clock.left_us,
        running=not words,
        level=level,
        words=words,
    )


def intervention_of(shown: TicketView) -> Countdown:
    """Return the four-hour clock of a ticket."""
    ticket = shown.ticket
    return countdown_of(
        shown.intervention, stopped=ticket.on_site_at_us is not None or ticket.restored_at_us is not None
    )


def resolution_of(shown: TicketView) -> Countdown:
    """Return the clock of one or two days."""
    return countdown_of(shown.resolution, stopped=shown.ticket.restored_at_us is not None)

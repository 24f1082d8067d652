"""What to do about a concentrator that failed, pure: a bounded ladder, each step reported.

    failures in a row   step                                wait before it
    1                   RESTART_RX: stop and start at once  0
    2, 3                RESET: the same after a rest        2 s, 10 s
    4                   EXHAUSTED: reported; the supervisor decides about a restart of the process
    5 …                 RESET again                         60 s

A restart that somebody asked for is no failure: it happens at once and leaves the ladder as it was.

A radio that received for 10 minutes starts from the first step again.  Every start of the concentrator resets
it (``hal.sx1302.boot``): a chip that was only half restarted could not be distinguished from one that works.
"""

from dataclasses import dataclass
from enum import StrEnum

from agent.wire.reasons import ReasonedError
from hal.errors import HalError

FORGIVEN_AFTER_US = 600_000_000
WAITS_US = (0, 2_000_000, 10_000_000)
LAST_WAIT_US = 60_000_000


class RestartRequested(ReasonedError, HalError):
    """Ends a start of the concentrator because a configuration, the fleet or the supervisor asked for it."""


class Step(StrEnum):
    """A step of the ladder."""

    RESTART_RX = "RESTART_RX"
    RESET = "RESET"
    EXHAUSTED = "EXHAUSTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Failures in a row, and when the radio last came up."""

    failures: int = 0
    up_since_us: int | None = None


def came_up(ladder: Ladder, now_us: int) -> Ladder:
    """Return the ladder after a start that succeeded."""
    return Ladder(failures=ladder.failures, up_since_us=now_us)


def failed(ladder: Ladder, now_us: int) -> tuple[Ladder, Step, int]:
    """Return (ladder, step to take, microseconds to wait before it)."""
    lasted = ladder.up_since_us is not None and now_us - ladder.up_since_us >= FORGIVEN_AFTER_US
    failures = 1 if lasted else ladder.failures + 1
    after = Ladder(failures=failures)
    if failures <= len(WAITS_US):
        return after, Step.RESTART_RX if failures == 1 else Step.RESET, WAITS_US[failures - 1]
    return after, Step.EXHAUSTED if failures == len(WAITS_US) + 1 else Step.RESET, LAST_WAIT_US

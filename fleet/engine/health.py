"""What the engine says of itself: the figures of `/healthz`."""

from dataclasses import dataclass

from fleet.evidence.timekeeping import ClockQuality


@dataclass(slots=True, kw_only=True)
class Health:
    """What `/healthz` shows of the engine."""

    cycles: int = 0
    failures: int = 0
    last_cycle_us: int | None = None
    """Our UTC, for people; its age is measured on the monotonic clock."""
    last_cycle_monotonic_us: int | None = None
    clock: ClockQuality = ClockQuality.DOUBTED
    """What our UTC is worth; DOUBTED until the first cycle."""
    clock_difference_us: int = 0
    """How far ahead of ours the host's UTC is."""
    last_cycle_took_us: int = 0
    last_error: str = ""
    messages: int = 0
    refused: int = 0

"""How old a stored record is, pure."""

from agent.spool.record import Record
from agent.timing.choice import OWN_TIME
from agent.wire.messages import TimeQuality

PLAUSIBLE_AGE_US = 366 * 86_400_000_000
"""Between boots: a greater age is a clock that was wrong by years (GNSS weeks roll over after 19.6)."""


def age_us(record: Record, boot: int, now_us: int, utc_us: int, quality: TimeQuality) -> int | None:
    """Return how old a record is; None where nothing trusted says so, or where two clocks contradict."""
    if record.boot == boot:
        return now_us - record.monotonic_us
    if record.time_quality not in OWN_TIME or quality not in OWN_TIME:
        return None
    age = utc_us - record.received_at_us
    return age if 0 <= age <= PLAUSIBLE_AGE_US else None

"""When a frame was received: a value; ``dating.py`` makes it."""

from dataclasses import dataclass

from agent.timing.utc import LEAP_SECONDS, gps_of_utc
from agent.wire.messages import TimeQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """UTC of the end of a frame and how far to trust it."""

    utc_us: int
    quality: TimeQuality
    age_us: int | None
    """Time since reception; None where nothing trusted says so."""
    leap_s: int = LEAP_SECONDS
    """GPS − UTC at the reception."""

    @property
    def gps_us(self) -> int | None:
        """Microseconds since the GPS epoch without leap seconds; None without trusted time."""
        if self.quality is TimeQuality.UNTRUSTED:
            return None
        return gps_of_utc(self.utc_us, self.leap_s)


def late_marks(record_id: int, reception: Reception) -> dict[str, str]:
    """Return what every protocol says of a stored frame; a server that knows no such mark ignores it."""
    held = {} if reception.age_us is None else {"hold_ms": str(reception.age_us // 1000)}
    return {"late": "1", "stored_seq": str(record_id), **held}

"""Time for the installer's side: the one importer of ``time`` in this package."""

import time


def monotonic_s() -> float:
    """Return seconds since some start; never steps."""
    return time.monotonic()


def utc_us() -> int:
    """Return microseconds since 1970 as this machine believes."""
    return time.time_ns() // 1000


def pause_s(duration_s: float) -> None:
    """Wait."""
    time.sleep(duration_s)

"""The progress of a piece of work, with its rate and the time left; pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report of a phase; ``left_s`` None while no rate is known."""

    phase: str
    done_bytes: int
    total_bytes: int
    rate_bytes_s: float
    left_s: float | None


def progress(phase: str, done_bytes: int, total_bytes: int, *, elapsed_s: float) -> Progress:
    """Return the report after ``elapsed_s`` seconds of a phase.

    >>> progress("write", 50, 100, elapsed_s=2.0).left_s
    2.0
    """
    rate = done_bytes / elapsed_s if elapsed_s > 0 else 0.0
    left = (total_bytes - done_bytes) / rate if rate > 0 else None
    return Progress(
        phase=phase, done_bytes=done_bytes, total_bytes=total_bytes, rate_bytes_s=rate, left_s=left
    )

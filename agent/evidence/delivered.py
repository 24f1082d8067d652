"""Spans of time whose frames an LNS has acknowledged, pure: the proof that nothing was lost.

A span [from, until) says that every frame received in it is settled: delivered, or dropped for a reason that
is counted.  Spans tile the time; they end at the oldest frame that is not settled.
"""

from collections import Counter
from dataclasses import dataclass, field

REPORT_INTERVAL_US = 300_000_000
"""In quiet times; the end of a backlog is reported at once."""
REASONS_LIMIT = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Frames received in [from, until): so many were acknowledged, so many dropped, by reason."""

    received_from_us: int
    received_until_us: int
    frames: int
    dropped: dict[str, int]


@dataclass(slots=True)
class Spans:
    """What was settled since the last span ended; instants are UTC."""

    from_us: int
    frames: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    reported_us: int = 0
    """Monotonic."""
    behind: bool = False

    def settled(self, count: int, reason: str | None) -> None:
        """Count settled frames."""
        if reason is None:
            self.frames += count
        else:
            self.dropped[reason] += count

    def report(self, until_us: int, now_us: int, *, behind: bool) -> Span | None:
        """Return the span that ends at ``until_us`` when it is time to report it."""
        caught_up, self.behind = self.behind and not behind, behind
        if until_us <= self.from_us or not (caught_up or now_us - self.reported_us >= REPORT_INTERVAL_US):
            return None
        dropped = dict(self.dropped.most_common(REASONS_LIMIT))
        span = Span(
            received_from_us=self.from_us, received_until_us=until_us, frames=self.frames, dropped=dropped
        )
        self.from_us, self.frames, self.reported_us = until_us, 0, now_us
        self.dropped.clear()
        return span

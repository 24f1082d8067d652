"""What came of every frame: counters by reason, and the spans of time that prove delivery, pure.

A span [from, until) says that every frame received in it is settled: delivered, or dropped for a reason that
is counted.  Spans tile the time; they end at the oldest frame that is not settled.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.wire.messages import Delivered

REPORT_INTERVAL_US = 300_000_000
"""In quiet times; the end of a backlog is reported at once."""
REASONS_LIMIT = 16
NOT_READY = "not_ready"

CLOCK_STEP_US = 1_000_000
"""Wall clock against monotonic clock between two looks (1 s apart): beyond it is a step, no discipline
(adjtimex slews by 500 ppm at most)."""


@dataclass(slots=True)
class Account:
    """What one connector was given and what became of it, since the start of this run."""

    restored: int = 0
    """Frames that an earlier run left."""
    received: int = 0
    delivered: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    """By reason."""

    @property
    def reserve(self) -> int:
        """Frames that it must still hold."""
        return self.restored + self.received - self.delivered - self.dropped.total()


class Accounts:
    """Counts settlements; ``delivered`` and ``dropped`` are those of the contractual connector."""

    def __init__(self, *, contractual: str, utc_us: int, monotonic_us: int) -> None:
        self.contractual = contractual
        self.counts: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._connectors: dict[str, Account] = {}
        self._spans = Spans(from_us=utc_us, reported_us=monotonic_us)
        self._offset_us = utc_us - monotonic_us
        self._left_us: int | None = None

    def of(self, connector: str) -> Account:
        """Return the account of a connector, a new one when it has none."""
        return self._connectors.setdefault(connector, Account())

    def keep(self, names: Iterable[str]) -> None:
        """Close the accounts of connectors that are no more."""
        self._connectors = {name: self.of(name) for name in names}

    def frame_received(self, names: Iterable[str]) -> None:
        """Count a frame that was given to connectors."""
        for name in names:
            self.of(name).received += 1

    def not_ready(self, count: int) -> None:
        """Count frames that came while the spool was being opened and for which there was no room."""
        self.counts["received"] += count
        self.of(self.contractual).received += count
        self.settled(self.contractual, count, NOT_READY)

    def settled(self, connector: str, count: int, reason: str | None) -> None:
        """Count frames that a connector is done with: delivered (None) or dropped for a reason."""
        self.counts[f"{connector}.{reason or 'delivered'}"] += count
        account = self.of(connector)
        if reason is None:
            account.delivered += count
        else:
            account.dropped[reason] += count
        if connector != self.contractual:
            return
        self._spans.settled(count, reason)
        if reason is None:
            self.counts["delivered"] += count
        else:
            self.dropped[reason] += count

    def reaches_back(self, received_at_us: int) -> None:
        """Let the first span begin at a frame that an earlier run left, whatever the clock does then."""
        self._left_us = received_at_us
        self._spans.from_us = min(self._spans.from_us, received_at_us)

    def _follow_clock(self, utc_us: int, monotonic_us: int) -> None:
        """Move the start of the running span with a wall clock that stepped: the wrong one dated it."""
        stepped_us = utc_us - monotonic_us - self._offset_us
        self._offset_us += stepped_us
        if abs(stepped_us) > CLOCK_STEP_US:
            self._spans.from_us += stepped_us
            self.counts["clock.stepped"] += 1
            if self._left_us is not None:
                self._spans.from_us = min(self._spans.from_us, self._left_us)

    def span(
        self, *, until_us: int, utc_us: int, monotonic_us: int, behind: bool, boot: int
    ) -> Delivered | None:
        """Return the proof for the time until ``until_us`` when it is time to give it."""
        self._follow_clock(utc_us, monotonic_us)
        span = self._spans.report(until_us, monotonic_us, behind=behind)
        if span is None:
            return None
        self._left_us = None
        return Delivered(
            boot=boot,
            seq=0,
            connector=self.contractual,
            received_from_us=span.received_from_us,
            received_until_us=span.received_until_us,
            acked_at_us=utc_us,
            frames=span.frames,
            dropped=span.dropped,
        )


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

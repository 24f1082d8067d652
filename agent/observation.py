"""The data path at an instant, as heartbeats, supervision and screens read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.wire import reasons
from agent.wire.messages import Radio
from agent.wire.reasons import Reason
from hal.packets import ConcentratorStatus

PERIODS_MISSED = 3
"""Silent for so many periods is strange: two frames may collide."""
HEARD_BEFORE = 3
"""Frames of this run before its silence is judged: one that never was in reach proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorState:
    """One connector at an instant."""

    name: str
    contractual: bool
    up: bool
    reason: Reason
    last_answer_us: int | None
    """Monotonic; None when there was no positive answer in this run."""
    queued: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceState:
    """The sensor at an instant; ``received_at_us`` is monotonic."""

    dev_addr: str
    period_s: int
    frames: int
    received_at_us: int

    def suspicion(self, now_us: int, since_us: int) -> Reason | None:
        """Return why its silence since it was heard, or since ``since_us``, is strange; None: it is not."""
        silent_s = (now_us - max(self.received_at_us, since_us)) // 1_000_000
        if self.frames < HEARD_BEFORE or silent_s < PERIODS_MISSED * self.period_s:
            return None
        return reasons.hearing.reference_silent(
            dev_addr=self.dev_addr, silent_s=silent_s, period_s=self.period_s
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPathState:
    """Everything a heartbeat needs of the data path; counters count since the start of this run."""

    radio: Radio
    radio_reason: Reason
    radio_since_us: int
    """Monotonic instant since which ``radio`` holds."""
    connectors: tuple[ConnectorState, ...]
    """The contractual one first."""
    spool_records: int
    spool_accepting: bool
    received: int = 0
    delivered: int = 0
    dropped: Mapping[str, int] = field(default_factory=dict)
    """By reason."""
    crc_failed: int = 0
    transmitted: int = 0
    temperature_c: float | None = None
    chip: ConcentratorStatus | None = None
    """The concentrator's last word on itself; None before the first."""
    chip_at_us: int = 0
    airtime: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By sub-band: (used, allowed) microseconds of the last hour."""
    reference: ReferenceState | None = None
    """The reference sensor; None where the configuration names none."""
    noise_dbm: float | None = None
    """Estimated from weak frames; None while there was none."""
    noise_samples: int = 0
    """Weak frames behind ``noise_dbm``."""
    eui: str = ""
    """The chip's own EUI-64; empty until it answered."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """All other counts, ``area.reason`` by name."""

    @property
    def dropped_total(self) -> int:
        """Frames dropped, whatever the reason."""
        return sum(self.dropped.values())

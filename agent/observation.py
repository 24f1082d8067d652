"""The data path at an instant, as heartbeats, supervision and screens read it."""

from collections.abc import Iterable, Mapping
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
    kind: str = ""
    """``semtech_udp``, ``chirpstack_mqtt`` or ``basics_station``: whose acknowledgement is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """Where one connector's frames are: restored + received = delivered + dropped + reserve, always."""

    restored: int
    """Frames that an earlier run left."""
    received: int
    delivered: int
    dropped: Mapping[str, int]
    """By reason."""
    reserve: int
    """Frames that the spool holds for it, counted by the spool."""
    queued: int
    """Frames that it has in its queues, counted by itself."""
    readable: bool = True
    """Whether the spool's file is open: what it holds cannot be in a queue that began without it."""

    @property
    def missing(self) -> int:
        """Frames that nothing accounts for; negative: frames that are accounted for twice."""
        gone = self.delivered + sum(self.dropped.values())
        return self.restored + self.received - gone - self.reserve

    @property
    def stranded(self) -> int:
        """Frames that the spool holds and nobody will send; negative: frames in a queue only."""
        return self.reserve - self.queued if self.readable else 0

    @property
    def off(self) -> int:
        """By how many frames it is off; 0: it balances."""
        return max(abs(self.missing), abs(self.stranded))

    def why(self, connector: str) -> Reason:
        """Return what the journal says of it."""
        if not self.off:
            return reasons.spool.balanced(connector=connector)
        return reasons.spool.unbalanced(
            connector=connector,
            missing_frames=self.missing,
            stranded_frames=self.stranded,
            restored_frames=self.restored,
            received_frames=self.received,
            delivered_frames=self.delivered,
            dropped_frames=sum(self.dropped.values()),
            reserve_frames=self.reserve,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a GNSS receiver with a fix says that the antenna is (WGS84)."""

    latitude_deg: float
    longitude_deg: float
    altitude_m: float | None
    """Above mean sea level."""


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
    balance: Balance | None = None
    """The contractual connector's; None before it begins."""
    end_to_end: Reason | None = None
    """What the test device proved last; None without one, or before its first proof."""
    counters: Mapping[str, int] = field(default_factory=dict)
    """All other counts, ``area.reason`` by name."""

    @property
    def dropped_total(self) -> int:
        """Frames dropped, whatever the reason."""
        return sum(self.dropped.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCode:
    """The code on site that the screen shows at an instant."""

    code: str
    ticket: int
    left_s: int
    """Seconds until it is gone, rounded up."""


def middle_dbm(levels_dbm: Iterable[float]) -> float:
    """Return the median of levels; ``statistics`` would hold 0.3 MB for it.

    >>> middle_dbm([-120.0, -100.0, -118.0]), middle_dbm([-120.0, -100.0])
    (-118.0, -110.0)
    """
    ordered = sorted(levels_dbm)
    half = len(ordered) // 2
    return (ordered[half] + ordered[~half]) / 2

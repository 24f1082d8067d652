"""The heartbeat as a value: what one gateway is, every 30 s."""

from enum import IntEnum

import msgspec

HEARTBEAT_INTERVAL_S = 30


class TimeQuality(IntEnum):
    """How the gateway knew the time."""

    UNTRUSTED = 0
    NTP = 1
    GNSS = 2
    LNS = 3


class Radio(IntEnum):
    """AVAILABILITY §1: what the concentrator does."""

    OFF = 0
    RECEIVING = 1
    DEAF = 2


class _Array(msgspec.Struct, frozen=True, array_like=True):
    pass


class ConnectorBeat(_Array, frozen=True):
    """One LNS connector at the instant of a heartbeat."""

    name: str
    up: bool
    answer_age_ms: int
    """Since the last positive answer; -1 when there was none in this boot."""
    queued: int = 0


class Heartbeat(_Array, frozen=True):
    """Every 30 s, QoS 0.  ``received`` and ``delivered`` count since boot."""

    boot: int
    seq: int
    uptime_ms: int
    journal_seq: int
    """Number of the newest journal record; equal in two heartbeats means that nothing changed between."""
    at_us: int
    time_quality: TimeQuality
    radio: Radio
    connectors: tuple[ConnectorBeat, ...]
    """The contractual connector comes first."""
    spool_records: int
    spool_accepting: bool
    received: int
    delivered: int
    dropped: int
    config_version: int
    temperature_c: int | None = None
    cpu_percent: int | None = None
    memory_percent: int | None = None
    disk_percent: int | None = None
    backhaul_rtt_ms: int | None = None
    crc_failed: int | None = 0
    transmitted: int | None = 0
    """This and the vitals above are None in most heartbeats: told every fifth minute (``with_known``)."""
    interval_s: int = HEARTBEAT_INTERVAL_S
    """To the next heartbeat, as the configuration says; a gap is bridged by it (AVAILABILITY §1)."""
    unbalanced_frames: int = 0
    """Frames by which received and restored differ from delivered, dropped and in reserve; 0: it balances."""


def with_known(beat: Heartbeat, before: Heartbeat | None) -> Heartbeat:
    """Return ``beat`` with what it does not tell from ``before`` of the same boot, for people's eyes."""
    if before is None or before.boot != beat.boot:
        return beat
    known = {name: getattr(before, name) for name in TOLD_SELDOM if getattr(beat, name) is None}
    return msgspec.structs.replace(beat, **known)


TOLD_SELDOM = (
    "temperature_c",
    "cpu_percent",
    "memory_percent",
    "disk_percent",
    "backhaul_rtt_ms",
    "crc_failed",
    "transmitted",
)

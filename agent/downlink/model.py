"""A downlink as a server asks for it, and the verdict on it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from agent.wire.reasons import Reason
from hal.packets import Fsk, Lora
from hal.units import Hz


@dataclass(frozen=True, slots=True)
class Immediate:
    """At once, or at the first gap: class C."""


@dataclass(frozen=True, slots=True)
class AtTmst:
    """At a value of the 32-bit counter: class A over UDP."""

    tmst: int


@dataclass(frozen=True, slots=True)
class AtCounter:
    """At an instant of the 64-bit timeline of one start of the radio."""

    counter_us: int
    session: int


@dataclass(frozen=True, slots=True)
class AtGps:
    """At a GPS time, microseconds since 1980-01-06 without leap seconds: class B."""

    gps_us: int


Timing: TypeAlias = Immediate | AtTmst | AtCounter | AtGps


@dataclass(frozen=True, slots=True, kw_only=True)
class Downlink:
    """One frame to send.  ``power_dbm`` is e.i.r.p. as every protocol has it; None: as loud as allowed."""

    payload: bytes
    modulation: Lora | Fsk
    frequency_hz: Hz
    timing: Timing
    power_dbm: float | None = None
    rf_chain: int = 0
    invert_polarity: bool = True
    preamble_symbols: int = 8
    with_crc: bool = False
    implicit_header: bool = False
    priority: int = 0
    """A higher one displaces queued downlinks of a lower one."""


class Code(StrEnum):
    """Why a downlink leaves or not; the words of the Semtech protocols where they have one."""

    OK = "OK"
    TOO_LATE = "TOO_LATE"
    TOO_EARLY = "TOO_EARLY"
    COLLISION_PACKET = "COLLISION_PACKET"
    COLLISION_BEACON = "COLLISION_BEACON"
    TX_FREQ = "TX_FREQ"
    TX_POWER = "TX_POWER"
    GPS_UNLOCKED = "GPS_UNLOCKED"
    QUEUE_FULL = "QUEUE_FULL"
    DUTY_CYCLE = "DUTY_CYCLE"
    LBT = "LBT"
    """Listen before talk forbade it: no channel for it, or the channel was occupied when it was due."""
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class DownlinkVerdict:
    """The answer to one downlink; ``ticket`` follows it to the radio when it was taken."""

    code: Code
    reason: Reason | None = None
    """None for a downlink that was taken."""
    ticket: int = 0
    start_us: int = 0
    """On the 64-bit timeline, when taken."""
    ahead_us: int = 0
    """The start lies so far ahead of the verdict."""
    power_dbm: float | None = None
    """E.i.r.p. that will be used, when it is not what was asked for."""
    displaced: tuple[int, ...] = ()
    """Tickets of queued downlinks that gave way to this one."""

    @property
    def taken(self) -> bool:
        return self.code is Code.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLoad:
    """The air time of one sub-band in the last hour."""

    name: str
    from_hz: int
    to_hz: int
    limit_us: int
    """What the duty cycle admits in an hour."""
    used_us: int

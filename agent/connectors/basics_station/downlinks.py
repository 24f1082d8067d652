"""dnmsg, dnframe and dnsched to downlinks: alternatives in the order in which to try them, pure.

Source: doc.sm.tc/station, "The LNS Protocol": dC 0, 1, 2 are classes A, B, C; RxDelay absent or 0 is 1;
RX2 opens one second after RX1.  ``src/s2e.c`` of basicstation 2.0.6: older servers say seqno for diid, and
dnframe, whose xtime is the emission itself; with ``asap`` it leaves at once when that has passed.
"""

from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from agent.connectors.basics_station.server import RouterConfig
from agent.connectors.basics_station.xtime import counter_of
from agent.downlink.model import AtCounter, AtGps, Downlink, Immediate, Timing
from hal.packets import PAYLOAD_LIMIT_BYTES, Fsk, Lora
from hal.units import Hz

SCHEDULE_LIMIT = 64
NO_SESSION = -1
"""Marks an instant of another start of the radio: every verdict on it is TOO_LATE."""
FSK = Fsk(bitrate_bps=50_000, deviation_hz=25_000)

_Freq = Annotated[int, Meta(ge=0, le=1_000_000_000)]
_Rate = Annotated[int, Meta(ge=0, le=15)]
_Time = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]

_Kind = TypeVar("_Kind", bound=msgspec.Struct)


class DownlinkError(ValueError):
    """A downlink that cannot be obeyed; the text names the field and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One downlink: its alternatives, and what its report needs."""

    diid: int
    dev_eui: str
    alternatives: tuple[Downlink, ...]
    rates: tuple[int, ...]
    """DR of each alternative."""

    def gps_us(self, index: int) -> int:
        """Return the GPS time that an alternative was asked for, 0 where by none."""
        timing = self.alternatives[index].timing
        return timing.gps_us if isinstance(timing, AtGps) else 0


class _Dnmsg(msgspec.Struct, frozen=True):
    pdu: Annotated[str, Meta(max_length=2 * PAYLOAD_LIMIT_BYTES)]
    dC: Annotated[int, Meta(ge=0, le=2)]  # noqa: N815  # the protocol's own name
    diid: _Time | None = None
    seqno: _Time = 0
    DevEui: Annotated[str, Meta(max_length=32)] = ""
    RxDelay: Annotated[int, Meta(ge=0, le=15)] = 1
    RX1DR: _Rate | None = None
    RX1Freq: _Freq | None = None
    RX2DR: _Rate | None = None
    RX2Freq: _Freq | None = None
    DR: _Rate | None = None
    Freq: _Freq | None = None
    xtime: _Time = 0
    gpstime: _Time = 0
    priority: Annotated[int, Meta(ge=0, le=255)] = 0


class _Dnframe(msgspec.Struct, frozen=True):
    pdu: Annotated[str, Meta(max_length=2 * PAYLOAD_LIMIT_BYTES)]
    DR: _Rate
    Freq: _Freq
    DevEui: Annotated[str, Meta(max_length=32)]
    xtime: _Time
    asap: bool = False
    diid: _Time | None = None
    seqno: _Time = 0


class _Scheduled(msgspec.Struct, frozen=True):
    pdu: Annotated[str, Meta(max_length=2 * PAYLOAD_LIMIT_BYTES)]
    DR: _Rate
    Freq: _Freq
    xtime: _Time = 0
    gpstime: _Time = 0
    priority: Annotated[int, Meta(ge=0, le=255)] = 0


class _Dnsched(msgspec.Struct, frozen=True):
    schedule: Annotated[list[_Scheduled], Meta(max_length=SCHEDULE_LIMIT)]


def parse_dnmsg(message: bytes, config: RouterConfig, session: int) -> Wanted:
    """Return the downlink of a dnmsg.

    Raises:
        DownlinkError: a field that is missing or out of range.
    """
    asked = _decode(message, _Dnmsg)
    payload = _pdu(asked.pdu)
    slots: list[tuple[int | None, int | None, Timing]] = []
    if asked.dC == 1:
        slots.append((asked.DR, asked.Freq, AtGps(asked.gpstime)))
    if asked.dC != 1 and asked.xtime and asked.RX1Freq:
        slots.append((asked.RX1DR, asked.RX1Freq, _instant(asked.xtime, session, max(asked.RxDelay, 1))))
    if asked.dC == 0 and asked.xtime and asked.RX2Freq:
        slots.append((asked.RX2DR, asked.RX2Freq, _instant(asked.xtime, session, max(asked.RxDelay, 1) + 1)))
    if asked.dC == 2 and asked.RX2Freq:
        slots.append((asked.RX2DR, asked.RX2Freq, Immediate()))
    if not slots:
        raise DownlinkError("xtime: needed with RX1Freq or RX2Freq for classes A and C, gpstime for class B")
    built = [_downlink(payload, slot, config, asked.priority) for slot in slots]
    rates = tuple(rate or 0 for rate, _, _ in slots)
    diid = asked.seqno if asked.diid is None else asked.diid
    return Wanted(diid=diid, dev_eui=asked.DevEui, alternatives=tuple(built), rates=rates)


def parse_dnframe(message: bytes, config: RouterConfig, session: int) -> Wanted:
    """Return the downlink of a dnframe, as older servers send it.

    Raises:
        DownlinkError: a field that is missing or out of range.
    """
    asked = _decode(message, _Dnframe)
    timings: list[Timing] = [_instant(asked.xtime, session, 0)]
    timings += [Immediate()] if asked.asap else []
    payload = _pdu(asked.pdu)
    built = [_downlink(payload, (asked.DR, asked.Freq, timing), config, 0) for timing in timings]
    return Wanted(
        diid=asked.seqno if asked.diid is None else asked.diid,
        dev_eui=asked.DevEui,
        alternatives=tuple(built),
        rates=(asked.DR,) * len(built),
    )


def parse_dnsched(message: bytes, config: RouterConfig, session: int) -> list[Downlink]:
    """Return the downlinks of a dnsched.

    Raises:
        DownlinkError: a field that is missing or out of range, or too many entries.
    """
    found: list[Downlink] = []
    for entry in _decode(message, _Dnsched).schedule:
        timing = AtGps(entry.gpstime) if entry.gpstime else _instant(entry.xtime, session, 0)
        found.append(_downlink(_pdu(entry.pdu), (entry.DR, entry.Freq, timing), config, entry.priority))
    return found


def _instant(xtime: int, session: int, delay_s: int) -> Timing:
    counter_us = counter_of(xtime, session)
    if counter_us is None:
        return AtCounter(0, NO_SESSION)
    return AtCounter(counter_us + delay_s * 1_000_000, session)


def _downlink(
    payload: bytes, slot: tuple[int | None, int | None, Timing], config: RouterConfig, priority: int
) -> Downlink:
    rate, freq, timing = slot
    if rate is None or freq is None or not 0 <= rate < len(config.rates) or config.rates[rate][0] < 0:
        raise DownlinkError(f"DR: {rate} at {freq} Hz is not among the server's data rates")
    sf, khz, _ = config.rates[rate]
    return Downlink(
        payload=payload,
        modulation=Lora(sf=sf, bandwidth_hz=khz * 1000) if sf else FSK,
        frequency_hz=Hz(freq),
        timing=timing,
        power_dbm=config.eirp_limit_dbm,
        invert_polarity=bool(sf),
        preamble_symbols=8 if sf else 5,
        with_crc=not sf,
        priority=priority,
    )


def _pdu(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise DownlinkError(f"pdu: {error}") from error


def _decode(message: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(message, type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise DownlinkError(str(error)) from error

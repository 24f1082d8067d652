"""The JSON of PULL_RESP to a downlink, and a verdict to the JSON of TX_ACK.

Sources: ``packet_forwarder/PROTOCOL.md`` §5.3, §5.5 and §6 of sx1302_hal 2.1.0, and its ``lora_pkt_fwd.c``:
numbers in any JSON form are cut to whole ones, text ends at the first NUL, and without ``ipol`` the polarity
is not inverted.  The protocol has no word for a full queue, a spent duty cycle, an occupied channel or a
failure of the radio: they go as the nearest one.
"""

import base64
import binascii
import re
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from agent.downlink.model import AtGps, AtTmst, Code, Downlink, DownlinkVerdict, Immediate, Timing
from hal.packets import PAYLOAD_LIMIT_BYTES, Fsk, Lora
from hal.units import Hz

_DATR = re.compile(r"SF(5|6|7|8|9|10|11|12)BW(125|250|500)")
_CODING_RATES = {"4/5": 1, "4/6": 2, "2/3": 2, "4/7": 3, "4/8": 4, "2/4": 4, "1/2": 4}
PREAMBLE_LORA_SYMBOLS = 8
PREAMBLE_FSK_BYTES = 5
PREAMBLE_MIN_LORA_SYMBOLS = 6
POWER_RANGE_DBM = range(-100, 101)

_UDP_WORD = {
    Code.QUEUE_FULL: Code.COLLISION_PACKET,
    Code.DUTY_CYCLE: Code.COLLISION_PACKET,
    Code.LBT: Code.COLLISION_PACKET,
    Code.INTERNAL: Code.COLLISION_PACKET,
}


class TxpkError(ValueError):
    """A txpk that says nothing that can be sent; the text names the field and the rule."""


class _Txpk(msgspec.Struct, frozen=True):
    freq: Annotated[float, Meta(gt=0, lt=10_000)]
    datr: str | float
    data: Annotated[str, Meta(max_length=400)]
    modu: Literal["LORA", "FSK"] = "LORA"
    imme: bool = False
    tmst: Annotated[float, Meta(ge=0, lt=1 << 32)] | None = None
    tmms: Annotated[float, Meta(ge=0, lt=1 << 53)] | None = None
    rfch: Annotated[float, Meta(ge=0, lt=2)] = 0
    powe: float | None = None
    codr: str = "4/5"
    fdev: Annotated[float, Meta(ge=0, le=250_000)] | None = None
    ipol: bool = False
    prea: Annotated[float, Meta(ge=0, le=65535)] | None = None
    size: Annotated[float, Meta(ge=0, le=65535)] | None = None
    ncrc: bool = False
    nhdr: bool = False


class _PullResp(msgspec.Struct, frozen=True):
    txpk: _Txpk


_DECODER = msgspec.json.Decoder(_PullResp)


def parse_txpk(body: bytes) -> Downlink:
    """Return the downlink that a PULL_RESP asks for.

    Raises:
        TxpkError: not JSON, no txpk, or a field that is missing or out of range.
    """
    try:
        txpk = _DECODER.decode(body.partition(b"\0")[0]).txpk
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise TxpkError(str(error)) from error
    payload = _payload(txpk)
    modulation = _lora(txpk) if txpk.modu == "LORA" else _fsk(txpk)
    lora = isinstance(modulation, Lora)
    power = txpk.powe
    if power is not None and not POWER_RANGE_DBM[0] <= power <= POWER_RANGE_DBM[-1]:
        raise TxpkError(f"powe: {power} dBm is not in -100..100")
    preamble = PREAMBLE_LORA_SYMBOLS if lora else PREAMBLE_FSK_BYTES
    if txpk.prea is not None:
        preamble = max(int(txpk.prea), PREAMBLE_MIN_LORA_SYMBOLS) if lora else int(txpk.prea)
    return Downlink(
        payload=payload,
        modulation=modulation,
        frequency_hz=Hz(round(txpk.freq * 1e6)),
        timing=_timing(txpk),
        power_dbm=power,
        rf_chain=int(txpk.rfch),
        invert_polarity=lora and txpk.ipol,
        preamble_symbols=preamble,
        with_crc=not txpk.ncrc,
        implicit_header=txpk.nhdr,
    )


def tx_ack_body(verdict: DownlinkVerdict) -> bytes:
    """Return the JSON of TX_ACK; empty for a downlink that leaves as it was asked for."""
    if verdict.taken:
        if verdict.power_dbm is None:
            return b""
        return msgspec.json.encode({"txpk_ack": {"warn": "TX_POWER", "value": round(verdict.power_dbm)}})
    code = _UDP_WORD.get(verdict.code, verdict.code)
    return msgspec.json.encode({"txpk_ack": {"error": str(code)}})


def malformed_body() -> bytes:
    """Return the TX_ACK for a txpk that could not be read.

    The protocol's nearest word is TX_FREQ, "not supported by the TX RF chain"; strict servers know no other.
    """
    return msgspec.json.encode({"txpk_ack": {"error": str(Code.TX_FREQ)}})


def _payload(txpk: _Txpk) -> bytes:
    text = txpk.data.rstrip("=")
    try:
        payload = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise TxpkError(f"data: {error}") from error
    if len(payload) > PAYLOAD_LIMIT_BYTES:
        raise TxpkError(f"data: {len(payload)} bytes, at most {PAYLOAD_LIMIT_BYTES}")
    if txpk.size is not None and int(txpk.size) != len(payload):
        raise TxpkError(f"size: {int(txpk.size)}, but data holds {len(payload)} bytes")
    return payload


def _lora(txpk: _Txpk) -> Lora:
    matched = _DATR.fullmatch(txpk.datr) if isinstance(txpk.datr, str) else None
    if matched is None:
        raise TxpkError(f"datr: {txpk.datr!r} is not SF5..SF12 with BW125, BW250 or BW500")
    if txpk.codr not in _CODING_RATES:
        raise TxpkError(f"codr: {txpk.codr!r} is not 4/5, 4/6, 4/7 or 4/8")
    return Lora(sf=int(matched[1]), bandwidth_hz=int(matched[2]) * 1000, coding_rate=_CODING_RATES[txpk.codr])


def _fsk(txpk: _Txpk) -> Fsk:
    if not isinstance(txpk.datr, float) or not 500 <= txpk.datr <= 250_000:
        raise TxpkError(f"datr: {txpk.datr!r} is not 500..250000 bit/s")
    bitrate_bps = int(txpk.datr)
    deviation_hz = bitrate_bps // 2 if txpk.fdev is None else int(txpk.fdev)
    return Fsk(bitrate_bps=bitrate_bps, deviation_hz=deviation_hz)


def _timing(txpk: _Txpk) -> Timing:
    if txpk.imme:
        return Immediate()
    if txpk.tmst is not None:
        return AtTmst(int(txpk.tmst))
    if txpk.tmms is not None:
        return AtGps(int(txpk.tmms) * 1000)
    raise TxpkError("tmst: one of imme, tmst and tmms is needed")

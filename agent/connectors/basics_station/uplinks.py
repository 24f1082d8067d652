"""Frames as the LNS protocol has them: updf, dndf, jreq, jacc, propdf; and dntxed, pure.

Bytes that are no LoRaWAN frame (truncated, RFU or major bits set) have no message; they are refused, or go as
propdf where a configuration asks for them.

Source: doc.sm.tc/station, "The LNS Protocol"; ``src/lora.c`` of basicstation 2.0.6 for what is a frame, and
for jacc and dndf.  Rejoin-requests have no message there that servers read (the reference takes only those of
23 bytes, and LoRaWAN has none of that length); they go as propdf, whole.
"""

import json
from collections.abc import Mapping

from agent.connectors.basics_station.server import RouterConfig
from agent.connectors.basics_station.xtime import xtime_of
from agent.connectors.reception import Reception, late_marks
from agent.lorawan.phy import DataDown, DataUp, JoinRequest, MType, PhyError, parse_phy
from agent.record import Record
from agent.wire.messages import TimeQuality

FRAME_MIN_BYTES = 12
"""A data frame without anything in it; the reference asks as much of a join-accept."""
RFU_AND_MAJOR = 0x1F


class NoDataRate(ValueError):
    """The server's router_config has no data rate for this frame."""


class NoFrame(ValueError):
    """The bytes are no LoRaWAN frame, and the protocol has no message for them."""


def uplink(
    record: Record,
    reception: Reception,
    config: RouterConfig,
    ref_time_s: float = 0.0,
    *,
    late: bool = False,
    non_lorawan: bool = False,
) -> str:
    """Return the message of one frame; ``ref_time_s`` is the server's own time at this instant.

    ``late``: marked in ``upinfo``, an addition to the protocol.  ``non_lorawan``: any bytes have a message.

    Raises:
        NoDataRate: the server knows no data rate for how the frame was sent.
        NoFrame: the bytes are no LoRaWAN frame.
    """
    rate = config.rate_of(record.sf, record.rate)
    if rate is None:
        raise NoDataRate(f"SF{record.sf} with {record.rate} is not among the server's data rates")
    return json.dumps(
        {
            **message_of(record.payload, non_lorawan=non_lorawan),
            "RefTime": ref_time_s,
            "DR": rate,
            "Freq": record.frequency_hz,
            "upinfo": {**_upinfo(record, reception), **(late_marks(record.id, reception) if late else {})},
        },
        separators=(",", ":"),
    )


def message_of(payload: bytes, *, non_lorawan: bool = False) -> Mapping[str, object]:
    """Return the fields that a frame's own bytes give; with ``non_lorawan`` any bytes, as propdf.

    >>> message_of(bytes.fromhex("e0ff"))
    {'msgtype': 'propdf', 'FRMPayload': 'E0FF'}

    Raises:
        NoFrame: the bytes are no LoRaWAN frame.
    """
    try:
        return _lorawan(payload)
    except NoFrame:
        if non_lorawan and payload:
            return {"msgtype": "propdf", "FRMPayload": _hex(payload)}
        raise


def _lorawan(payload: bytes) -> Mapping[str, object]:
    if not payload or payload[0] & RFU_AND_MAJOR:
        raise NoFrame("the first byte is no MHDR of LoRaWAN R1")
    if MType(payload[0] >> 5) is MType.JOIN_ACCEPT and len(payload) >= FRAME_MIN_BYTES:
        return {"msgtype": "jacc", "FRMPayload": _hex(payload)}
    try:
        frame = parse_phy(payload)
    except PhyError as error:
        raise NoFrame(str(error)) from error
    match frame:
        case DataUp() | DataDown():
            return {
                "msgtype": "updf" if isinstance(frame, DataUp) else "dndf",
                "MHdr": payload[0],
                "DevAddr": _signed32(frame.dev_addr),
                "FCtrl": frame.fctrl | len(frame.fopts),
                "FCnt": frame.fcnt,
                "FOpts": _hex(frame.fopts),
                "FPort": -1 if frame.fport is None else frame.fport,
                "FRMPayload": _hex(frame.frm_payload),
                "MIC": _signed32(int.from_bytes(frame.mic, "little")),
            }
        case JoinRequest():
            return {
                "msgtype": "jreq",
                "MHdr": payload[0],
                "JoinEui": _eui(frame.join_eui),
                "DevEui": _eui(frame.dev_eui),
                "DevNonce": frame.dev_nonce,
                "MIC": _signed32(int.from_bytes(frame.mic, "little")),
            }
        case _:
            return {"msgtype": "propdf", "FRMPayload": _hex(payload)}


def _hex(content: bytes) -> str:
    return content.hex().upper()


def _upinfo(record: Record, reception: Reception) -> Mapping[str, object]:
    trusted = reception.quality is not TimeQuality.UNTRUSTED
    return {
        "rctx": 0,
        "xtime": xtime_of(record.counter_us, record.session),
        "gpstime": reception.gps_us if trusted and reception.gps_us is not None else 0,
        "fts": -1 if record.fine_ns is None else record.fine_ns,
        "rssi": round(record.rssi_dbm),
        "snr": round(record.snr_db, 2),
        "rxtime": reception.utc_us / 1_000_000,
    }


def transmitted(
    *,
    diid: int,
    dev_eui: str,
    rate: int,
    frequency_hz: int,
    counter_us: int,
    session: int,
    utc_us: int,
    gps_us: int = 0,
) -> str:
    """Return dntxed: a downlink is on air; ``gps_us`` is the GPS time it was asked for (class B), else 0."""
    return json.dumps(
        {
            "msgtype": "dntxed",
            "seqno": diid,
            "diid": diid,
            "DevEui": dev_eui,
            "DR": rate,
            "Freq": frequency_hz,
            "rctx": 0,
            "xtime": xtime_of(counter_us, session),
            "txtime": utc_us / 1_000_000,
            "gpstime": gps_us,
        },
        separators=(",", ":"),
    )


def timesync(monotonic_us: int) -> str:
    """Return the question for the server's time."""
    return json.dumps({"msgtype": "timesync", "txtime": monotonic_us})


def _signed32(value: int) -> int:
    return value - (1 << 32) if value & 0x8000_0000 else value


def _eui(eui: str) -> str:
    return "-".join(eui[at : at + 2] for at in range(0, 16, 2)).upper()

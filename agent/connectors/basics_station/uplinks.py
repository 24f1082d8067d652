"""Frames as the LNS protocol has them: updf, jreq, propdf; and dntxed, pure.

Source: doc.sm.tc/station, "The LNS Protocol".  Rejoin-requests have no message there that servers read;
they go as propdf, whole.
"""

import json
from collections.abc import Mapping

from agent.connectors.basics_station.server import RouterConfig
from agent.connectors.basics_station.xtime import xtime_of
from agent.connectors.reception import Reception
from agent.lorawan.phy import DataUp, JoinRequest, PhyError, parse_phy
from agent.record import Record
from agent.wire.messages import TimeQuality


class NoDataRate(ValueError):
    """The server's router_config has no data rate for this frame."""


def uplink(record: Record, reception: Reception, config: RouterConfig) -> str:
    """Return the message of one frame.

    Raises:
        NoDataRate: the server knows no data rate for how the frame was sent.
    """
    rate = config.rate_of(record.sf, record.rate)
    if rate is None:
        raise NoDataRate(f"SF{record.sf} with {record.rate} is not among the server's data rates")
    return json.dumps(
        {
            **_frame(record.payload),
            "RefTime": 0.0,
            "DR": rate,
            "Freq": record.frequency_hz,
            "upinfo": _upinfo(record, reception),
        },
        separators=(",", ":"),
    )


def _frame(payload: bytes) -> Mapping[str, object]:
    try:
        frame = parse_phy(payload)
    except PhyError:
        frame = None
    match frame:
        case DataUp():
            return {
                "msgtype": "updf",
                "MHdr": payload[0],
                "DevAddr": _signed32(frame.dev_addr),
                "FCtrl": frame.fctrl | len(frame.fopts),
                "FCnt": frame.fcnt,
                "FOpts": frame.fopts.hex(),
                "FPort": -1 if frame.fport is None else frame.fport,
                "FRMPayload": frame.frm_payload.hex(),
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
            return {"msgtype": "propdf", "FRMPayload": payload.hex()}


def _upinfo(record: Record, reception: Reception) -> Mapping[str, object]:
    trusted = reception.quality is not TimeQuality.UNTRUSTED
    return {
        "rctx": 0,
        "xtime": xtime_of(record.counter_us, record.session),
        "gpstime": reception.gps_us if trusted and reception.gps_us is not None else 0,
        "fts": -1 if record.fine_ns is None else record.fine_ns,
        "rssi": round(record.rssi_channel_dbm),
        "snr": round(record.snr_db, 2),
        "rxtime": reception.utc_us / 1_000_000,
    }


def transmitted(
    *, diid: int, dev_eui: str, rate: int, frequency_hz: int, counter_us: int, session: int, utc_us: int
) -> str:
    """Return dntxed: a downlink is on air."""
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
            "gpstime": 0,
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

"""Records and statistics as the JSON of PUSH_DATA.

Source: ``packet_forwarder/PROTOCOL.md`` §4 and §6 of sx1302_hal 2.1.0, and its ``lora_pkt_fwd.c``, which
sends ``rssis``, ``lsnr`` and ``foff`` for LoRa only and a position only with a fix.
"""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from agent.connectors.reception import Reception, late_marks
from agent.observation import Position
from agent.record import Record
from agent.wire.messages import TimeQuality

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_UTC_US = 253_402_300_799_000_000
"""End of the year 9999, beyond which no calendar goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Counters of one interval for the ``stat`` object."""

    utc_us: int
    rxnb: int
    rxok: int
    rxfw: int
    """Frames that went to the server, late ones and damaged ones included."""
    ackr_percent: float
    dwnb: int
    """Downlinks that could be read."""
    txnb: int
    temperature_c: float | None = None
    position: Position | None = None


def rxpk(record: Record, reception: Reception, *, late: bool = False, damaged: bool = False) -> bytes:
    """Return one JSON object of the ``rxpk`` array; ``damaged``: its CRC is wrong.

    ``late``: marked in ``meta``, an addition to the protocol that ChirpStack's bridge hands on as metadata.
    """
    fields: dict[str, object] = {"jver": 1}
    if reception.quality is not TimeQuality.UNTRUSTED and 0 <= reception.utc_us <= LATEST_UTC_US:
        fields["time"] = iso_time(reception.utc_us)
        if reception.gps_us is not None and reception.gps_us >= 0:
            fields["tmms"] = reception.gps_us // 1000
    fields["tmst"] = record.tmst
    if record.fine_ns is not None:
        fields["ftime"] = record.fine_ns
    fields |= {
        "chan": record.if_channel,
        "rfch": record.rf_chain,
        "mid": record.modem,
        "freq": round(record.frequency_hz / 1e6, 6),
        "stat": -1 if damaged else int(record.crc_checked),
    }
    if record.sf:
        fields |= {
            "modu": "LORA",
            "datr": f"SF{record.sf}BW{record.rate // 1000}",
            "codr": f"4/{4 + record.coding_rate}" if 1 <= record.coding_rate <= 4 else "OFF",
            "lsnr": round(record.snr_db, 1),
            "rssis": round(record.rssi_signal_dbm),
            "foff": record.frequency_offset_hz,
        }
    else:
        fields |= {"modu": "FSK", "datr": record.rate}
    fields |= {
        "rssi": round(record.rssi_channel_dbm),
        "size": len(record.payload),
        "data": base64.b64encode(record.payload).decode("ascii"),
    }
    if late:
        fields["meta"] = late_marks(record.id, reception)
    return msgspec.json.encode(fields)


def stat(statistics: Statistics) -> bytes:
    """Return the ``stat`` object."""
    moment = _EPOCH + timedelta(microseconds=min(max(statistics.utc_us, 0), LATEST_UTC_US))
    fields: dict[str, object] = {
        "time": moment.strftime("%Y-%m-%d %H:%M:%S GMT"),
        "rxnb": statistics.rxnb,
        "rxok": statistics.rxok,
        "rxfw": statistics.rxfw,
        "ackr": round(statistics.ackr_percent, 1),
        "dwnb": statistics.dwnb,
        "txnb": statistics.txnb,
    }
    if statistics.position is not None:
        fields["lati"] = round(statistics.position.latitude_deg, 5)
        fields["long"] = round(statistics.position.longitude_deg, 5)
        if statistics.position.altitude_m is not None:
            fields["alti"] = round(statistics.position.altitude_m)
    if statistics.temperature_c is not None:
        fields["temp"] = round(statistics.temperature_c, 1)
    return msgspec.json.encode(fields)


def iso_time(utc_us: int) -> str:
    """Return ISO 8601 with microseconds.

    >>> iso_time(1_364_746_577_528_002)
    '2013-03-31T16:16:17.528002Z'
    """
    moment = datetime.fromtimestamp(utc_us // 1_000_000, UTC)
    return f"{moment.isoformat()[:19]}.{utc_us % 1_000_000:06d}Z"

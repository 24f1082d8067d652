"""Recorded frames: NDJSON lines, gzip or not, into receptions that a virtual chip can hear.

A line has ``ts`` (ms), ``freq`` (MHz or Hz), ``datr`` (``SF12BW125``), ``rssi`` (dBm), ``snr`` (dB) and
``phy`` (base64); ``gw`` says which receiver heard it.  Public gateway logs have one line a frame with all its
receivers in ``rx``, each with ``gw``, ``rssi``, ``snr`` and maybe ``ts``.  A traffic log has ``DR5,2024-07-26
15:15:29,868.1`` on a line and neither bytes nor levels: its frames are played with bytes made of the line's
number at a middle level, for their rates and channels.  A line, or a receiver, that cannot be played is
refused with its number and field, counted, and the rest goes on.
"""

import base64
import binascii
import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

BAND_HZ = range(863_000_000, 870_000_001)
"""EU863-870, RP002-1.0.4 §2.4."""
PAYLOAD_LIMIT_BYTES = 255
LINE_LIMIT_BYTES = 16_384
RECEIVERS_LIMIT = 100
"""Receivers that one frame may name; recordings name up to 30."""
HZ_FROM = 1e6
"""A frequency from here on is in Hz, below in MHz."""
_TRAFFIC = re.compile(rb"([^,{]{1,60}),(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d),([0-9.]{1,12})\s*")
_RATES = {
    **{f"DR{dr}": {"datr": f"SF{12 - dr}BW125"} for dr in range(6)},
    "DR6": {"datr": "SF7BW250"},
}
"""LoRa data rates of EU868 by number (RP002-1.0.4 §2.4.3); DR7 is FSK, DR8 to DR11 are LR-FHSS."""
TRAFFIC_RSSI_DBM, TRAFFIC_SNR_DB = -100, 5.0
TRAFFIC_BYTES = 24
"""A data frame of 11 bytes of application: MHDR, FHDR, FPort, MIC are 13."""
_DATARATE = re.compile(r"SF(\d{1,2})BW(125|250|500)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrame:
    """One reception of the file."""

    line: int
    at_ms: int
    receiver: str
    frequency_hz: int
    sf: int
    bandwidth_hz: int
    rssi_dbm: float
    snr_db: float
    phy: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedLine:
    """A line that cannot be played, and why."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.message}"


class _Field(ValueError):
    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def read_frames(path: Path, limit: int | None = None) -> Iterator[RecordedFrame | RefusedLine]:
    """Yield the file's lines in order, at most ``limit`` of them.

    Raises:
        OSError: the file cannot be read, or is not gzip though its name says so.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            if limit is not None and number > limit:
                return
            if line.strip():
                yield from parse_line(number, line)


def parse_line(number: int, line: bytes) -> list[RecordedFrame | RefusedLine]:
    """Return the receptions on one line, or why it holds none.

    >>> print(*parse_line(7, b'{"ts": 1, "freq": 868.1'))
    line 7: line: not JSON: Expecting ',' delimiter at column 24
    """
    try:
        traffic = _TRAFFIC.fullmatch(line)
        record = _object(line) if traffic is None else _of_traffic(number, traffic)
        return [_reception(number, one) for one in _receptions(record)]
    except _Field as error:
        return [_refused(number, error)]


def _of_traffic(number: int, line: re.Match[bytes]) -> dict[str, Any]:
    """Return the record of a line of a traffic log; the same line gives the same bytes."""
    name = line[1].decode(errors="replace")
    rate = _RATES.get(name)
    if rate is None:
        raise _Field("datr", f"{name} is not a LoRa data rate of EU868")
    try:
        at = datetime.strptime(line[2].decode(), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        frequency = float(line[3])
    except ValueError as error:
        raise _Field("line", f"{error}") from None
    unconfirmed_up = b"\x40" + hashlib.sha256(b"%d" % number).digest()[: TRAFFIC_BYTES - 1]
    return rate | {
        "ts": int(at.timestamp()) * 1000,
        "freq": frequency,
        "rssi": TRAFFIC_RSSI_DBM,
        "snr": TRAFFIC_SNR_DB,
        "phy": base64.b64encode(unconfirmed_up).decode(),
    }


def _reception(number: int, record: dict[str, Any]) -> RecordedFrame | RefusedLine:
    try:
        return _frame(number, record)
    except _Field as error:
        return _refused(number, error)


def _refused(number: int, error: _Field) -> RefusedLine:
    return RefusedLine(line=number, field=error.field, message=str(error))


def _receptions(record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one record a receiver."""
    if "rx" not in record:
        return [record]
    receivers = record["rx"]
    if not isinstance(receivers, list) or not all(isinstance(one, dict) for one in receivers):
        raise _Field("rx", "a list of receivers is needed")
    if not 1 <= len(receivers) <= RECEIVERS_LIMIT:
        raise _Field("rx", f"{len(receivers)} receivers, 1 to {RECEIVERS_LIMIT} can be played")
    return [record | one for one in receivers]


def _frame(number: int, record: dict[str, Any]) -> RecordedFrame:
    frequency = _number(record, "freq")
    frequency_hz = round(frequency if frequency >= HZ_FROM else frequency * 1e6)
    if frequency_hz not in BAND_HZ:
        raise _Field("freq", f"{record['freq']} is outside 863 to 870 MHz")
    sf, bandwidth_hz = _datarate(record)
    return RecordedFrame(
        line=number,
        at_ms=int(_number(record, "ts")),
        receiver=str(record.get("gw", "")),
        frequency_hz=frequency_hz,
        sf=sf,
        bandwidth_hz=bandwidth_hz,
        rssi_dbm=_number(record, "rssi"),
        snr_db=_number(record, "snr"),
        phy=_payload(record),
    )


def _object(line: bytes) -> dict[str, Any]:
    if len(line) > LINE_LIMIT_BYTES:
        raise _Field("line", f"{len(line)} bytes, at most {LINE_LIMIT_BYTES}")
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Field("line", f"not JSON: {error.msg} at column {error.colno}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _Field("line", "not JSON text in UTF-8") from None
    if not isinstance(record, dict):
        raise _Field("line", "a JSON object is needed")
    return record


def _number(record: dict[str, Any], field: str) -> float:
    value = record.get(field)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e15:
        raise _Field(field, f"a number is needed, found {value!r:.40}")
    return float(value)


def _datarate(record: dict[str, Any]) -> tuple[int, int]:
    match = _DATARATE.fullmatch(str(record.get("datr")))
    if match is None or not 5 <= int(match[1]) <= 12:
        raise _Field("datr", f"{record.get('datr')!r:.40} is not a LoRa datarate such as SF12BW125")
    return int(match[1]), int(match[2]) * 1000


def _payload(record: dict[str, Any]) -> bytes:
    text = record.get("phy")
    if not isinstance(text, str):
        raise _Field("phy", "base64 text is needed")
    try:
        phy = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Field("phy", "not base64") from None
    if not 1 <= len(phy) <= PAYLOAD_LIMIT_BYTES:
        raise _Field("phy", f"{len(phy)} bytes, 1 to {PAYLOAD_LIMIT_BYTES} fit a frame")
    return phy

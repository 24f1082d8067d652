"""A u-blox receiver on a serial line: NMEA every second, UBX NAV-TIMEGPS once it is enabled.

What it says after a PPS edge is the time of that edge, as the real one does.

Sources: u-blox 7/8 receiver description (UBX framing and Fletcher checksum §32, NAV-TIMEGPS 0x01 0x20,
CFG-MSG 0x06 0x01, ACK-ACK 0x05 0x01); NMEA 0183 (RMC, GGA, GSA, GLL); sx1302_hal ``loragw_gps.c`` for
what a host of this chip asks of it (FACTS §15).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
LEAP_SECONDS = 18
"""GPS minus UTC since 2017."""
WEEK_S = 604_800
SYNC = b"\xb5\x62"
NAV_TIMEGPS = (0x01, 0x20)
CFG_MSG = (0x06, 0x01)
ACK_ACK, ACK_NAK = (0x05, 0x01), (0x05, 0x00)
ALL_VALID = 0x07
FRAME_LIMIT_BYTES = 1024
TIME_ACCURACY_NS = 25


@dataclass(slots=True, kw_only=True)
class GnssFaults:
    """What a mast does to a receiver, on request."""

    no_fix: bool = False
    leap_unknown: bool = False
    bad_checksums: bool = False
    silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AntennaSite:
    """The position of the antenna (degrees WGS84, metres) and how many satellites it sees."""

    lat: float = 47.3946
    lon: float = 0.8456
    alt_m: float = 78.0
    satellites: int = 9


class GnssReceiver:
    """Feed it what the host writes, ask it once a second what it says."""

    def __init__(self, antenna: AntennaSite | None = None) -> None:
        self.antenna = antenna if antenna is not None else AntennaSite()
        self.faults = GnssFaults()
        self.timegps_enabled = False
        self.refused_frames = 0
        self._buffer = b""

    def feed(self, data: bytes) -> bytes:
        """Take the host's bytes; return acknowledgements."""
        self._buffer = (self._buffer + data)[-FRAME_LIMIT_BYTES:]
        answers = b""
        while (start := self._buffer.find(SYNC)) >= 0:
            self._buffer = self._buffer[start:]
            if len(self._buffer) < 8:
                break
            size = int.from_bytes(self._buffer[4:6], "little")
            if size > FRAME_LIMIT_BYTES - 8:
                self.refused_frames += 1
                self._buffer = self._buffer[2:]
                continue
            if len(self._buffer) < 8 + size:
                break
            frame, self._buffer = self._buffer[: 8 + size], self._buffer[8 + size :]
            answers += self._command(frame)
        return answers

    def _command(self, frame: bytes) -> bytes:
        if frame[-2:] != _fletcher(frame[2:-2]):
            self.refused_frames += 1
            return b""
        kind, payload = (frame[2], frame[3]), frame[6:-2]
        if kind != CFG_MSG or len(payload) < 3:
            return ubx(ACK_NAK, bytes(kind))
        if (payload[0], payload[1]) == NAV_TIMEGPS:
            rates = payload[2:]
            self.timegps_enabled = any(rates)
        return ubx(ACK_ACK, bytes(kind))

    def second(self, utc: datetime) -> bytes:
        """Return what the receiver says after the PPS edge at ``utc``."""
        if self.faults.silent:
            return b""
        fix = not self.faults.no_fix
        sentences = rmc(utc, self.antenna, fix=fix) + gga(utc, self.antenna, fix=fix)
        if self.timegps_enabled:
            valid = 0 if self.faults.no_fix else ALL_VALID & ~(0x04 if self.faults.leap_unknown else 0)
            sentences += nav_timegps(utc, valid=valid)
        sentences += gsa(self.antenna, fix=fix) + gll(utc, self.antenna, fix=fix)
        return _spoil(sentences) if self.faults.bad_checksums else sentences


def ubx(kind: tuple[int, int], payload: bytes) -> bytes:
    """Return a UBX frame.

    >>> ubx((0x05, 0x01), bytes((0x06, 0x01))).hex()
    'b5620501020006010f38'
    """
    body = bytes(kind) + len(payload).to_bytes(2, "little") + payload
    return SYNC + body + _fletcher(body)


def _fletcher(body: bytes) -> bytes:
    a = b = 0
    for byte in body:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return bytes((a, b))


def _spoil(sentences: bytes) -> bytes:
    """Turn one bit of every sentence and frame."""
    return bytes(byte ^ 0x01 if index % 20 == 10 else byte for index, byte in enumerate(sentences))


def gps_time(utc: datetime) -> tuple[int, int]:
    """Return (week, milliseconds of the week) on the GPS scale.

    >>> gps_time(datetime(2026, 11, 22, 0, 0, 0, tzinfo=UTC))
    (2446, 18000)
    """
    since = utc - GPS_EPOCH + timedelta(seconds=LEAP_SECONDS)
    total_ms = since // timedelta(milliseconds=1)
    return total_ms // (WEEK_S * 1000), total_ms % (WEEK_S * 1000)


def nav_timegps(utc: datetime, *, valid: int = ALL_VALID) -> bytes:
    """Return NAV-TIMEGPS for the edge at ``utc``."""
    week, tow_ms = gps_time(utc)
    payload = (
        tow_ms.to_bytes(4, "little")
        + (0).to_bytes(4, "little")
        + week.to_bytes(2, "little")
        + bytes((LEAP_SECONDS, valid))
        + TIME_ACCURACY_NS.to_bytes(4, "little")
    )
    return ubx(NAV_TIMEGPS, payload)


def sentence(body: str) -> bytes:
    """Return an NMEA sentence with its checksum.

    >>> sentence("GPTXT,01").decode().strip()
    '$GPTXT,01*62'
    """
    checksum = 0
    for byte in body.encode("ascii"):
        checksum ^= byte
    return f"${body}*{checksum:02X}\r\n".encode("ascii")


def _coordinate(value: float, width: int, letters: str) -> str:
    minutes = round(abs(value) * 60, 5)
    degrees = int(minutes // 60)
    return f"{degrees:0{width}d}{minutes - 60 * degrees:08.5f},{letters[0] if value >= 0 else letters[1]}"


def _where(antenna: AntennaSite) -> str:
    return f"{_coordinate(antenna.lat, 2, 'NS')},{_coordinate(antenna.lon, 3, 'EW')}"


def rmc(utc: datetime, antenna: AntennaSite, *, fix: bool) -> bytes:
    """Return the recommended minimum: time, date, position."""
    clock, date = utc.strftime("%H%M%S.00"), utc.strftime("%d%m%y")
    if not fix:
        return sentence(f"GNRMC,{clock},V,,,,,,,{date},,,N")
    return sentence(f"GNRMC,{clock},A,{_where(antenna)},0.02,,{date},,,A")


def gga(utc: datetime, antenna: AntennaSite, *, fix: bool) -> bytes:
    """Return the fix data: position, quality, satellites, altitude."""
    clock = utc.strftime("%H%M%S.00")
    if not fix:
        return sentence(f"GNGGA,{clock},,,,,0,00,99.99,,,,,,")
    return sentence(
        f"GNGGA,{clock},{_where(antenna)},1,{antenna.satellites:02d},0.98,{antenna.alt_m:.1f},M,46.0,M,,"
    )


def gsa(antenna: AntennaSite, *, fix: bool) -> bytes:
    """Return the satellites in use; like GLL it follows NAV-TIMEGPS, for hosts that read in blocks."""
    if not fix:
        return sentence("GNGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99")
    used = ",".join(f"{number:02d}" for number in range(1, antenna.satellites + 1))
    empty = "," * max(0, 12 - antenna.satellites)
    return sentence(f"GNGSA,A,3,{used}{empty},1.60,0.98,1.27")


def gll(utc: datetime, antenna: AntennaSite, *, fix: bool) -> bytes:
    """Return position and time."""
    clock = utc.strftime("%H%M%S.00")
    return sentence(f"GNGLL,{_where(antenna)},{clock},A,A" if fix else f"GNGLL,,,,,{clock},V,N")

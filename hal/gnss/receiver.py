"""A GNSS receiver on a serial line: feeds bytes to the pure parsers and keeps the last of each answer.

A receiver that speaks UBX gives GPS time and leap seconds; one that does not gives UTC in RMC.

Sources: u-blox M8 protocol specification UBX-13003221 (NAV-TIMEGPS once an epoch, as RMC);
Quectel L76K protocol specification (no UBX; RMC describes the second that the last PPS began).
"""

from collections import Counter

from hal.gnss import nmea, ubx
from hal.gnss.stream import split
from hal.gnss.timebase import SECOND_US, gps_us
from hal.ports import ByteLine

CHUNK_BYTES = 512
RMC_ALONE = 3
"""So many valid RMC without a NAV-TIMEGPS between them: the receiver speaks no UBX.  One may lie before the
request for NAV-TIMEGPS and one beside it."""
NMEA_LEAP_S = 18
"""GPS − UTC since 2017-01-01 (IERS Bulletin C 52), which NMEA does not carry; UTC does not depend on it."""


class Receiver:
    """What the receiver said last; ``poll`` costs one read with the line's own deadline."""

    def __init__(self, line: ByteLine) -> None:
        self._line = line
        self._rest = b""
        self._rmc_alone = 0
        self.counts: Counter[str] = Counter()
        self.time: ubx.GpsTime | None = None
        self.position: nmea.Rmc | None = None
        self.quality: nmea.Gga | None = None

    def start(self) -> None:
        """Ask for GPS time at every epoch; receivers that do not understand ignore it."""
        self._line.write(ubx.enable_time_gps())

    def poll(self) -> bool:
        """Read what came; whether a new time was in it.

        Raises:
            LineFailed: the port vanished.
        """
        parted = split(self._rest + self._line.read(CHUNK_BYTES))
        self._rest = parted.rest
        self.counts["skipped_bytes"] += parted.skipped_bytes
        fresh = False
        for message in parted.messages:
            try:
                fresh = self._take(message) or fresh
            except (nmea.BadSentence, ubx.BadFrame):
                self.counts["bad"] += 1
        return fresh

    def _take(self, message: bytes) -> bool:
        if message.startswith(b"$"):
            said = nmea.decode(message)
            self.counts["sentences"] += 1
            if isinstance(said, nmea.Rmc):
                return self._take_rmc(said)
            if isinstance(said, nmea.Gga):
                self.quality = said
            return False
        kind, payload = ubx.decode(message)
        self.counts["frames"] += 1
        if kind != ubx.NAV_TIMEGPS:
            return False
        self._rmc_alone = 0
        time = ubx.decode_time_gps(payload)
        self.time = time or self.time
        return time is not None

    def _take_rmc(self, rmc: nmea.Rmc) -> bool:
        """Keep place and time; the time counts only of a receiver that speaks no UBX."""
        self.position = rmc
        if not rmc.valid or rmc.utc is None:
            return False
        if rmc.utc.microsecond:
            self.counts["off_second"] += 1
            return False
        self._rmc_alone = min(self._rmc_alone + 1, RMC_ALONE)
        if self._rmc_alone < RMC_ALONE:
            return False
        utc_us = round(rmc.utc.timestamp()) * SECOND_US
        self.time = ubx.GpsTime(gps_us=gps_us(utc_us, NMEA_LEAP_S), leap_s=NMEA_LEAP_S, accuracy_ns=None)
        return True

    def close(self) -> None:
        """Release the line."""
        self._line.close()

"""A GNSS receiver on a serial line: feeds bytes to the pure parsers and keeps the last of each answer."""

from collections import Counter

from hal.gnss import nmea, ubx
from hal.gnss.stream import split
from hal.ports import ByteLine

CHUNK_BYTES = 512


class Receiver:
    """What the receiver said last; ``poll`` costs one read with the line's own deadline."""

    def __init__(self, line: ByteLine) -> None:
        self._line = line
        self._rest = b""
        self.counts: Counter[str] = Counter()
        self.time: ubx.GpsTime | None = None
        self.position: nmea.Rmc | None = None
        self.quality: nmea.Gga | None = None

    def start(self) -> None:
        """Ask for GPS time at every epoch; receivers that do not understand ignore it."""
        self._line.write(ubx.enable_time_gps())

    def poll(self) -> bool:
        """Read what came; whether a new GPS time was in it.

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
                self.position = said
            elif isinstance(said, nmea.Gga):
                self.quality = said
            return False
        kind, payload = ubx.decode(message)
        self.counts["frames"] += 1
        if kind != ubx.NAV_TIMEGPS:
            return False
        time = ubx.decode_time_gps(payload)
        self.time = time or self.time
        return time is not None

    def close(self) -> None:
        """Release the line."""
        self._line.close()

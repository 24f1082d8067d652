"""A serial line through pyserial: raw bytes with a deadline."""

from hal.errors import LineFailed, OurMistake

SPEED_BAUD = 115_200
READ_LIMIT_S = 1.0


class SerialLine:
    """Reads and writes with a time limit; a port that vanishes is a ``LineFailed``.

    With ``gap_s`` a read waits for the first byte only and then returns what comes within that time: for
    devices that talk unasked, whose words must not grow old in a buffer.
    """

    def __init__(
        self, path: str, *, baud: int = SPEED_BAUD, limit_s: float = READ_LIMIT_S, gap_s: float | None = None
    ) -> None:
        try:
            import serial
        except ImportError as error:
            raise OurMistake(
                "pyserial is not installed; pip install 'passerelle[gateway]'", where=path
            ) from error
        self.path = path
        self._limit_s, self._gap_s = limit_s, gap_s
        self._errors = (serial.SerialException, OSError)
        try:
            self._port = serial.Serial(path, baud, timeout=limit_s, write_timeout=limit_s, exclusive=True)
        except self._errors as error:
            raise LineFailed(f"cannot be opened: {error}", where=path) from error

    def flush_input(self) -> None:
        """Forget what came before."""
        try:
            self._port.reset_input_buffer()
        except self._errors as error:
            raise LineFailed(f"gone: {error}", where=self.path) from error

    def write(self, data: bytes) -> None:
        """Write all of ``data``."""
        try:
            sent = self._port.write(data)
        except self._errors as error:
            raise LineFailed(f"gone while writing: {error}", where=self.path) from error
        if sent != len(data):
            raise LineFailed(f"{sent} of {len(data)} bytes written", where=self.path)

    def read(self, count: int) -> bytes:
        """Return up to ``count`` bytes: fewer when the limit passes first."""
        try:
            if self._gap_s is None:
                return bytes(self._port.read(count))
            self._port.timeout = self._limit_s
            first = bytes(self._port.read(1))
            self._port.timeout = self._gap_s
            return first + bytes(self._port.read(count - 1)) if first else first
        except self._errors as error:
            raise LineFailed(f"gone while reading: {error}", where=self.path) from error

    def close(self) -> None:
        """Release the port."""
        self._port.close()

"""The virtual chip as seen by a driver in another process: Bus, I2C, reset lines and delays over a socket.

Sources: TWIN_SOCKET.md.
"""

import contextlib
import socket
import struct
import threading
from pathlib import Path

from hal.errors import LineFailed
from hal.fault import Fault, FaultKind
from hal.twin.lines.framing import FrameKind, encode, encode_i2c

DEADLINE_S = 2.0
"""An answer later than this counts as a dead line."""
_LENGTH = struct.Struct("<I")
_TIMEVAL = struct.Struct("@ll")


class SocketBus:
    """``hal.ports.Bus`` and ``hal.ports.I2c`` over one connection; safe to share between threads.

    ``transfer`` is the SX1302's bus; ``sx1261`` is the other chip select.

    Raises:
        LineFailed: (every call) the socket is gone, or the chip did not answer within ``deadline_s``.
    """

    def __init__(self, path: Path | str, *, deadline_s: float = DEADLINE_S) -> None:
        self._where = f"socket:{path}"
        self._lock = threading.Lock()
        self._end: socket.socket | None = None
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        seconds, fraction = divmod(deadline_s, 1)
        wait = _TIMEVAL.pack(int(seconds), int(fraction * 1_000_000))
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, wait)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, wait)
        try:
            end.connect(str(path))
        except OSError as error:
            end.close()
            raise LineFailed(
                f"no virtual chip answers: {error.strerror or error}", where=self._where
            ) from error
        self._end = end
        self.sx1261 = Sx1261Bus(self)

    def transfer(self, mosi: bytes) -> bytes:
        """Move one chip-select assertion over the SX1302's bus."""
        return self.spi(0, mosi)

    def spi(self, device: int, mosi: bytes) -> bytes:
        """Move one chip-select assertion over bus 0 (SX1302) or 1 (SX1261)."""
        reply = self._ask(encode(FrameKind.SPI, mosi, target=device), 4 + len(mosi))
        if _LENGTH.unpack_from(reply)[0] != len(mosi):
            self.close()
            raise LineFailed(
                f"{len(mosi)} bytes sent, {_LENGTH.unpack_from(reply)[0]} came", where=self._where
            )
        return reply[4:]

    def write(self, address: int, data: bytes) -> bool:
        """Write one I2C message; False is a NAK."""
        return self._ask(encode_i2c(address, data), 1) == b"\0"

    def read(self, address: int, count: int) -> bytes | None:
        """Read one I2C message; None is a NAK."""
        reply = self._ask(encode_i2c(address, read_bytes=count), 1 + count)
        return reply[1:] if reply[0] == 0 else None

    def reset(self, line: int = 0) -> None:
        """Pulse the reset pin: 0 = SX1302, 1 = SX1261."""
        self._ask(encode(FrameKind.RESET, target=line), 0)

    def delay_ns(self, nanoseconds: int) -> None:
        """Tell a chip in virtual time that the program sleeps."""
        self._ask(encode(FrameKind.DELAY, nanoseconds.to_bytes(8, "little")), 0)

    def mark(self, phase: str) -> None:
        """Name the phase that begins, for logs."""
        self._ask(encode(FrameKind.MARK, phase.encode()), 0)

    def inject(self, raw: bytes) -> None:
        """Append raw bytes to the RX FIFO."""
        self._ask(encode(FrameKind.INJECT, raw), 0)

    def close(self) -> None:
        """End the connection; the chip keeps its state."""
        end, self._end = self._end, None
        if end is not None:
            end.close()

    def _ask(self, frame: bytes, reply_bytes: int) -> bytes:
        with self._lock:
            end = self._end
            if end is None:
                raise LineFailed("the connection is closed", where=self._where)
            try:
                end.sendall(frame)
                return _receive(end, reply_bytes)
            except (OSError, EOFError) as error:
                self._end = None
                with contextlib.suppress(OSError):
                    end.close()
                timeout = isinstance(error, BlockingIOError)
                reason = "the chip did not answer in time" if timeout else f"the socket is gone ({error})"
                fault = None if timeout else Fault(FaultKind.UNPLUGGED)
                raise LineFailed(reason, where=self._where, fault=fault) from error


class Sx1261Bus:
    """The SX1261's chip select of a ``SocketBus``."""

    def __init__(self, link: SocketBus) -> None:
        self._link = link

    def transfer(self, mosi: bytes) -> bytes:
        """Move one chip-select assertion."""
        return self._link.spi(1, mosi)

    def close(self) -> None:
        """Nothing to do: the link owns the connection."""


def _receive(end: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        chunk = end.recv(count - len(received))
        if not chunk:
            raise EOFError("end of stream")
        received = received + chunk if received else chunk
    return received

"""Serves one virtual chip on a Unix socket; many servers live in one process, a thread each.

    state      event                     ->  state
    waiting    a program connects        ->  waiting; its first frame but a reset takes the bus
    waiting    it takes the bus          ->  serving
    serving    a second one connects     ->  serving; the second may pulse reset pins, as a board's script
                                             does, and waits with all else until the bus is free
    serving    end of stream, bad frame  ->  waiting; the chip keeps its state unless ``reset_on_close``
    any        ``close``                 ->  closed

Sources: TWIN_SOCKET.md.
"""

import contextlib
import logging
import socket
import struct
import threading
from pathlib import Path
from types import TracebackType

from hal.twin.chip import VirtualChip
from hal.twin.lines.framing import HEADER_BYTES, FrameKind, FrameRefused, Header, decode_header

READ_CHUNK_BYTES = 65_536
BACKLOG = 8
CONNECTIONS_LIMIT = 8
"""Programs connected at once; one more is cut off, counted as refused."""
BUS_WAIT_S = 0.2
"""A program that waits for the bus looks this often whether the server closes."""
SPI_HEADER = b"S\0"
"""Nearly every frame is one for the SX1302's bus; it takes a short cut past the general decoding."""
_LENGTH = struct.Struct("<I")

log = logging.getLogger("hal.twin")


class TwinServer:
    """Gives the bus to one program at a time; ``close`` ends it from any thread."""

    def __init__(self, chip: VirtualChip, path: Path | str, *, reset_on_close: bool = False) -> None:
        self.chip = chip
        self.path = Path(path)
        self.reset_on_close = reset_on_close
        self.connections = 0
        self.refused_frames = 0
        self.mark = ""
        self._closing = threading.Event()
        self._bus = threading.Lock()
        self._holder: socket.socket | None = None
        self._clients: dict[socket.socket, threading.Thread] = {}
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen and serve in a thread of its own.

        Raises:
            OSError: the path cannot be bound; a stale socket of a dead server is replaced.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _unlink_stale(self.path)
            listener.bind(str(self.path))
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._thread = threading.Thread(target=self._accept, name=f"twin {self.chip.name}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving, end the connection, remove the socket."""
        self._closing.set()
        clients = dict(self._clients)
        for end in (*clients, self._listener):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        if self._listener is not None:
            self._listener.close()
        for thread in (self._thread, *clients.values()):
            if thread is not None and thread is not threading.current_thread():
                thread.join()
        self.path.unlink(missing_ok=True)

    def disconnect(self) -> None:
        """Cut the program off, as a pulled cable does; it may connect again."""
        client = self._holder
        if client is not None:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> "TwinServer":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _accept(self) -> None:
        listener = self._listener
        assert listener is not None
        while not self._closing.is_set():
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if len(self._clients) >= CONNECTIONS_LIMIT:
                self.refused_frames += 1
                client.close()
                continue
            self.connections += 1
            thread = threading.Thread(
                target=self._live, args=(client,), name=f"twin {self.chip.name} client", daemon=True
            )
            self._clients[client] = thread
            thread.start()

    def _live(self, client: socket.socket) -> None:
        """Serve one program until it goes."""
        try:
            with client:
                self._serve(client)
        finally:
            if self._holder is client:
                self._holder = None
                if self.reset_on_close:
                    self.chip.reset(0)
                    self.chip.reset(1)
                self._bus.release()
            self._clients.pop(client, None)

    def _take_bus(self, client: socket.socket) -> None:
        """Wait until no other program has the bus.

        Raises:
            OSError: the server closes first.
        """
        if self._holder is client:
            return
        while not self._bus.acquire(timeout=BUS_WAIT_S):
            if self._closing.is_set():
                raise OSError("the server closes")
        self._holder = client

    def _serve(self, client: socket.socket) -> None:
        stream = _Stream(client)
        try:
            while (header := stream.take(HEADER_BYTES)) is not None:
                if self._holder is client and header[:2] == SPI_HEADER and not header[4] and not header[5]:
                    mosi = stream.take(header[2] | header[3] << 8)
                    if mosi is not None:
                        client.sendall(header[2:] + self.chip.transfer(mosi))
                        continue
                self._answer_slowly(client, stream, header)
            if stream.left_over:
                raise FrameRefused(f"the stream ended after {stream.left_over} bytes of a header")
        except FrameRefused as error:
            self.refused_frames += 1
            log.warning("%s: connection ended: %s", self.chip.name, error)
        except OSError as error:
            log.info("%s: the program is gone: %s", self.chip.name, error)

    def _answer_slowly(self, client: socket.socket, stream: "_Stream", header: bytes) -> None:
        parsed = decode_header(header)
        body = stream.take(parsed.body_bytes) if parsed.body_bytes else b""
        if body is None:
            raise FrameRefused(f"{parsed.kind.name}: the stream ended inside a frame")
        if parsed.kind is not FrameKind.RESET:
            self._take_bus(client)
        reply = self._answer(parsed, body)
        if reply is not None:
            client.sendall(reply)

    def _answer(self, header: Header, body: bytes) -> bytes | None:
        chip = self.chip
        match header.kind:
            case FrameKind.SPI:
                if header.target > 1:
                    raise FrameRefused(f"SPI: device {header.target}, only 0 and 1 exist")
                miso = chip.transfer(body) if header.target == 0 else chip.transfer_sx1261(body)
                return _LENGTH.pack(len(miso)) + miso
            case FrameKind.I2C:
                return self._answer_i2c(header, body)
            case FrameKind.DELAY:
                chip.delay_ns(int.from_bytes(body, "little"))
            case FrameKind.MARK:
                self.mark = body.decode("utf-8", "replace")
                log.debug("%s: ## %s", chip.name, self.mark)
            case FrameKind.INJECT:
                chip.inject_fifo(body)
            case FrameKind.RESET:
                if header.target > 1:
                    raise FrameRefused(f"RESET: line {header.target}, only 0 and 1 exist")
                chip.reset(header.target)
        return None

    def _answer_i2c(self, header: Header, body: bytes) -> bytes:
        if not header.read_bytes:
            return b"\0" if self.chip.i2c_write(header.target, body) else b"\x01"
        data = self.chip.i2c_read(header.target, header.read_bytes)
        return b"\0" + data if data is not None else b"\x01" + bytes(header.read_bytes)


class _Stream:
    """Exact reads from a socket, buffered, so that a whole frame costs one system call."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._buffer = b""

    @property
    def left_over(self) -> int:
        """The number of bytes that an unfinished header has so far."""
        return len(self._buffer)

    def take(self, count: int) -> bytes | None:
        """Return exactly ``count`` bytes, None when the stream ended before."""
        buffer = self._buffer
        while len(buffer) < count:
            chunk = self._end.recv(READ_CHUNK_BYTES)
            if not chunk:
                self._buffer = buffer
                return None
            buffer = buffer + chunk if buffer else chunk
        self._buffer = buffer[count:]
        return buffer[:count]


def _unlink_stale(path: Path) -> None:
    """Remove a socket that nobody serves any more; a live one is left and ``bind`` will say so."""
    if not path.is_socket():
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)

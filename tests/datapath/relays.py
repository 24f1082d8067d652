"""Relays between a gateway and its server that lose, delay, throttle, swallow or refuse, as told."""

import asyncio
import contextlib
from dataclasses import dataclass
from random import Random


@dataclass
class Weather:
    """What a relay does to what passes."""

    cut: bool = False
    """Nothing passes and nobody is told."""
    loss: float = 0.0
    delay_s: float = 0.0
    rate_bytes_per_s: float | None = None


class UdpRelay(asyncio.DatagramProtocol):
    """One gateway, one server; ``refuse`` closes the port, so that the network says so."""

    def __init__(self, server_port: int, *, host: str = "127.0.0.1", seed: int = 1) -> None:
        self.weather = Weather()
        self.port = 0
        self._host = host
        self._server_port = server_port
        self._random = Random(seed)
        self._gateway: tuple[str, int] | None = None
        self._free_at = 0.0

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        relay = self

        class Upstream(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                relay._pass(data, back=True)

        self._up, _ = await loop.create_datagram_endpoint(
            Upstream, remote_addr=("127.0.0.1", self._server_port)
        )
        self._down, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(self._host, self.port))
        self.port = int(self._down.get_extra_info("sockname")[1])
        return self.port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._gateway = addr
        self._pass(data, back=False)

    def _pass(self, data: bytes, *, back: bool) -> None:
        weather = self.weather
        if weather.cut or self._random.random() < weather.loss:
            return
        loop = asyncio.get_running_loop()
        wait_s = weather.delay_s
        if weather.rate_bytes_per_s:
            self._free_at = max(self._free_at, loop.time()) + len(data) / weather.rate_bytes_per_s
            wait_s += self._free_at - loop.time()
        loop.call_later(wait_s, self._send, data, back)

    def _send(self, data: bytes, back: bool) -> None:
        if not back:
            self._up.sendto(data)
        elif self._gateway is not None and not self._down.is_closing():
            self._down.sendto(data, self._gateway)

    async def refuse(self) -> None:
        self.close()

    def close(self) -> None:
        self._up.close()
        self._down.close()


class TcpRelay:
    """Passes a byte stream on; ``cut`` swallows, ``drop`` closes what is open, ``refuse`` listens no more."""

    def __init__(self, server_port: int, *, host: str = "127.0.0.1") -> None:
        self.weather = Weather()
        self.port = 0
        self._host = host
        self._server_port = server_port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> int:
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self.port

    async def refuse(self) -> None:
        assert self._server is not None
        self._server.close()
        self.drop()

    def drop(self) -> None:
        for writer in list(self._writers):
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather.cut:
            writer.close()
            return
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers |= {writer, far_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass on in order, each chunk as late as the weather was when it came."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        passing = asyncio.create_task(self._pass(chunks, writer))
        try:
            while data := await reader.read(4096):
                chunks.put_nowait((loop.time() + self.weather.delay_s, data))
            chunks.put_nowait((loop.time() + self.weather.delay_s, b""))
            await passing
        finally:
            passing.cancel()
            writer.close()

    async def _pass(self, chunks: "asyncio.Queue[tuple[float, bytes]]", writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, data = await chunks.get()
            while self.weather.cut:
                await asyncio.sleep(0.05)
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                return
            writer.write(data)
            await writer.drain()

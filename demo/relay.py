"""A backhaul that can be cut: every gateway reaches LNS and broker through relays of its own.

Cut means a black hole, as a dead 4G link is: nothing is refused, nothing comes back, sockets stay open.
Limits: ``CLIENTS_LIMIT`` UDP clients a relay (the oldest is forgotten), ``CHUNK_BYTES`` in flight a direction
of a TCP connection.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeAlias, cast

CLIENTS_LIMIT = 64
CHUNK_BYTES = 65_536
HELD_CHECK_S = 0.2
"""A held TCP direction looks this often whether the link is back."""

Address = tuple[str, int]


class Link:
    """One gateway's backhaul; ``cut`` is read by every relay that hangs on it."""

    def __init__(self) -> None:
        self.cut = False
        self.bytes_up = 0
        self.bytes_down = 0
        self.dropped_datagrams = 0


class _Upstream(asyncio.DatagramProtocol):
    """The relay's own socket towards the server, one for each client of the relay."""

    def __init__(self, link: Link, answer: Callable[[bytes], None]) -> None:
        self._link = link
        self._answer = answer

    def datagram_received(self, data: bytes, addr: Address) -> None:  # noqa: ARG002
        if self._link.cut:
            self._link.dropped_datagrams += 1
            return
        self._link.bytes_down += len(data)
        self._answer(data)


class UdpRelay(asyncio.DatagramProtocol):
    """Carries datagrams of any number of clients to one server and back."""

    def __init__(self, link: Link, server: Address) -> None:
        self._link = link
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None
        self._upstreams: dict[Address, asyncio.DatagramTransport] = {}
        self._opening: dict[Address, asyncio.Task[None]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self._link.cut:
            self._link.dropped_datagrams += 1
            return
        self._link.bytes_up += len(data)
        upstream = self._upstreams.get(addr)
        if upstream is not None:
            upstream.sendto(data)
        else:
            earlier = self._opening.get(addr)
            self._opening[addr] = asyncio.ensure_future(self._open(addr, data, earlier))

    async def _open(self, client: Address, first: bytes, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await earlier
        if client not in self._upstreams:
            if len(self._upstreams) >= CLIENTS_LIMIT:
                self._upstreams.pop(next(iter(self._upstreams))).close()
            loop = asyncio.get_running_loop()
            upstream, _ = await loop.create_datagram_endpoint(
                lambda: _Upstream(self._link, lambda data: self._answer(client, data)),
                remote_addr=self._server,
            )
            self._upstreams[client] = upstream
        self._opening.pop(client, None)
        self._upstreams[client].sendto(first)

    def _answer(self, client: Address, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, client)

    def close(self) -> None:
        """Close every socket of this relay."""
        for upstream in self._upstreams.values():
            upstream.close()
        if self._transport is not None:
            self._transport.close()


async def open_udp_relay(link: Link, server: Address) -> tuple[UdpRelay, int]:
    """Return a relay and the loopback port on which it listens."""
    loop = asyncio.get_running_loop()
    transport, relay = await loop.create_datagram_endpoint(
        lambda: UdpRelay(link, server), local_addr=("127.0.0.1", 0)
    )
    return relay, int(transport.get_extra_info("sockname")[1])


class TcpRelay:
    """Carries TCP connections to one server and back; while the link is cut, bytes stand still."""

    def __init__(self, link: Link, server: Address) -> None:
        self._link = link
        self._server = server

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either end closes it."""
        upstream: asyncio.StreamWriter | None = None
        try:
            await self._until_whole()
            far_reader, upstream = await asyncio.open_connection(*self._server)
            await self._both_ways((reader, upstream), (far_reader, writer))
        except OSError:
            pass  # the server is away; the client sees a closed connection
        except asyncio.CancelledError:
            pass  # the demo ends; Python 3.11 prints a traceback for a stream's task that ends cancelled
        finally:
            for end in (writer, upstream):
                if end is not None:
                    with suppress(OSError, RuntimeError):
                        end.close()

    async def _both_ways(self, up: "_Way", down: "_Way") -> None:
        ways = {asyncio.ensure_future(self._up(*up)), asyncio.ensure_future(self._down(*down))}
        _, open_ones = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in open_ones:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._pass_on(chunk, writer)
            self._link.bytes_up += len(chunk)

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK_BYTES):
            await self._pass_on(chunk, writer)
            self._link.bytes_down += len(chunk)

    async def _pass_on(self, chunk: bytes, writer: asyncio.StreamWriter) -> None:
        await self._until_whole()
        writer.write(chunk)
        await writer.drain()

    async def _until_whole(self) -> None:
        while self._link.cut:
            await asyncio.sleep(HELD_CHECK_S)


_Way: TypeAlias = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def open_tcp_relay(link: Link, server: Address) -> tuple[asyncio.Server, int]:
    """Return a listening TCP relay and its loopback port."""
    relay = TcpRelay(link, server)
    listener = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    return listener, int(listener.sockets[0].getsockname()[1])

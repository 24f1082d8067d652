"""A link that is whole carries both ways; a link that is cut is a black hole; mended, TCP goes on."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from demo.relay import CLIENTS_LIMIT, Link, open_tcp_relay, open_udp_relay

pytestmark = pytest.mark.slow
LIMIT_S = 60


class Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(data.upper(), addr)


class Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.answers.put_nowait(data)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), LIMIT_S))


def test_datagrams_pass_while_whole_and_vanish_while_cut() -> None:
    async def story() -> None:
        loop, link = asyncio.get_running_loop(), Link()
        server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        relay, port = await open_udp_relay(link, server.get_extra_info("sockname"))
        ends = [
            await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port)) for _ in range(2)
        ]
        for number, (transport, client) in enumerate(ends):
            transport.sendto(b"hello %d" % number)
            transport.sendto(b"again %d" % number)
            assert [await client.answers.get() for _ in range(2)] == [
                b"HELLO %d" % number,
                b"AGAIN %d" % number,
            ]
        link.cut = True
        ends[0][0].sendto(b"lost")
        while not link.dropped_datagrams:
            await asyncio.sleep(0)
        link.cut = False
        ends[0][0].sendto(b"back")
        assert await ends[0][1].answers.get() == b"BACK"
        assert link.bytes_up == link.bytes_down == 4 * 7 + 4
        relay.close()
        server.close()

    run(story)


def test_one_client_too_many_pushes_out_the_oldest() -> None:
    async def story() -> None:
        loop, link = asyncio.get_running_loop(), Link()
        server, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0))
        relay, port = await open_udp_relay(link, server.get_extra_info("sockname"))
        for number in range(CLIENTS_LIMIT + 1):
            transport, client = await loop.create_datagram_endpoint(Client, remote_addr=("127.0.0.1", port))
            transport.sendto(b"%d" % number)
            assert await client.answers.get() == b"%d" % number
            assert len(relay._upstreams) == min(number + 1, CLIENTS_LIMIT)
        relay.close()
        server.close()

    run(story)


def test_tcp_stands_still_while_cut_and_goes_on() -> None:
    async def story() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while chunk := await reader.read(100):
                writer.write(chunk.upper())
            writer.close()

        link = Link()
        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        listener, port = await open_tcp_relay(link, server.sockets[0].getsockname())
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"one")
        assert await reader.read(100) == b"ONE"
        link.cut = True
        writer.write(b"two")
        answer = asyncio.ensure_future(reader.read(100))
        done, _ = await asyncio.wait({answer}, timeout=0.1)
        assert not done
        link.cut = False
        assert await answer == b"TWO"
        writer.close()
        assert await reader.read(100) == b""
        listener.close()
        server.close()

    run(story)


def test_a_server_that_is_away_closes_the_connection() -> None:
    async def story() -> None:
        gone = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        address = gone.sockets[0].getsockname()
        gone.close()
        await gone.wait_closed()
        listener, port = await open_tcp_relay(Link(), address)
        reader, _ = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read(1) == b""
        listener.close()

    run(story)

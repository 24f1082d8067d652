"""Connections end by themselves, on a real server: half-open ones, slow heads, clients that do not read."""

import asyncio
import contextlib
import socket

import pytest
import uvicorn

from demo.ports import free_port
from fleet.web.connections import BoundedConnection

LARGE_BYTES = 32 * 1024 * 1024
GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


class Hasty(BoundedConnection):
    """The same limits, short."""

    head_wait_s = 0.1
    reader_wait_s = 0.1
    waiting_limit = 3


async def application(scope, receive, send):
    body = bytes(int(scope["path"][1:]))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


@contextlib.asynccontextmanager
async def served():
    port = free_port()
    config = uvicorn.Config(
        application, port=port, http=Hasty, lifespan="off", log_config=None, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield port, server.server_state.connections
    finally:
        server.should_exit = True
        await task


async def spoken(port, words):
    """Connect and speak before the server looks: no wait of its begins while this process is held up."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(words)
    return await asyncio.open_connection(sock=client)


async def ended(reader):
    """Return what came until the connection ended."""
    found = b""
    with contextlib.suppress(ConnectionError):
        while part := await reader.read(65536):
            found += part
    return found


@pytest.mark.parametrize(
    "begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: "], ids=["half-open", "line", "head"]
)
def test_a_connection_without_a_whole_head_ends(begun):
    async def story():
        async with served() as (port, connections):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            assert await ended(reader) == b""
            assert not connections
            writer.close()

    asyncio.run(story())


def test_a_second_head_that_stops_ends_it_too():
    async def story():
        async with served() as (port, _):
            reader, writer = await spoken(port, GET % 3 + b"GET /")
            assert (await ended(reader)).startswith(b"HTTP/1.1 200")
            writer.close()

    asyncio.run(story())


def test_a_client_that_does_not_read_is_let_go():
    async def story():
        async with served() as (port, connections):
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(GET % LARGE_BYTES)
            while not connections:
                await asyncio.sleep(0.01)
            while connections:
                await asyncio.sleep(0.01)
            client.close()

    asyncio.run(story())


def test_the_one_that_waits_longest_makes_room_and_others_are_answered():
    async def story():
        async with served() as (port, connections):
            opened = [
                await asyncio.open_connection("127.0.0.1", port) for _ in range(Hasty.waiting_limit + 2)
            ]
            assert await ended(opened[0][0]) == b""
            assert len(connections) <= Hasty.waiting_limit
            reader, writer = await spoken(port, GET % 5)
            assert (await reader.read(15)) == b"HTTP/1.1 200 OK"
            for _, each in [*opened, (reader, writer)]:
                each.close()

    asyncio.run(story())

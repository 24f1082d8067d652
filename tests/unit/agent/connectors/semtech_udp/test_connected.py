"""The socket of a UDP connector: to the first address that there is a way to."""

import asyncio
import socket

import pytest

from agent.connectors.semtech_udp.connector import connected


def test_a_server_gets_a_socket_that_never_waits() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        with asyncio.run(connected("127.0.0.1", server.getsockname()[1])) as made:
            assert made.getpeername() == server.getsockname()
            assert made.getblocking() is False
            with pytest.raises(BlockingIOError):
                made.recv(1)


def test_an_address_without_a_way_is_refused() -> None:
    async def ask() -> None:
        (await connected("255.255.255.255", 1700)).close()

    with pytest.raises(PermissionError):
        asyncio.run(ask())

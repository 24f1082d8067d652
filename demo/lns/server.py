"""The network server on a loopback UDP port: the shell around ``core.Lns``."""

import asyncio
import time
from typing import cast

from demo.lns.core import Lns
from demo.lns.semtech import DATAGRAM_LIMIT_BYTES, DatagramError, PullData, PushData, parse

Address = tuple[str, int]


def _now_us() -> int:
    return time.monotonic_ns() // 1000


class LnsServer(asyncio.DatagramProtocol):
    """Answers every gateway where its last PULL_DATA came from; ``silent`` makes it deaf and dumb."""

    def __init__(self, lns: Lns) -> None:
        self.lns = lns
        self.silent = False
        self.port = 0
        self._transport: asyncio.DatagramTransport | None = None
        self._ways: dict[str, Address] = {}
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.port = int(transport.get_extra_info("sockname")[1])

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if self.silent:
            self.lns.counts["unheard"] += 1
            return
        try:
            message = parse(data[:DATAGRAM_LIMIT_BYTES])
        except DatagramError:
            self.lns.counts["malformed"] += 1
            return
        if isinstance(message, PullData):
            self._ways[message.gateway] = addr
        if isinstance(message, PullData | PushData):
            self._put(message.answer, addr)
        self._send(self.lns.take(message, _now_us()))
        self._arm()

    def close(self) -> None:
        """Stop listening."""
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.close()

    def _put(self, datagram: bytes, addr: Address) -> None:
        assert self._transport is not None
        self._transport.sendto(datagram, addr)

    def _send(self, datagrams: list[tuple[str, bytes]]) -> None:
        for gateway, datagram in datagrams:
            if gateway in self._ways:
                self._put(datagram, self._ways[gateway])
            else:
                self.lns.counts["no_way_down"] += 1

    def _arm(self) -> None:
        due_us = self.lns.next_due_us()
        if due_us is None or self._timer is not None:
            return
        delay_s = max(0.0, (due_us - _now_us()) / 1e6)
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._due)

    def _due(self) -> None:
        self._timer = None
        self._send(self.lns.due(_now_us()))
        self._arm()


async def open_lns(lns: Lns, port: int = 0) -> LnsServer:
    """Return a listening server; ``port`` 0 takes a free one."""
    loop = asyncio.get_running_loop()
    _, server = await loop.create_datagram_endpoint(lambda: LnsServer(lns), local_addr=("127.0.0.1", port))
    return server

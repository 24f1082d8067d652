"""The Semtech UDP connector: a datagram socket around ``UdpSession`` and ``Outlet``.

The socket is connected, so the kernel hands over only what the resolved server sends.  The name is
resolved again whenever the server has been silent for a while.
"""

import asyncio
import contextlib
import ipaddress
import random
import socket
from collections import Counter

from agent.connectors.base import BaseConnector
from agent.connectors.dating import reception_of
from agent.connectors.ports import Host
from agent.connectors.semtech_udp.datagrams import (
    DATAGRAM_LIMIT_BYTES,
    RECEIVE_LIMIT_BYTES,
    DatagramError,
    PullResp,
    tx_ack,
)
from agent.connectors.semtech_udp.rxpk import Statistics, rxpk, stat
from agent.connectors.semtech_udp.session import UdpSession
from agent.connectors.semtech_udp.txpk import TxpkError, malformed_body, parse_txpk, tx_ack_body
from agent.failures import reason_of
from agent.record import Record
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig

RESOLVE_AGAIN_S = 20.0
"""A silent server's name is resolved again this often, ± half."""
REOPEN_S = 1.0
"""A name that cannot be resolved or a socket without a route is tried again after this, ± half."""
SENT, SENT_AGAIN = ("sent", "sent_late", "bad_crc_forwarded"), ("retried", "retried_late")
"""Counters whose difference is how many frames were forwarded, each at its first sending."""
_WRAPPER_BYTES = len(b'{"rxpk":[]}') + 12


class SemtechUdpConnector(BaseConnector):
    """One LNS over Semtech UDP; see ``agent.connectors.ports.Connector``."""

    def __init__(self, config: ConnectorConfig, host: Host, *, stat_s: int) -> None:
        super().__init__(config, host)
        self._stat_us = stat_s * 1_000_000
        self._session = UdpSession(host.eui, first_token=random.getrandbits(16))  # no secret
        self._unusable = asyncio.Event()
        self._warned = ""
        self._socket: socket.socket | None = None
        self._next_stat_us = 0
        self._tally = host.tally()
        self._counts_at_stat: Counter[str] = Counter()

    def _is_up(self, now_us: int) -> bool:
        return self._session.up(now_us)

    def _last_answer_us(self) -> int | None:
        return self._session.last_answer_us

    def counters(self) -> dict[str, int]:
        """Return everything counted."""
        return super().counters() | dict(self._session.counts)

    async def _serve_always(self) -> None:
        """Resolve, connect, serve; again when the server stays silent."""
        try:
            while True:
                await self._connect()
                await self._serve()
        finally:
            self._disconnect()

    async def _serve(self) -> None:
        """Return when the socket is to be opened anew."""
        self._unusable.clear()
        if self._socket is None:
            self._unusable.set()
        silent = False
        while not silent:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_spread(RESOLVE_AGAIN_S)):
                    await self._unusable.wait()
                    await asyncio.sleep(_spread(REOPEN_S))
                    return
            silent = not self._session.answering

    async def _connect(self) -> None:
        self._disconnect()
        try:
            self._socket = await connected(self._config.host, self._config.port)
        except OSError as error:
            self._session.counts["connect_failed"] += 1
            self._reason = reasons.lns.unreachable(host=self._config.host, cause=reason_of(error))
            return
        self._session.counts["connected"] += 1
        asyncio.get_running_loop().add_reader(self._socket, self._readable)
        self._warn(str(self._socket.getpeername()[0]))
        self._pump_once()

    def _warn(self, address: str) -> None:
        """Tell the fleet, once an address, that anybody on the way may read and forge what passes."""
        if unprotected(address) and address != self._warned:
            self._warned = address
            self._session.counts["unprotected"] += 1
            self._host.record(self.name, "UDP_UNPROTECTED", reasons.lns.udp_unprotected(address=address))

    def _disconnect(self) -> None:
        self._wake_in(None)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(RECEIVE_LIMIT_BYTES + 1)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self.failed(error)
        else:
            self.datagram(data)

    def datagram(self, data: bytes) -> None:
        """Act on what the server sent."""
        try:
            taken = self._session.take(data, self._host.clock.monotonic_us())
        except DatagramError as error:
            self._refused("datagram_malformed", error)
            return
        if isinstance(taken, PullResp):
            self._send(tx_ack(taken.token, self._host.eui, self._transmit(taken)))
            return
        self._outlet.acknowledged(taken)
        if self._outlet.delivery.queued or not self._outlet.delivery.reachable:
            self._soon()

    def _transmit(self, asked: PullResp) -> bytes:
        try:
            downlink = parse_txpk(asked.body)
        except TxpkError as error:
            self._refused("txpk_malformed", error)
            return malformed_body()
        self.counts["downlinks_read"] += 1
        verdict = self._attempt([downlink], lambda *_: None)
        assert verdict is not None, "one downlink has a verdict"
        self._session.counts[f"txpk_{verdict.code}"] += 1
        return tx_ack_body(verdict)

    def failed(self, error: OSError) -> None:
        """Learn from the network that nobody listens there, or that there is no way."""
        self._session.refused()
        self._reason = reasons.lns.unreachable(host=self._config.host, cause=reason_of(error))
        if not isinstance(error, ConnectionRefusedError):
            self._unusable.set()
        self._pump_once()

    def _pump(self) -> None:
        """Send what is due and sleep until the next thing is."""
        if self._socket is None:
            return
        now_us = self._host.clock.monotonic_us()
        pull = self._session.pull(now_us, random.random())  # noqa: S311  # no secret
        if pull is not None:
            self._send(pull)
        self._outlet.link(reachable=self._session.answering)
        work = self._outlet.step(now_us, self._session.patience_us())
        if work.live:
            self._push(work.live, now_us)
        for record in work.late:
            self._push((record,), now_us, late=True)
        if self._session.answering and now_us >= self._next_stat_us:
            self._next_stat_us = now_us + self._stat_us
            self._send(self._session.push(b'{"stat":' + self._statistics() + b"}", (), now_us))
        wake_us = min(self._session.wake_at_us(now_us), work.wake_at_us or now_us + self._stat_us)
        self._wake_in((wake_us - now_us) / 1_000_000)

    def _push(self, records: tuple[Record, ...], now_us: int, *, late: bool = False) -> None:
        """Send records in as few datagrams as their size allows."""
        objects: list[bytes] = []
        ids: list[int] = []
        size = _WRAPPER_BYTES
        for record in records:
            text = rxpk(record, reception_of(record, self._host.clock, self._host.boot), late=late)
            if objects and size + len(text) + 1 > DATAGRAM_LIMIT_BYTES:
                self._send(self._session.push(_wrapped(objects), tuple(ids), now_us))
                objects, ids, size = [], [], _WRAPPER_BYTES
            objects.append(text)
            ids.append(record.id)
            size += len(text) + 1
        self._send(self._session.push(_wrapped(objects), tuple(ids), now_us))

    def _send_once(self, record: Record, *, damaged: bool) -> None:
        text = rxpk(record, reception_of(record, self._host.clock, self._host.boot), damaged=damaged)
        self._send(self._session.push(_wrapped([text]), (), self._host.clock.monotonic_us()))

    def _send(self, datagram: bytes) -> None:
        """Send a datagram; what the kernel has no room for is lost, and sent again when no answer comes."""
        if self._socket is None:
            return
        try:
            self._socket.send(datagram)
        except (BlockingIOError, InterruptedError):
            self._session.counts["send_full"] += 1
        except OSError as error:
            self.failed(error)

    def _statistics(self) -> bytes:
        tally, before = self._host.tally(), self._tally
        self._tally = tally
        counts = self._session.counts + self.counts + self._outlet.delivery.counts
        counts, self._counts_at_stat = counts - self._counts_at_stat, counts
        pushed = counts["push_data"]
        return stat(
            Statistics(
                utc_us=self._host.clock.utc_us(),
                rxnb=tally.received - before.received,
                rxok=tally.received_ok - before.received_ok,
                rxfw=sum(counts[sent] for sent in SENT) - sum(counts[again] for again in SENT_AGAIN),
                ackr_percent=min(100.0 * counts["push_ack"] / pushed, 100.0) if pushed else 100.0,
                dwnb=counts["downlinks_read"],
                txnb=tally.transmitted - before.transmitted,
                temperature_c=tally.temperature_c,
                position=tally.position,
            )
        )


async def connected(host: str, port: int) -> socket.socket:
    """Return a socket that speaks with the first address of a server that there is a way to.

    Without asyncio's own transport, which asks for 256 KiB with every datagram that arrives.

    Raises:
        OSError: the name is unknown, or there is no way to any of its addresses.
    """
    loop, refused = asyncio.get_running_loop(), OSError(f"{host} has no address")
    for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM):
        made = socket.socket(family, kind, protocol)
        try:
            made.setblocking(False)
            made.connect(address)
        except OSError as error:
            made.close()
            refused = error
        else:
            return made
    raise refused


def unprotected(address: str) -> bool:
    """Return whether the way to an address leads over the public network.

    >>> [unprotected(address) for address in ("10.8.0.1", "100.64.0.9", "9.9.9.9", "fe80::1%eth0")]
    [False, False, True, False]
    """
    return ipaddress.ip_address(address.partition("%")[0]).is_global


def _spread(seconds: float) -> float:
    return seconds * random.uniform(0.5, 1.5)  # noqa: S311  # no secret


def _wrapped(objects: list[bytes]) -> bytes:
    return b'{"rxpk":[' + b",".join(objects) + b"]}"

"""The MQTT session with the fleet, over mTLS where the configuration says so.

Persistent session under the EUI (what the fleet sends at QoS 1 waits in the broker), last will on
``presence``, heartbeats at QoS 0, everything else at QoS 1; events are kept on disk until PUBACK, journal
records until the fleet itself acknowledges them on ``journal/ack``: a broker may forget.
"""

import asyncio
import contextlib
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from agent.clock import Clock
from agent.failures import reason_of
from agent.identity import Identity
from agent.journal.store import Outbox
from agent.link.rights import Rights
from agent.link.session import Session, SessionLost, SessionRefused, Will
from agent.link.step import Ended, end_of, wait_s
from agent.link.tcp import Line, tcp_info, watch_by_kernel
from agent.link.upload import LinkCounts, Uploader
from agent.wire import reasons, topics
from agent.wire.configuration import FleetConfig
from agent.wire.messages import (
    HEARTBEAT_INTERVAL_S,
    ConfigReported,
    Heartbeat,
    Presence,
    Reply,
    encode,
)
from agent.wire.neighbours import NeighbourDeliveries, decode_neighbours
from agent.wire.reasons import Reason
from agent.wire.topics import topic

KEEPALIVE_S = 60
"""The broker ends a session after one and a half times this; heartbeats every 30 s keep within it."""
PING_EVERY_S = 600
"""Our own question whether the broker's process lives; the line itself is watched by the kernel."""
CONNECT_WAIT_S = 15.0
PUBACK_WAIT_S = 30.0
REPLIES_LIMIT = 64
"""Answers waiting for a session; the oldest goes."""
GOODBYE_WAIT_S = 2.0
NOT_ALLOWED_CODES = frozenset({134, 135})
"""Bad user name or password, not authorised (MQTT 5 §3.2.2.2; paho translates those of 3.1.1)."""


class Link:
    """One gateway's session; ``run`` keeps it up until it is cancelled."""

    def __init__(
        self,
        *,
        identity: Identity,
        boot: int,
        fleet: FleetConfig,
        outbox: Outbox,
        clock: Clock,
        desired: Callable[[bytes], Awaitable[None]],
        command: Callable[[str, bytes], Awaitable[None]],
        neighbours: Callable[[NeighbourDeliveries], None],
        reported: Callable[[], ConfigReported],
    ) -> None:
        self.counts = LinkCounts()
        self.online = False
        self.heartbeat_s = HEARTBEAT_INTERVAL_S
        """As the configuration says; decides whether MQTT's own pings are needed."""
        self.saving = False
        """The month's bytes are used up: events wait on disk."""
        self._unacknowledged = False
        self.lost_since_us: int | None = None
        """Monotonic instant since which the line fails; None while it works or a server refuses."""
        self.reason: Reason | None = reasons.link.not_connected_yet()
        self._identity = identity
        self._eui = identity.eui
        self._boot = boot
        self._fleet = fleet
        self._outbox = outbox
        self._clock = clock
        self._desired = desired
        self._command = command
        self._neighbours = neighbours
        self._reported = reported
        self._client: Session | None = None
        self.rights = Rights(self._topic(topics.PRESENCE))
        self._moved = asyncio.Event()
        self._report_due = asyncio.Event()
        self._replies: list[Reply] = []

    @property
    def host(self) -> str:
        """Return the broker's host and port, for people."""
        return f"{self._fleet.host}:{self._fleet.port}"

    async def heartbeat(self, beat: Heartbeat) -> None:
        """Send a heartbeat if there is a session; else it is a gap that the journal fills."""
        if self._client is None or not self.online:
            self.counts.heartbeats_missed += 1
            return
        self._unacknowledged = self._waits_for_acknowledgement()
        try:
            await self._client.publish(self._topic(topics.HEALTH), encode(beat), qos=0, wait_s=CONNECT_WAIT_S)
            self.counts.heartbeats_sent += 1
        except SessionLost:
            self.counts.heartbeats_missed += 1

    def report(self) -> None:
        """Send ``config/reported`` again, as soon as there is a session."""
        self._report_due.set()

    def reply(self, reply: Reply) -> None:
        """Answer a command, as soon as there is a session."""
        self._replies.append(reply)
        if len(self._replies) > REPLIES_LIMIT:
            del self._replies[0]
            self.counts.replies_dropped += 1
        self._report_due.set()

    def reconnect(self) -> None:
        """End the session and begin another, such as with a new certificate."""
        self._moved.set()

    def move(self, fleet: FleetConfig) -> None:
        """Use another broker from here on; the session is changed only if it differs."""
        if fleet != self._fleet:
            self._fleet = fleet
            self._moved.set()

    async def run(self) -> None:
        """Keep a session up until cancelled."""
        tries = 0
        while True:
            self._moved.clear()
            ended, self.reason, worked = await self._serve_session()
            self.online, self._client = False, None
            self._note_line(ended)
            if self._moved.is_set():
                tries = 0
                continue
            tries = 1 if worked else tries + 1
            wait = wait_s(ended, tries=tries, jitter=random.random())  # noqa: S311
            try:
                async with asyncio.timeout(wait):
                    await self._moved.wait()
            except TimeoutError:
                pass

    def _note_line(self, ended: Ended) -> None:
        if ended is not Ended.LINE_LOST:
            self.lost_since_us = None
        elif self.lost_since_us is None:
            self.lost_since_us = self._clock.monotonic_us()

    async def _serve_session(self) -> tuple[Ended, Reason, bool]:
        """Return why the session ended and whether it had been up."""
        self.online = False
        sessions = self.counts.sessions
        ended = Ended.LINE_LOST, reasons.link.closed()
        try:
            async with asyncio.TaskGroup() as tasks:
                moved = tasks.create_task(self._until_moved())
                await self._session(tasks)
                moved.cancel()
        except* _Moved:
            ended = Ended.LINE_LOST, reasons.link.moved()
        except* (SessionLost, SessionRefused, OSError) as group:
            ended = self._ended(_first(group))
        worked = self.counts.sessions > sessions
        return end_of(ended[0], worked=worked, unacknowledged=self._unacknowledged), ended[1], worked

    async def _session(self, tasks: asyncio.TaskGroup) -> None:
        async with self._opened() as client:
            self._client = client
            self._watch_line(client)
            await self._greet(client)
            self.online, self.reason, self.lost_since_us = True, None, None
            self._unacknowledged = False
            self.counts.sessions += 1
            uploader = Uploader(self._outbox, partial(self._publish, client), self.counts)
            work = [
                tasks.create_task(uploader.run(lambda: self.saving)),
                tasks.create_task(self._tell(client)),
                tasks.create_task(self.rights.watch(client)),
            ]
            try:
                await self._listen(client, uploader)
            except asyncio.CancelledError:
                await self._say_goodbye(client)
                raise
            finally:
                self.online = False
                for task in work:
                    task.cancel()

    @staticmethod
    def _ended(error: BaseException) -> tuple[Ended, Reason]:
        if isinstance(error, SessionRefused) and error.code in NOT_ALLOWED_CODES:
            return Ended.NOT_ALLOWED, error.why
        why = reason_of(error)
        if why == reasons.system.certificate_revoked():
            return Ended.NOT_ALLOWED, why
        refused = isinstance(error, SessionRefused | ConnectionRefusedError)
        return Ended.REFUSED if refused else Ended.LINE_LOST, why

    async def _until_moved(self) -> None:
        await self._moved.wait()
        raise _Moved

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[Session]:
        context = None
        if self._fleet.tls:
            context = ssl.create_default_context(cafile=str(self._identity.ca_path))
            context.load_cert_chain(str(self._identity.certificate_path))
        will = Will(topic=self._topic(topics.PRESENCE), payload=encode(Presence(False, self._boot)))
        client = Session(client_id=self._eui, keepalive_s=KEEPALIVE_S, will=will, context=context)
        try:
            await client.open(self._fleet.host, self._fleet.port, wait_s=CONNECT_WAIT_S)
            yield client
        finally:
            await client.close()

    async def _greet(self, client: Session) -> None:
        self.rights.session_begins()
        await client.subscribe([self._topic(leaf) for leaf in topics.GATEWAY_READS], wait_s=CONNECT_WAIT_S)
        presence = Presence(True, self._boot, self._clock.utc_us())
        await self._publish(client, topics.PRESENCE, encode(presence), retain=True)
        await self._publish(client, topics.CONFIG_REPORTED, encode(self._reported()), retain=True)

    @property
    def line(self) -> Line | None:
        """The session's socket."""
        return None if self._client is None else self._client.line

    def rtt_ms(self) -> int | None:
        """Return the kernel's smoothed round trip to the broker, or None without a session."""
        line = self.line
        try:
            return None if line is None or not self.online else tcp_info(line).rtt_us // 1000
        except (OSError, ValueError):
            return None

    def _waits_for_acknowledgement(self) -> bool:
        """Whether what was sent before this heartbeat, an interval ago, is still on its way."""
        line = self.line
        try:
            return line is not None and tcp_info(line).unacked_segments > 0
        except (OSError, ValueError):
            return True

    def _watch_line(self, client: Session) -> None:
        """Let the kernel find a dead line, and ping seldom; a longer heartbeat keeps MQTT's own pings."""
        line = self.line
        if line is not None:
            watch_by_kernel(line)
        if self.heartbeat_s * 2 <= KEEPALIVE_S:
            client.look_every_s = PING_EVERY_S

    async def _say_goodbye(self, client: Session) -> None:
        """An orderly end sends no last will, so presence is taken back by hand."""
        goodbye = encode(Presence(False, self._boot, self._clock.utc_us()))
        with contextlib.suppress(SessionLost):
            await client.publish(
                self._topic(topics.PRESENCE), goodbye, qos=1, retain=True, wait_s=GOODBYE_WAIT_S
            )

    async def _publish(self, client: Session, leaf: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1 and return after PUBACK."""
        await client.publish(self._topic(leaf), payload, qos=1, retain=retain, wait_s=PUBACK_WAIT_S)

    async def _listen(self, client: Session, uploader: Uploader) -> None:
        async for message in client.messages():
            try:
                _, leaf = topics.split(message.topic)
            except ValueError:
                self.counts.unknown_topics += 1
                continue
            if leaf == topics.PRESENCE:
                self.rights.presence_read()
            elif leaf == topics.CONFIG_DESIRED:
                await self._desired(message.payload)
            elif leaf == topics.JOURNAL_ACK:
                self.counts.take(uploader.acknowledged, message.payload)
            elif leaf == topics.NEIGHBOURS:
                self.counts.take(lambda word: self._neighbours(decode_neighbours(word)), message.payload)
            elif leaf.startswith(f"{topics.COMMAND}/"):
                await self._command(leaf.split("/", 1)[1], message.payload)
            else:
                self.counts.unknown_topics += 1

    async def _tell(self, client: Session) -> None:
        while True:
            await self._report_due.wait()
            self._report_due.clear()
            await self._publish(client, topics.CONFIG_REPORTED, encode(self._reported()), retain=True)
            while self._replies:
                reply = self._replies[0]
                await self._publish(client, f"{topics.REPLY}/{reply.command_id}", encode(reply))
                del self._replies[0]

    def _topic(self, leaf: str) -> str:
        return topic(self._eui, leaf)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return one plain exception of a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class _Moved(Exception):
    """The configuration names another broker."""

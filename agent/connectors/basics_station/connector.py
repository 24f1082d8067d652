"""The Basics Station connector: frames are proved by pong, downlinks reported by dntxed."""

import asyncio
import contextlib
import random
from urllib.parse import urlsplit

from agent.connectors.backoff import Backoff, wait_us
from agent.connectors.base import BaseConnector
from agent.connectors.basics_station.cups_keeper import CupsKeeper, own_uri
from agent.connectors.basics_station.downlinks import (
    DownlinkError,
    Wanted,
    parse_dnframe,
    parse_dnmsg,
    parse_dnsched,
)
from agent.connectors.basics_station.server import (
    REFUSED,
    MessageError,
    MsgType,
    RouterConfig,
    RouterError,
    message_type,
    parse_error,
    parse_router_config,
    server_plan,
    version,
)
from agent.connectors.basics_station.server_time import ServerTime
from agent.connectors.basics_station.transport import ServerRefused, StationLine
from agent.connectors.basics_station.uplinks import NoDataRate, NoFrame, message_of, transmitted, uplink
from agent.connectors.basics_station.websocket import ClientConnection, ConnectionClosed
from agent.connectors.dating import reception_of
from agent.connectors.dial import look_for_a_way
from agent.connectors.liveness import GIVE_UP_AFTER_US, Liveness
from agent.connectors.ports import Host, Outcome
from agent.downlink.model import Code, DownlinkVerdict
from agent.failures import reason_of
from agent.record import Record
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig

TICK_S = 1.0
DATA_RATE_UNKNOWN = "data_rate_unknown"
NO_FRAME = "no_frame"
"""Bytes that are no LoRaWAN frame: the protocol has no message for them."""


class BasicsStationConnector(BaseConnector):
    """One LNS over WebSocket; see ``agent.connectors.ports.Connector``."""

    def __init__(self, config: ConnectorConfig, host: Host) -> None:
        super().__init__(config, host)
        self._liveness = Liveness()
        self._cups = CupsKeeper(config, host, self.counts, self._new_credentials)
        self._line: StationLine | None = None
        self._router: RouterConfig | None = None
        self._lost = asyncio.Event()
        self._moved = asyncio.Event()
        self._opened_us = 0
        self._time = ServerTime(host, self.counts, self._refused)

    def _is_up(self, now_us: int) -> bool:
        return self._liveness.up(now_us)

    def _last_answer_us(self) -> int | None:
        return self._liveness.last_answer_us

    async def _serve_always(self) -> None:
        """Discover, connect and serve, again and again; ask CUPS beside it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._cups.run())
            tasks.create_task(self._connect_always())

    def _new_credentials(self) -> None:
        """Connect again at once, with what CUPS handed out."""
        self._moved.set()
        self._lost.set()

    async def _connect_always(self) -> None:
        backoff = Backoff()
        while True:
            started_us = self._host.clock.monotonic_us()
            refused = await self._session()
            lasted_us = self._host.clock.monotonic_us() - started_us
            uniform = random.random()  # noqa: S311  # no secret
            backoff, delay_us = wait_us(backoff, refused=refused, lasted_us=lasted_us, uniform=uniform)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_us / 1_000_000):
                    await self._moved.wait()
            self._moved.clear()

    async def _session(self) -> bool:
        """Serve one connection; return whether the server refused or closed it."""
        base = self._cups.uri or own_uri(self._config)
        try:
            line = StationLine(self._config, self._cups.credentials, proved=self._proved, asked=self._asked)
            uri = await line.discover(base, self._host.eui)
            socket = await line.open(uri)
        except (ServerRefused, ConnectionRefusedError) as error:
            self._fail("refused", base, error)
            return True
        except (OSError, TimeoutError) as error:
            self._fail("connect_failed", base, error)
            return False
        try:
            return await self._serve(line, socket)
        finally:
            self._line = self._router = None
            self._liveness.closed()
            self._pump_once()
            if self._lost.is_set():
                socket.transport.abort()
            await asyncio.shield(socket.close())

    def _fail(self, counter: str, uri: str, error: Exception) -> None:
        self.counts[counter] += 1
        self._cups.lns(reached=False)
        self._reason = reasons.lns.unreachable(host=urlsplit(uri).hostname or uri, cause=reason_of(error))

    async def _serve(self, line: StationLine, socket: ClientConnection) -> bool:
        self._lost.clear()
        self._line = line
        self._opened_us = self._host.clock.monotonic_us()
        self._time.connected()
        line.send(version())
        tasks = {
            asyncio.create_task(line.write(socket)),
            asyncio.create_task(self._read(socket)),
            asyncio.create_task(self._lost.wait()),
            asyncio.create_task(self._look_for_a_way(*line.peer)),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception) and not isinstance(result, ConnectionClosed):
                raise result
        silent = reasons.lns.moved_by_cups() if self._moved.is_set() else reasons.lns.no_answer()
        self._reason = silent if self._lost.is_set() else reasons.lns.server_closed()
        return not self._lost.is_set()

    def _doubtful(self) -> bool:
        return self._liveness.doubtful(self._host.clock.monotonic_us())

    async def _look_for_a_way(self, host: str, port: int) -> None:
        await look_for_a_way(host, port, self._doubtful)
        self.counts["back_after_a_cut"] += 1
        self._lost.set()

    async def _read(self, socket: ClientConnection) -> None:
        async for message in socket:
            self.message(message)

    def message(self, message: str | bytes) -> None:
        """Act on what the server sent."""
        if isinstance(message, bytes):
            self.counts["binary_refused"] += 1
            return
        try:
            self._obey(message.encode(errors="replace"))
        except (MessageError, DownlinkError, RouterError) as error:
            self._refused("message_malformed", error)

    def _obey(self, message: bytes) -> None:
        kind, mux_time_s = message_type(message)
        self.counts[f"message_{kind}"] += 1
        now_us = self._host.clock.monotonic_us()
        if mux_time_s is not None and kind is not MsgType.GETXTIME:
            self._time.mux_received(mux_time_s, now_us)
        match kind:
            case MsgType.ROUTER_CONFIG:
                self._router = parse_router_config(message)
                self._compare_plan(message)
                self._cups.lns(reached=True)
                self._liveness.opened(now_us)
                self._pump_once()
            case MsgType.DNMSG | MsgType.DNFRAME | MsgType.DNSCHED:
                self._obey_downlink(kind, message)
            case MsgType.TIMESYNC:
                self._time.answer_received(message, now_us)
            case MsgType.GETXTIME if self._line is not None:
                self._line.send(self._time.xtime_answer(mux_time_s, now_us))
            case MsgType.ERROR:
                self._refused("server_error", MessageError(parse_error(message)))
            case _ if kind in REFUSED:
                self.counts["command_refused"] += 1
            case _:
                pass

    def _obey_downlink(self, kind: MsgType, message: bytes) -> None:
        router, session = self._router, self._host.session()
        if router is None:
            self.counts["downlink_before_router_config"] += 1
        elif kind is MsgType.DNSCHED:
            for downlink in parse_dnsched(message, router, session):
                self._submit(downlink)
        else:
            parse = parse_dnmsg if kind is MsgType.DNMSG else parse_dnframe
            self._transmit(parse(message, router, session))

    def _compare_plan(self, message: bytes) -> None:
        try:
            plan = server_plan(message)
        except RouterError as error:
            self._refused("radio_plan_malformed", error)
            return
        if plan is not None:
            self._host.radio_plan(self.name, plan)

    def _transmit(self, wanted: Wanted) -> None:
        def done(codes: list[Code], verdict: DownlinkVerdict | None, outcome: Outcome | None) -> None:
            self.counts[f"downlink_{codes[-1]}"] += 1
            if outcome is None or verdict is None or self._line is None:
                return
            index = len(codes) - 1
            report = transmitted(
                diid=wanted.diid,
                dev_eui=wanted.dev_eui,
                rate=wanted.rates[index],
                frequency_hz=wanted.alternatives[index].frequency_hz,
                counter_us=outcome.start_us,
                session=self._host.session(),
                utc_us=self._host.clock.utc_us(),
                gps_us=wanted.gps_us(index),
            )
            self._line.send(report)

        self._attempt(wanted.alternatives, done)

    def _proved(self, ids: list[int]) -> None:
        self._liveness.answered(self._host.clock.monotonic_us())
        self._outlet.acknowledged(ids)
        self._soon()

    def _asked(self) -> None:
        self._liveness.asked(self._host.clock.monotonic_us())

    def _pump(self) -> None:
        """Send what is due and sleep until the next thing is."""
        now_us = self._host.clock.monotonic_us()
        self._outlet.link(reachable=self._router is not None and self._liveness.reachable(now_us))
        work = self._outlet.step(now_us, None)
        for record in work.live:
            self._send(record, late=False)
        for record in work.late:
            self._send(record, late=True)
        if self._line is not None and self._router is not None:
            if self._liveness.probe_due(now_us):
                self._line.probe()
            question = self._time.question(now_us)
            if question is not None:
                self._line.send(question)
        nothing_yet = self._line is not None and self._router is None
        if self._liveness.lost(now_us) or (nothing_yet and now_us - self._opened_us >= GIVE_UP_AFTER_US):
            self._lost.set()
        wake_s = TICK_S if work.wake_at_us is None else min((work.wake_at_us - now_us) / 1_000_000, TICK_S)
        self._wake_in(wake_s)

    def frame_received(self, record: Record) -> bool:
        """Take in a frame; False when a filter keeps it away, or when the protocol has no message for it."""
        try:
            message_of(record.payload, non_lorawan=self._config.forward_non_lorawan)
        except NoFrame:
            self.counts[NO_FRAME] += 1
            return False
        return super().frame_received(record)

    def _send_once(self, record: Record, *, damaged: bool) -> None:
        """Send a frame that nothing keeps; the protocol has no mark for a damaged one."""
        if self._line is not None and self._router is not None and not damaged:
            try:
                self._line.send(self._text(record, self._router, late=False))
            except (NoDataRate, NoFrame) as error:
                self._refused("not_sendable", error)

    def _text(self, record: Record, router: RouterConfig, *, late: bool) -> str:
        reception = reception_of(record, self._host.clock, self._host.boot)
        ref_time_s = self._time.ref_time_s(self._host.clock.monotonic_us())
        any_bytes = self._config.forward_non_lorawan
        return uplink(record, reception, router, ref_time_s, late=late, non_lorawan=any_bytes)

    def _send(self, record: Record, *, late: bool) -> None:
        if self._line is None or self._router is None:
            return
        try:
            text = self._text(record, self._router, late=late)
        except NoDataRate:
            self._outlet.give_up(record.id, DATA_RATE_UNKNOWN)
            return
        except NoFrame:
            self._outlet.give_up(record.id, NO_FRAME)
            return
        self._line.send(text, record.id)

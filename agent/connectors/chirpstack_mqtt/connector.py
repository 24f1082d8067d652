"""The ChirpStack v4 MQTT connector: QoS 1; a frame is settled by the PUBACK that names no failure.

The broker's reason codes say whether a server is there (``verdict.py``).  For that ChirpStack keeps its
default session, which ends with its connection: a persistent one takes frames for a server that is away.
"""

import asyncio
import random

from agent import RELEASE
from agent.connectors.attempts import CHIRPSTACK_WAIT_LIMIT_US
from agent.connectors.backoff import Backoff, wait_us
from agent.connectors.base import BaseConnector
from agent.connectors.chirpstack_mqtt import events
from agent.connectors.chirpstack_mqtt.commands import CommandError, parse_downlink, read_exec_id
from agent.connectors.chirpstack_mqtt.configuration import parse_configuration
from agent.connectors.chirpstack_mqtt.statistics import RadioCounts, StatisticsWindow
from agent.connectors.chirpstack_mqtt.transport import (
    Acknowledged,
    Arrived,
    BrokerRefused,
    Connected,
    MqttEvent,
    MqttLine,
    Subscribed,
)
from agent.connectors.chirpstack_mqtt.verdict import FAILURE, NO_SUBSCRIBER, ServerVerdict, Topic
from agent.connectors.dating import reception_of
from agent.connectors.dial import look_for_a_way
from agent.connectors.liveness import Liveness
from agent.connectors.ports import Host, Tally
from agent.downlink.model import Code
from agent.failures import reason_of
from agent.record import Record
from agent.wire import reasons
from agent.wire.configuration import ConnectorConfig

TICK_S = 1.0
VERSION = f"passerelle {RELEASE}"


class ChirpstackMqttConnector(BaseConnector):
    """One LNS behind a broker; see ``agent.connectors.ports.Connector``."""

    def __init__(self, config: ConnectorConfig, host: Host, *, stat_s: int) -> None:
        super().__init__(config, host)
        self._stat_us = stat_s * 1_000_000
        prefix = f"{config.region_prefix}/" if config.region_prefix else ""
        self._topic = f"{prefix}gateway/{host.eui}"
        self._liveness = Liveness()
        self._verdict = ServerVerdict()
        self._statistics = StatisticsWindow(_counts(host.tally()))
        self._line: MqttLine | None = None
        self._ended = asyncio.Event()
        self._refused_by_server = False
        self._flying: dict[int, tuple[Topic, int | None]] = {}
        """What waits for its PUBACK: its topic, and the frame's id."""
        self._next_stat_us = 0
        self._config_version = ""

    def _is_up(self, now_us: int) -> bool:
        return self._verdict.up(now_us)

    def _last_answer_us(self) -> int | None:
        return self._verdict.taken_at_us

    def frame_received(self, record: Record) -> bool:
        """Take in a frame; False when the filter keeps it away."""
        self._statistics.frame_received(record)
        return super().frame_received(record)

    async def _serve_always(self) -> None:
        """Connect and serve, again and again."""
        backoff = Backoff()
        while True:
            started_us = self._host.clock.monotonic_us()
            await self._session()
            lasted_us = self._host.clock.monotonic_us() - started_us
            uniform = random.random()  # noqa: S311  # no secret
            backoff, delay_us = wait_us(
                backoff, refused=self._refused_by_server, lasted_us=lasted_us, uniform=uniform
            )
            await asyncio.sleep(delay_us / 1_000_000)

    async def _session(self) -> None:
        self._ended.clear()
        self._refused_by_server = False
        will = (f"{self._topic}/state/conn", events.connection(self._host.eui, online=False))
        try:
            line = self._line = MqttLine(
                self._config, client_id=f"{self._host.eui}-{self.name}", will=will, event=self._on_event
            )
            await line.open()
        except (OSError, TimeoutError) as error:
            self.counts["connect_failed"] += 1
            self._reason = reasons.lns.unreachable(host=self._config.host, cause=reason_of(error))
            self._refused_by_server = isinstance(error, ConnectionRefusedError)
            self._line = None
            return
        looking = asyncio.create_task(self._look_for_a_way())
        try:
            await self._ended.wait()
        finally:
            looking.cancel()
            self._line = None
            self._liveness.closed()
            self._pump_once()
            self._flying.clear()
            self._statistics.closed()
            line.publish(*will, retain=True)
            await asyncio.shield(line.close())

    def _doubtful(self) -> bool:
        return self._liveness.doubtful(self._host.clock.monotonic_us())

    async def _look_for_a_way(self) -> None:
        await look_for_a_way(self._config.host, self._config.port, self._doubtful)
        self.counts["back_after_a_cut"] += 1
        self._ended.set()

    def _on_event(self, event: MqttEvent) -> None:
        now_us = self._host.clock.monotonic_us()
        match event:
            case Connected() if self._line is not None:
                self.counts["connected"] += 1
                self._liveness.opened(now_us)
                self._verdict.opened()
                self._subscribe()
                self._publish_state()
                self._pump_once()
            case BrokerRefused(reason=reason, by_server=by_server) if self._line is not None:
                self.counts["disconnected"] += 1
                self._reason, self._refused_by_server = reason, by_server
                self._ended.set()
            case Acknowledged(mid=mid, code=code, detail=detail):
                self._liveness.answered(now_us)
                self._settle(mid, code, detail, now_us)
            case Subscribed(code=code, detail=detail):
                self._judge(Topic.COMMANDS, code, detail, now_us)
            case Arrived(topic=topic, payload=payload):
                self.message(topic, payload)
            case _:
                pass

    def _settle(self, mid: int, code: int, detail: str, now_us: int) -> None:
        topic, record_id = self._flying.pop(mid, (Topic.ACK, None))
        taken = code < FAILURE and code != NO_SUBSCRIBER
        self._statistics.answered(mid, taken=taken)
        if taken and record_id is not None:
            self._outlet.acknowledged([record_id])
        self._judge(topic, code, detail, now_us)

    def _judge(self, topic: Topic, code: int, detail: str, now_us: int) -> None:
        """Let the broker's word decide whether the server is there."""
        was_up = self._verdict.up(now_us)
        self._verdict.answered(topic, code, detail, now_us)
        self._reason = self._verdict.reason or self._reason
        if code >= FAILURE:
            self.counts[f"refused_{code:#04x}"] += 1
        elif code == NO_SUBSCRIBER and topic is not Topic.CONN:
            self.counts["no_subscriber"] += 1
        if self._verdict.up(now_us) is not was_up:
            self._host.link_changed(self.name)
        self._soon()

    def _pump(self) -> None:
        """Send what is due and sleep until the next thing is."""
        now_us = self._host.clock.monotonic_us()
        self._outlet.link(reachable=self._liveness.reachable(now_us) and self._verdict.sends(now_us))
        work = self._outlet.step(now_us, None)
        for record in work.live:
            self._send(record, now_us, late=False)
        for record in work.late:
            self._send(record, now_us, late=True)
        if self._liveness.lost(now_us):
            self._reason = reasons.lns.no_answer()
            self._ended.set()
        if self._liveness.connected and (now_us >= self._next_stat_us or self._verdict.probe_due(now_us)):
            self._probe(now_us)
        wake_s = TICK_S if work.wake_at_us is None else min((work.wake_at_us - now_us) / 1_000_000, TICK_S)
        self._wake_in(wake_s)

    def _send(self, record: Record, now_us: int, *, late: bool) -> None:
        reception = reception_of(record, self._host.clock, self._host.boot)
        body = events.uplink(record, reception, self._host.eui, late=late)
        self._publish(Topic.UP, body, now_us, record_id=record.id)

    def _send_once(self, record: Record, *, damaged: bool) -> None:
        reception = reception_of(record, self._host.clock, self._host.boot)
        body = events.uplink(record, reception, self._host.eui, damaged=damaged)
        self._publish(Topic.UP, body, self._host.clock.monotonic_us())

    def _subscribe(self) -> None:
        if self._line is not None:
            self._line.subscribe(f"{self._topic}/{Topic.COMMANDS}")

    def _publish_state(self) -> None:
        now_us = self._host.clock.monotonic_us()
        self._publish(Topic.CONN, events.connection(self._host.eui, online=True), now_us, retain=True)

    def _probe(self, now_us: int) -> None:
        """Send statistics: their PUBACK says whether a server is subscribed; ask again what was refused."""
        self._next_stat_us = now_us + self._stat_us
        self._verdict.probed(now_us)
        tally = self._host.tally()
        report = self._statistics.report(
            _counts(tally),
            tally.position,
            utc_us=self._host.clock.utc_us(),
            config_version=self._config_version,
            loads=tally.loads,
        )
        body = events.stats(report, self._host.eui, version=VERSION)
        mid = self._publish(Topic.STATS, body, now_us)
        if mid is not None:
            self._statistics.left(mid, _counts(tally))
        if self._verdict.refused(Topic.CONN):
            self._publish_state()
        if self._verdict.refused(Topic.COMMANDS):
            self._subscribe()

    def _publish(
        self,
        topic: Topic,
        payload: bytes,
        now_us: int,
        *,
        retain: bool = False,
        record_id: int | None = None,
    ) -> int | None:
        mid = (
            None
            if self._line is None
            else self._line.publish(f"{self._topic}/{topic}", payload, retain=retain)
        )
        if mid is not None:
            self._flying[mid] = (topic, record_id)
            self._liveness.asked(now_us)
        return mid

    def message(self, topic: str, payload: bytes) -> None:
        """Act on what the server sent; a topic that is none of ours is counted."""
        command = topic.removeprefix(f"{self._topic}/command/")
        if command == topic:
            self.counts["topic_unknown"] += 1
            return
        self._obey(command, payload)

    def _obey(self, command: str, payload: bytes) -> None:
        self.counts[f"command_{command}" if command in {"down", "exec", "config"} else "command_unknown"] += 1
        try:
            if command == "down":
                self._transmit(payload)
            elif command == "exec":
                refusal = events.exec_refused(read_exec_id(payload), self._host.eui)
                self._publish(Topic.EXEC, refusal, self._host.clock.monotonic_us())
            elif command == "config":
                asked = parse_configuration(payload)
                runs = self._host.radio_plan(self.name, asked.plan)
                self._config_version = asked.version if runs else ""
        except CommandError as error:
            self._refused("command_malformed", error)

    def _transmit(self, payload: bytes) -> None:
        asked = parse_downlink(payload)
        if asked.gateway_id and asked.gateway_id != self._host.eui:
            raise CommandError(f"gateway_id: {asked.gateway_id} is not {self._host.eui}")

        self._statistics.asked()

        def done(codes: list[Code], _verdict: object, _outcome: object) -> None:
            statuses = [events.STATUS_OF[code] for code in codes]
            for status in statuses:
                self._statistics.attempted(status.name)
            if codes and codes[-1] is Code.OK:
                sent = asked.items[len(codes) - 1]
                self._statistics.emitted(sent.frequency_hz, sent.modulation)
            statuses += [events.TxAckStatus.IGNORED] * (len(asked.items) - len(statuses))
            body = events.tx_ack(asked.downlink_id, self._host.eui, tuple(statuses))
            self._publish(Topic.ACK, body, self._host.clock.monotonic_us())

        self._attempt(asked.items, done, wait_limit_us=CHIRPSTACK_WAIT_LIMIT_US)


def _counts(tally: Tally) -> RadioCounts:
    return RadioCounts(received=tally.received, received_ok=tally.received_ok)

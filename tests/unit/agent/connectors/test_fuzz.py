"""Damaged input from servers, a bounded number each: refused by name, answered, and nothing changes."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.connectors.basics_station.connector import BasicsStationConnector
from agent.connectors.basics_station.cups import CupsError, parse_answer
from agent.connectors.chirpstack_mqtt.connector import ChirpstackMqttConnector
from agent.connectors.semtech_udp.connector import SemtechUdpConnector
from agent.wire.configuration import ConnectorConfig, CupsConfig
from tests.datapath.certificates import issue
from tests.datapath.cups_server import answer_of
from tests.datapath.fuzzing import (
    DNMSG,
    PLAN,
    SCHEDULE,
    TARGETS,
    TIMESYNC,
    TXPK,
    configuration,
    downlink,
    mutated,
    try_one,
)
from tests.datapath.station import EUI, ROUTER, Gateway
from tests.datapath.virtual import UdpServer

EACH = 1_000
ALIVE_EACH = 200


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_parser_gives_a_value_or_its_own_error(target: str, record_property: Any) -> None:
    random = Random(target)
    refused = sum(try_one(target, random) for _ in range(EACH))
    record_property("fuzzed", EACH)
    assert refused > EACH // 20, "damage that is never noticed tests nothing"


def state(gateway: Gateway) -> object:
    """What no refused input may change: queues, air time, stored frames, channels, credentials."""
    path = gateway.path
    entries = [[entry.ticket for entry in queue.entries] for queue in path._downlinks._queues]
    bands = [path._book.used_us(band) for band in path._downlinks.antenna.plan.bands]
    seen = path.snapshot()
    files = sorted(str(file) for file in path._directory.rglob("cups/*"))
    queued = [one.queued for one in seen.connectors]
    return entries, bands, seen.spool_records, queued, path._plans._plan, files


async def feed(
    gateway: Gateway, refusals: tuple[str, ...], name: str, give: Callable[[Random], None], random: Random
) -> int:
    """Give damaged inputs to a live connector; what it refuses changes no state."""

    def refused() -> int:
        counters = gateway.path.snapshot().counters
        return sum(counters.get(f"{name}.{refusal}", 0) for refusal in refusals)

    first = refused()
    for _ in range(ALIVE_EACH):
        before, count = state(gateway), refused()
        give(random)
        await asyncio.sleep(0)
        if refused() > count:
            assert state(gateway) == before
    return refused() - first


def gateway_of(path: Path, **settings: Any) -> Gateway:
    return Gateway(path, ConnectorConfig(name="lns", contractual=True, **settings))


def live(gateway: Gateway) -> Any:
    return gateway.path._switchboard.roster.connectors["lns"]


def test_datagrams_are_refused_and_a_malformed_txpk_is_answered(tmp_path: Path, record_property: Any) -> None:
    async def run() -> None:
        server = await UdpServer().listen()
        async with gateway_of(tmp_path, host="127.0.0.1", port=server.port) as gateway:
            await gateway.until(lambda: server.gateway and gateway.radio.running)
            connector: SemtechUdpConnector = live(gateway)
            body = json.dumps(TXPK | {"txpk": TXPK["txpk"] | {"freq": 1.0}}).encode()

            def give(random: Random) -> None:
                connector.datagram(mutated(b"\x02\x00\x01\x03" + body, random))

            def txpk(random: Random) -> None:
                connector.datagram(b"\x02\x00\x01\x03" + mutated(body, random))

            random = Random(1)
            assert await feed(gateway, ("datagram_malformed", "txpk_malformed"), "lns", give, random) > 20
            asked = gateway.path.snapshot().counters.get("lns.pull_resp", 0)
            await server.until(lambda: len(server.tx_acks) == asked)
            server.tx_acks.clear()
            await feed(gateway, ("txpk_malformed",), "lns", txpk, random)
            await server.until(lambda: len(server.tx_acks) == ALIVE_EACH)
            answers = [json.loads(answer)["txpk_ack"]["error"] for _, answer in server.tx_acks]
            assert set(answers) <= {"TX_FREQ", "TOO_LATE", "TOO_EARLY", "GPS_UNLOCKED", "TX_POWER"}
            assert len(answers) == ALIVE_EACH, "every malformed txpk has its TX_ACK with an error"
        server.transport.close()

    asyncio.run(run())
    record_property("fuzzed", 2 * ALIVE_EACH)


def test_websocket_text_and_binary_are_refused(tmp_path: Path, record_property: Any) -> None:
    async def run() -> None:
        async with gateway_of(tmp_path, kind="basics_station", host="127.0.0.1", port=9) as gateway:
            await gateway.until(lambda: gateway.radio.running and gateway.path.snapshot().connectors)
            connector: BasicsStationConnector = live(gateway)
            samples = [json.dumps(sample) for sample in (ROUTER, PLAN, DNMSG, SCHEDULE, TIMESYNC)]
            connector.message(samples[0])

            def text(random: Random) -> None:
                content = mutated(random.choice(samples).encode(), random)
                connector.message(content.decode(errors="surrogateescape"))

            def binary(random: Random) -> None:
                connector.message(random.randbytes(random.randrange(64)))

            refusals = ("message_malformed", "binary_refused", "radio_plan_malformed")
            assert await feed(gateway, refusals, "lns", text, Random(2)) > ALIVE_EACH // 2
            assert await feed(gateway, refusals, "lns", binary, Random(3)) == ALIVE_EACH

    asyncio.run(run())
    record_property("fuzzed", 2 * ALIVE_EACH)


def test_topics_and_payloads_of_mqtt_are_refused(tmp_path: Path, record_property: Any) -> None:
    async def run() -> None:
        async with gateway_of(tmp_path, kind="chirpstack_mqtt", host="127.0.0.1", port=9) as gateway:
            await gateway.until(lambda: gateway.radio.running and gateway.path.snapshot().connectors)
            connector: ChirpstackMqttConnector = live(gateway)
            topic = f"eu868/gateway/{EUI}/command/"
            samples = [("down", downlink()), ("config", configuration()), ("exec", b"\x38\x01")]

            def payload(random: Random) -> None:
                leaf, content = random.choice(samples)
                connector.message(topic + leaf, mutated(content, random))

            def topics(random: Random) -> None:
                leaf, content = random.choice(samples)
                wild = mutated((topic + leaf).encode(), random).decode(errors="replace")
                connector.message(wild, content)

            refusals = ("command_malformed", "command_unknown", "topic_unknown")
            assert await feed(gateway, refusals, "lns", payload, Random(4)) > ALIVE_EACH // 10
            assert await feed(gateway, refusals, "lns", topics, Random(5)) > ALIVE_EACH // 2

    asyncio.run(run())
    record_property("fuzzed", 2 * ALIVE_EACH)


def test_answers_of_cups_are_taken_whole_or_not_at_all(tmp_path: Path, record_property: Any) -> None:
    authority = issue(tmp_path, "authority")
    ours = issue(tmp_path, "ours", authority)
    good = answer_of(
        cups_uri="https://cups:443", tc_uri="wss://lns:8887", tc=authority.der + ours.der + ours.key_der
    )

    async def run() -> None:
        cups = CupsConfig(uri="https://cups.example")
        async with gateway_of(
            tmp_path / "state", kind="basics_station", host="127.0.0.1", port=9, cups=cups
        ) as gateway:
            await gateway.until(lambda: gateway.radio.running and gateway.path.snapshot().connectors)
            keeper, random, refused = live(gateway)._cups, Random(6), 0
            for _ in range(ALIVE_EACH):
                before, held = state(gateway), keeper.handed_out
                try:
                    keeper._take(parse_answer(mutated(good, random)))
                except CupsError:
                    refused += 1
                    assert (state(gateway), keeper.handed_out) == (before, held)
            assert refused > ALIVE_EACH // 2
            kept, holds = keeper._store.load(), keeper.handed_out
            assert (kept.tc_uri, kept.cups_uri, kept.tc) == (holds.tc_uri, holds.cups_uri, holds.tc)

    asyncio.run(run())
    record_property("fuzzed", ALIVE_EACH)

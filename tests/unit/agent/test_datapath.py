"""The whole data path on a virtual concentrator and a loopback server."""

import asyncio
import base64
from pathlib import Path

import pytest
from msgspec.structs import replace

from agent.clock import SystemClock
from agent.connectors.ports import Outcome
from agent.datapath import DataPath
from agent.downlink.model import Code, Downlink, Immediate
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConnectorConfig, FilterConfig, FleetConfig
from agent.wire.messages import Change, Radio, TimeQuality
from agent.wire.testframe import FREQUENCIES_HZ, encode_test_frame
from demo.ports import free_port
from hal.errors import LineFailed
from hal.packets import Crc, Lora, TxState
from hal.units import Hz
from tests.datapath.virtual import UdpServer, VirtualConcentrator, data_up, join_request

pytestmark = pytest.mark.anyio
EUI = "0016c001f12a3b4c"


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def configuration(port: int) -> Configuration:
    connector = ConnectorConfig(name="lns", host="127.0.0.1", port=port, contractual=True)
    return Configuration(connectors=(connector,), fleet=FleetConfig(host="127.0.0.1", port=1))


class Running:
    """A data path with its radio, server and observations."""

    def __init__(self, path: Path, port: int) -> None:
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock)
        self.journal = MemoryJournal(self.clock)
        self.path = DataPath(
            concentrator=self.radio,
            configuration=configuration(port),
            eui=EUI,
            state_dir=path,
            clock=self.clock,
            boot=2**63 - 1,
            journal=self.journal,
        )

    async def __aenter__(self) -> "Running":
        self.task = asyncio.create_task(self.path.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_frames_reach_the_server_byte_for_byte_and_leave_the_spool(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(
            lambda: gateway.path.snapshot().connectors and gateway.path.snapshot().connectors[0].up
        )
        payloads = [data_up(fcnt=n) for n in range(20)] + [join_request()]
        for payload in payloads:
            gateway.radio.inject(payload)
        gateway.radio.inject(data_up(), crc=Crc.BAD)
        await server.until(
            lambda: len(server.frames) >= len(payloads) and not gateway.path.snapshot().spool_records
        )
        assert [base64.b64decode(str(frame["data"])) for frame in server.frames] == payloads
        state = gateway.path.snapshot()
        assert (state.received, state.delivered, state.crc_failed, state.dropped) == (21, 21, 1, {})
        assert state.radio is Radio.RECEIVING
        assert gateway.radio.running
    assert not gateway.radio.running
    changes = [(entry.change, entry.value) for entry in gateway.journal.changes()]
    assert (Change.RADIO, "RECEIVING") in changes
    assert (Change.CONNECTOR, "UP") in changes


async def test_frames_heard_while_the_server_is_away_arrive_when_it_is_back(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    server.answering = False
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        for n in range(5):
            gateway.radio.inject(data_up(fcnt=n))
        await server.until(lambda: gateway.path.snapshot().received == 5)
        stored = await gateway.path._spool.read(range(1, 2))
        assert stored is not None
        first_us = stored[0].received_at_us
    # A restart: what was stored is delivered by the next run.
    server.answering = True
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: len(server.frames) >= 1)
        assert gateway.path.snapshot().spool_records >= 4
        assert gateway.path._accounts._spans.from_us == first_us
    server.transport.close()


async def test_frames_with_a_wrong_crc_go_where_they_are_wanted_once_and_are_never_stored(
    tmp_path: Path,
) -> None:
    wants, other = await UdpServer().listen(), await UdpServer().listen()
    async with Running(tmp_path, other.port) as gateway:
        two = (
            ConnectorConfig(name="lns", host="127.0.0.1", port=other.port, contractual=True),
            ConnectorConfig(
                name="wants",
                host="127.0.0.1",
                port=wants.port,
                forward_bad_crc=True,
                filters=FilterConfig(dev_addrs=("26000000/8",)),
            ),
        )
        await gateway.path.reconfigure(
            Configuration(connectors=two, fleet=FleetConfig(host="127.0.0.1", port=1))
        )
        await wants.until(lambda: [one.up for one in gateway.path.snapshot().connectors] == [True, True])
        gateway.radio.inject(data_up(0x26000001), crc=Crc.BAD)
        gateway.radio.inject(data_up(0x48000001), crc=Crc.BAD)
        gateway.radio.inject(data_up(0x26000002), crc=Crc.ABSENT)
        await wants.until(lambda: gateway.path.snapshot().counters.get("wants.bad_crc_filtered"))
        await wants.until(lambda: wants.frames)
        assert [frame["stat"] for frame in wants.frames] == [-1]
        state = gateway.path.snapshot()
        assert (other.frames, state.spool_records, state.delivered, state.received) == ([], 0, 0, 0)
        assert (state.crc_failed, state.counters["wants.bad_crc_forwarded"]) == (2, 1)
    wants.transport.close()
    other.transport.close()


async def test_udp_over_the_public_network_is_told_once_an_address(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.path.snapshot().connectors)
        connector = gateway.path._switchboard.roster.connectors["lns"]
        for address in ("9.9.9.9", "9.9.9.9", "10.0.0.1", "2620:fe::fe"):
            connector._warn(address)  # type: ignore[attr-defined]
        told = gateway.journal.changes()
        whys = [one.reason for one in told if one.value == "UDP_UNPROTECTED"]
        assert whys == [reasons.lns.udp_unprotected(address=one) for one in ("9.9.9.9", "2620:fe::fe")]
    server.transport.close()


async def test_of_two_servers_the_one_of_higher_priority_has_the_instant(tmp_path: Path) -> None:
    low, high = await UdpServer().listen(), await UdpServer().listen()
    async with Running(tmp_path, low.port) as gateway:
        two = (
            ConnectorConfig(name="low", host="127.0.0.1", port=low.port, contractual=True),
            ConnectorConfig(name="high", host="127.0.0.1", port=high.port, priority=1),
        )
        await gateway.path.reconfigure(
            Configuration(connectors=two, fleet=FleetConfig(host="127.0.0.1", port=1))
        )
        await high.until(lambda: low.gateway and high.gateway and gateway.radio.running)
        tmst = (gateway.clock.monotonic_us() + 1_000_000) % 2**32
        txpk: dict[str, object] = {
            "freq": 868.1,
            "modu": "LORA",
            "datr": "SF7BW125",
            "codr": "4/5",
            "powe": 14,
            "tmst": tmst,
        }
        low.downlink(txpk | {"data": "YWxvdw=="}, token=1)
        await low.until(lambda: low.tx_acks)
        high.downlink(txpk | {"data": "YWhpZ2g="}, token=2)
        await high.until(lambda: high.tx_acks)
        low.downlink(txpk | {"data": "YWxvdw=="}, token=3)
        await low.until(lambda: len(low.tx_acks) == 2 and gateway.radio.sent)
        assert high.tx_acks == [(2, b"")]
        assert low.tx_acks == [(1, b""), (3, b'{"txpk_ack":{"error":"COLLISION_PACKET"}}')]
        assert [sent.payload for sent in gateway.radio.sent] == [b"ahigh"]
        assert gateway.path.snapshot().counters["downlink.displaced"] == 1
    low.transport.close()
    high.transport.close()


async def test_a_downlink_is_judged_at_once_and_transmitted(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    txpk: dict[str, object] = {
        "freq": 868.1,
        "modu": "LORA",
        "datr": "SF7BW125",
        "codr": "4/5",
        "powe": 14,
        "data": "YQBi",
    }
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: server.gateway and gateway.radio.running)
        server.downlink(txpk | {"imme": True}, token=1)
        server.downlink(txpk | {"tmst": (gateway.clock.monotonic_us() - 1000) % 2**32}, token=2)
        server.downlink({"freq": "x"}, token=3)
        await server.until(lambda: len(server.tx_acks) == 3 and gateway.radio.sent)
        assert server.tx_acks == [
            (1, b""),
            (2, b'{"txpk_ack":{"error":"TOO_LATE"}}'),
            (3, b'{"txpk_ack":{"error":"TX_FREQ"}}'),
        ]
        assert gateway.radio.sent[0].payload == b"a\x00b"
        await server.until(lambda: gateway.path.snapshot().transmitted == 1)
    server.transport.close()


async def test_a_downlink_that_was_acknowledged_and_did_not_leave_is_counted_and_noted(
    tmp_path: Path,
) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: server.gateway and gateway.radio.running)
        gateway.radio.tx = TxState.BLOCKED
        txpk = {
            "freq": 868.1,
            "modu": "LORA",
            "datr": "SF7BW125",
            "codr": "4/5",
            "data": "YQBi",
            "imme": True,
        }
        server.downlink(txpk, token=1)
        await server.until(lambda: server.tx_acks and gateway.path.snapshot().counters.get("downlink.lost"))
        assert server.tx_acks == [(1, b"")]
        await server.until(lambda: "downlink_lost" in {note.name for note in gateway.journal.notes()})
        (note,) = (note for note in gateway.journal.notes() if note.name == "downlink_lost")
        (name,) = gateway.path.snapshot().connectors
        assert note.fields == {f"{name.name}.LBT": 1}
    server.transport.close()


async def test_a_downlink_on_an_occupied_channel_is_counted_and_noted(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        gateway.radio.tx = TxState.BLOCKED
        outcomes: list[Outcome] = []
        polite = Downlink(
            payload=b"?", modulation=Lora(sf=7), frequency_hz=Hz(868_100_000), timing=Immediate()
        )
        assert gateway.path.submit(polite, outcomes.append).taken
        await server.until(lambda: outcomes and gateway.journal.notes())
        assert (outcomes[0].sent, outcomes[0].code) == (False, Code.LBT)
        (note,) = gateway.journal.notes()
        assert (note.name, note.fields) == ("lbt_blocked", {"868100000": 1})
        state = gateway.path.snapshot()
        assert (state.transmitted, state.counters["downlink.LBT"]) == (0, 1)
        assert state.airtime["M"][0] == 0, "what did not leave is not charged"
    server.transport.close()


async def test_a_new_server_gets_what_waited_for_the_old_one_and_the_radio_goes_on(tmp_path: Path) -> None:
    silent, server = await UdpServer().listen(), await UdpServer().listen()
    silent.answering = False
    async with Running(tmp_path, silent.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        for n in range(3):
            gateway.radio.inject(data_up(0x26000000 + n, n))
        await server.until(lambda: gateway.path.snapshot().received == 3)
        await gateway.path.reconfigure(configuration(server.port))
        gateway.radio.inject(data_up(0x26000009, 9))
        await server.until(lambda: gateway.path.snapshot().delivered == 4)
        assert gateway.radio.started == 1
        assert len(server.frames) == 4
    silent.transport.close()
    server.transport.close()


async def test_two_servers_one_silent_and_a_filter(tmp_path: Path) -> None:
    first, second = await UdpServer().listen(), await UdpServer().listen()
    second.answering = False
    async with Running(tmp_path, first.port) as gateway:
        two = (
            ConnectorConfig(name="lns", host="127.0.0.1", port=first.port, contractual=True),
            ConnectorConfig(
                name="other",
                host="127.0.0.1",
                port=second.port,
                filters=FilterConfig(dev_addrs=("26000000/8",)),
            ),
        )
        await gateway.path.reconfigure(
            Configuration(connectors=two, fleet=FleetConfig(host="127.0.0.1", port=1))
        )
        gateway.radio.inject(data_up(0x26000001, 1))
        gateway.radio.inject(data_up(0x48000001, 2))
        await first.until(lambda: gateway.path.snapshot().delivered == 2)
        await first.until(lambda: gateway.path.snapshot().counters.get("other.filtered") == 1)
        state = gateway.path.snapshot()
        assert [connector.name for connector in state.connectors] == ["lns", "other"]
        assert (state.spool_records, state.dropped) == (1, {})
    first.transport.close()
    second.transport.close()


async def page(port: int) -> str:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /metrics HTTP/1.1\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    return text


async def test_the_rf_picture_is_served_on_loopback_where_the_configuration_says(tmp_path: Path) -> None:
    server, ports = await UdpServer().listen(), (free_port(), free_port())
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        gateway.radio.inject(data_up())
        await server.until(lambda: gateway.path.snapshot().received == 1)
        for port in ports:
            await gateway.path.reconfigure(replace(configuration(server.port), metrics_port=port))
            lines = (await page(port)).splitlines()
            assert lines[0] == "HTTP/1.1 200 OK"
            assert 'passerelle_rf_frames_total{frequency_hz="868100000",sf="7"} 1.0' in lines
        with pytest.raises(ConnectionRefusedError):
            await page(ports[0])
    server.transport.close()


async def test_a_radio_that_cannot_be_started_leaves_the_backlog_draining(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    server.answering = False
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        gateway.radio.inject(data_up())
        await server.until(lambda: gateway.path.snapshot().received == 1)
    server.answering = True
    broken = Running(tmp_path, server.port)
    broken.radio.failure = LineFailed("gone", where="/dev/spidev0.0")
    async with broken:
        await server.until(lambda: broken.path.snapshot().delivered == 1)
        state = broken.path.snapshot()
        assert (state.radio, state.radio_reason) == (
            Radio.OFF,
            reasons.radio.line_failed(detail="/dev/spidev0.0: gone"),
        )
        assert (Change.RECOVERY, "RESTART_RX") in [
            (entry.change, entry.value) for entry in broken.journal.changes()
        ]
    server.transport.close()


async def test_a_connector_that_breaks_is_noted_and_started_again(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.path.snapshot().connectors)
        connector = gateway.path._switchboard.roster.connectors["lns"]
        whole, connector._pump = connector._pump, _broken  # type: ignore[attr-defined]
        gateway.radio.inject(data_up())
        await server.until(gateway.journal.notes)
        connector._pump = whole  # type: ignore[attr-defined]
        noted = gateway.journal.notes()[0]
        assert (noted.name, noted.fields["connector"]) == ("connector_failed", "lns")
        assert gateway.radio.running
    server.transport.close()


def _broken() -> None:
    raise ValueError("a bug")


async def test_a_test_frame_of_one_gateway_is_heard_by_another_within_the_duty_cycle(tmp_path: Path) -> None:
    nonce = "0102030405060708"
    server = await UdpServer().listen()
    async with Running(tmp_path / "x", server.port) as one, Running(tmp_path / "y", server.port) as other:
        await server.until(lambda: one.path.snapshot().radio is Radio.RECEIVING and other.radio.running)
        ended: list[Outcome] = []
        listening = asyncio.create_task(other.path.listen(nonce, 20.0))
        for index, frequency_hz in enumerate(FREQUENCIES_HZ):
            sent = len(one.radio.sent)
            verdict = one.path.submit(
                Downlink(
                    payload=encode_test_frame(nonce, index),
                    modulation=Lora(sf=9),
                    frequency_hz=Hz(frequency_hz),
                    timing=Immediate(),
                    invert_polarity=False,
                    with_crc=True,
                ),
                ended.append,
            )
            assert verdict.taken
            await server.until(lambda sent=sent: len(one.radio.sent) > sent)
            other.radio.inject(one.radio.sent[-1].payload)
        assert [heard.index for heard in await listening] == [0, 1, 2]
        await server.until(lambda: len(ended) == len(FREQUENCIES_HZ))
        assert all(outcome.sent for outcome in ended)
        assert one.path.snapshot().transmitted == len(FREQUENCIES_HZ)
    server.transport.close()

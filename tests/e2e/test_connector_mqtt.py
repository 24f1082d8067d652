"""The ChirpStack connector against Debian's Mosquitto: mTLS, PUBACK, no subscriber, downlinks with RX2."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import pytest
from chirpstack_api.gw import gw_pb2 as gw

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from agent.wire.reasons import Reason
from demo.ports import free_port
from tests.datapath.broker import MOSQUITTO, client_tls, settings
from tests.datapath.certificates import issue
from tests.datapath.virtual import VirtualConcentrator, data_up

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]
EUI = "0016c001f12a3b4c"
UP = f"eu868/gateway/{EUI}/event/up"
OTHER = "0016c00100000099"
RX2_DELAY_US = 3_000_000
"""Long after the answer of this test is back at the gateway, on a busy machine too."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    if not Path(MOSQUITTO).exists():
        pytest.fail(f"{MOSQUITTO} is not installed: make system")
    number = free_port()
    authority = issue(tmp_path, "authority")
    for name in ("server", "lns", EUI, OTHER):
        issue(tmp_path, name, authority)
    broker = subprocess.Popen([MOSQUITTO, "-c", str(settings(tmp_path, number))], stderr=subprocess.DEVNULL)
    yield number
    broker.terminate()
    broker.wait(60)


class Gateway:
    def __init__(
        self,
        path: Path,
        port: int,
        *,
        certificate: str = EUI,
        names: tuple[str, ...] = ("cs",),
        **changes: str,
    ) -> None:
        files = {
            "ca_file": str(path / "authority.pem"),
            "certificate_file": str(path / f"{certificate}.pem"),
            "key_file": str(path / f"{certificate}.key"),
        }
        connectors = tuple(
            ConnectorConfig(
                name=name,
                kind="chirpstack_mqtt",
                host="127.0.0.1",
                port=port,
                contractual=name == names[0],
                tls=True,
                **(files | changes),
            )
            for name in names
        )
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock)
        self.path = DataPath(
            concentrator=self.radio,
            configuration=Configuration(connectors=connectors, fleet=FleetConfig(host="127.0.0.1", port=1)),
            eui=EUI,
            state_dir=path / "state",
            clock=self.clock,
            boot=1,
            journal=MemoryJournal(self.clock),
        )

    async def __aenter__(self) -> "Gateway":
        self.task = asyncio.create_task(self.path.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, condition: object, timeout_s: float = 90.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)

    @property
    def counters(self) -> dict[str, int]:
        return dict(self.path.snapshot().counters)


async def connected(folder: Path, port: int) -> aiomqtt.Client:
    tls = client_tls(folder, "lns")
    for _ in range(1_200):
        try:
            client = aiomqtt.Client("127.0.0.1", port, protocol=aiomqtt.ProtocolVersion.V5, tls_context=tls)
            await client.__aenter__()
        except aiomqtt.MqttError:
            await asyncio.sleep(0.05)
        else:
            return client
    raise AssertionError("the broker does not listen")


async def test_frames_arrive_and_are_settled_by_the_puback(tmp_path: Path, port: int) -> None:
    server = await connected(tmp_path, port)
    await server.subscribe("eu868/gateway/+/event/+", qos=1)
    async with Gateway(tmp_path, port) as gateway:
        await gateway.until(lambda: gateway.counters.get("cs.connected"))
        payloads = [data_up(fcnt=n) for n in range(10)]
        for payload in payloads:
            gateway.radio.inject(payload)
        arrived: list[bytes] = []
        async with asyncio.timeout(90):
            async for message in server.messages:
                if message.topic.value == UP:
                    arrived.append(gw.UplinkFrame.FromString(bytes(message.payload)).phy_payload)
                if len(arrived) == len(payloads):
                    break
        assert arrived == payloads
        await gateway.until(lambda: gateway.path.snapshot().delivered == 10)
        assert gateway.path.snapshot().connectors[0].up
    await server.__aexit__(None, None, None)


def held_and_down(gateway: Gateway, reason: Reason) -> bool:
    state = gateway.path.snapshot()
    down = [(lns.up, lns.reason) for lns in state.connectors]
    return (state.delivered, state.spool_records, down) == (0, 1, [(False, reason)])


async def test_without_a_subscriber_the_server_is_down_and_frames_are_held_until_it_comes(
    tmp_path: Path, port: int
) -> None:
    server = await connected(tmp_path, port)
    async with Gateway(tmp_path, port) as gateway:
        await gateway.until(lambda: gateway.counters.get("cs.no_subscriber"))
        gateway.radio.inject(data_up())
        await gateway.until(lambda: held_and_down(gateway, reasons.lns.no_subscriber()))
        await server.subscribe("$share/chirpstack/eu868/gateway/+/event/+", qos=1)
        await gateway.until(lambda: gateway.path.snapshot().delivered == 1)
        assert gateway.path.snapshot().connectors[0].up
        await server.__aexit__(None, None, None)
        await gateway.until(lambda: not gateway.path.snapshot().connectors[0].up)
        assert gateway.path.snapshot().connectors[0].reason == reasons.lns.no_subscriber()


async def test_a_wrong_region_prefix_is_a_server_that_is_down(tmp_path: Path, port: int) -> None:
    server = await connected(tmp_path, port)
    await server.subscribe("eu868/gateway/+/event/+", qos=1)
    async with Gateway(tmp_path, port, region_prefix="us915") as gateway:
        gateway.radio.inject(data_up())
        await gateway.until(lambda: gateway.counters.get("cs.refused_0x87"))
        gateway.radio.inject(data_up())
        refused = reasons.lns.topic_refused(topic="event/stats", mqtt_code="0x87", detail="Not authorized")
        await gateway.until(lambda: gateway.path.snapshot().connectors[0].reason == refused)
        state = gateway.path.snapshot()
        assert (state.delivered, state.connectors[0].up) == (0, False)
    await server.__aexit__(None, None, None)


async def test_a_certificate_that_came_with_the_configuration_opens_the_broker(
    tmp_path: Path, port: int
) -> None:
    inside = {
        "certificate_file": "",
        "key_file": "",
        "certificate_pem": (tmp_path / f"{EUI}.pem").read_text(),
        "key_pem": (tmp_path / f"{EUI}.key").read_text(),
    }
    async with Gateway(tmp_path, port, **inside) as gateway:
        await gateway.until(lambda: gateway.counters.get("cs.connected"))
    async with Gateway(tmp_path, port, **inside | {"key_pem": "-----BEGIN X-----aa"}) as gateway:

        def named() -> bool:
            return any("certificate_pem" in str(lns.reason) for lns in gateway.path.snapshot().connectors)

        await gateway.until(named)


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"certificate_file": "", "key_file": ""}, "lns.certificate_wanted", "certificate_file"),
        ({"ca_file": "/nowhere/ca.pem"}, "lns.unreachable", "/nowhere/ca.pem"),
        ({"certificate_file": "/nowhere/c.pem"}, "lns.unreachable", "/nowhere/c.pem"),
        ({"token_file": "/nowhere/token"}, "lns.unreachable", "/nowhere/token"),
    ],
)
async def test_a_file_that_is_missing_is_named(
    tmp_path: Path, port: int, changes: dict[str, str], code: str, words: str
) -> None:
    async with Gateway(tmp_path, port, **changes) as gateway:

        def named() -> bool:
            return any(
                lns.reason.code == code and words in str(lns.reason)
                for lns in gateway.path.snapshot().connectors
            )

        await gateway.until(named)


async def test_two_connectors_on_one_broker_leave_each_other_alone(tmp_path: Path, port: int) -> None:
    server = await connected(tmp_path, port)
    await server.subscribe("eu868/gateway/+/event/+", qos=1)
    async with Gateway(tmp_path, port, names=("cs", "second")) as gateway:
        await gateway.until(lambda: len(gateway.path.snapshot().connectors) == 2)
        await gateway.until(lambda: all(lns.up for lns in gateway.path.snapshot().connectors))
        gateway.radio.inject(data_up())
        await gateway.until(lambda: gateway.path.snapshot().delivered == 1)
        counters = gateway.counters
        assert (counters["cs.connected"], counters["second.connected"]) == (1, 1)
        assert "cs.disconnected" not in counters
    await server.__aexit__(None, None, None)


async def test_the_certificate_of_another_gateway_delivers_nothing(tmp_path: Path, port: int) -> None:
    server = await connected(tmp_path, port)
    await server.subscribe("eu868/gateway/+/event/+", qos=1)
    async with Gateway(tmp_path, port, certificate=OTHER) as gateway:
        gateway.radio.inject(data_up())
        refused = reasons.lns.topic_refused(topic="event/stats", mqtt_code="0x87", detail="Not authorized")
        await gateway.until(lambda: held_and_down(gateway, refused))
        assert "cs.sent" not in gateway.counters
    await server.__aexit__(None, None, None)


async def test_rx2_is_tried_when_rx1_is_too_late_and_nonsense_is_counted(tmp_path: Path, port: int) -> None:
    server = await connected(tmp_path, port)
    await server.subscribe(f"eu868/gateway/{EUI}/event/#", qos=1)
    async with Gateway(tmp_path, port) as gateway:
        await gateway.until(lambda: gateway.counters.get("cs.connected"))
        gateway.radio.inject(data_up())
        async with asyncio.timeout(90):
            async for message in server.messages:
                leaf = message.topic.value.rpartition("/")[2]
                if leaf == "up":
                    await server.publish(f"eu868/gateway/{EUI}/command/down", b"\xff\xff", qos=1)
                    await server.publish(f"eu868/gateway/{EUI}/command/reboot", b"", qos=1)
                    uplink = gw.UplinkFrame.FromString(bytes(message.payload))
                    await server.publish(
                        f"eu868/gateway/{EUI}/command/down", answer(uplink).SerializeToString(), qos=1
                    )
                if leaf == "ack":
                    ack = gw.DownlinkTxAck.FromString(bytes(message.payload))
                    break
        assert [item.status for item in ack.items] == [gw.TOO_LATE, gw.OK]
        assert [sent.frequency_hz for sent in gateway.radio.sent] == [869_525_000]
        counters = gateway.counters
        assert (counters["cs.command_malformed"], counters["cs.command_unknown"]) == (1, 1)
    await server.__aexit__(None, None, None)


def answer(uplink: gw.UplinkFrame) -> gw.DownlinkFrame:
    frame = gw.DownlinkFrame(downlink_id=5, gateway_id=EUI)
    for frequency, delay_us in ((868_100_000, 1_000), (869_525_000, RX2_DELAY_US)):
        item = frame.items.add(phy_payload=b"\x60abc")
        item.tx_info.frequency, item.tx_info.power = frequency, 14
        lora = item.tx_info.modulation.lora
        lora.bandwidth, lora.spreading_factor, lora.polarization_inversion = 125_000, 7, True
        item.tx_info.timing.delay.delay.FromMicroseconds(delay_us)
        item.tx_info.context = uplink.rx_info.context
    return frame

"""The Basics Station connector against a WebSocket server with TLS and client certificates."""

import asyncio
import datetime as dt
import json
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.server import Server, ServerConnection, serve

from agent.clock import SystemClock
from agent.datapath import DataPath
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.virtual import VirtualConcentrator, data_up, join_request

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]
EUI = "0016c001f12a3b4c"
ROUTER = {
    "msgtype": "router_config",
    "region": "EU863",
    "DRs": [
        [12, 125, 0],
        [11, 125, 0],
        [10, 125, 0],
        [9, 125, 0],
        [8, 125, 0],
        [7, 125, 0],
        [7, 250, 0],
        [0, 0, 0],
    ],
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def certificate(path: Path) -> tuple[Path, Path]:
    """Write a self-signed certificate for localhost that serves both sides."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem, private = path / "cert.pem", path / "key.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return pem, private


class StationServer:
    """Discovery and traffic on one port; keeps what arrives, answers as told."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self.tls = tls
        self.messages: list[dict[str, object]] = []
        self.tokens: list[str | None] = []
        self.traffic: ServerConnection | None = None

    async def start(self) -> Server:
        server = await serve(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = next(iter(server.sockets)).getsockname()[1]
        return server

    async def _serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.tokens.append(connection.request.headers.get("Authorization"))
        scheme = "wss" if self.tls else "ws"
        async for message in connection:
            if connection.request.path == "/router-info":
                await connection.send(json.dumps({"uri": f"{scheme}://localhost:{self.port}/traffic"}))
                continue
            self.messages.append(json.loads(message))
            if self.messages[-1]["msgtype"] == "version":
                self.traffic = connection
                await connection.send(json.dumps(ROUTER))

    def of(self, msgtype: str) -> list[dict[str, object]]:
        return [message for message in self.messages if message["msgtype"] == msgtype]


class Gateway:
    def __init__(self, path: Path, connector: ConnectorConfig) -> None:
        self.clock = SystemClock(TimeQuality.NTP)
        self.radio = VirtualConcentrator(self.clock)
        configuration = Configuration(connectors=(connector,), fleet=FleetConfig(host="127.0.0.1", port=1))
        self.path = DataPath(
            concentrator=self.radio,
            configuration=configuration,
            eui=EUI,
            state_dir=path,
            clock=self.clock,
            boot=1,
            observe=lambda _: None,
        )

    async def __aenter__(self) -> "Gateway":
        self.task = asyncio.create_task(self.path.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def until(self, condition: object, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                await asyncio.sleep(0.01)


async def test_frames_are_proved_by_pong_and_downlinks_reported_over_mutual_tls(tmp_path: Path) -> None:
    pem, key = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem, key)
    tls.load_verify_locations(pem)
    tls.verify_mode = ssl.CERT_REQUIRED
    token = tmp_path / "token"
    token.write_text("Bearer sesame\n")
    lns = StationServer(tls)
    server = await lns.start()
    connector = ConnectorConfig(
        name="bs",
        kind="basics_station",
        host="localhost",
        port=lns.port,
        contractual=True,
        tls=True,
        ca_file=str(pem),
        certificate_file=str(pem),
        key_file=str(key),
        token_file=str(token),
    )
    async with Gateway(tmp_path / "state", connector) as gateway:
        await gateway.until(
            lambda: gateway.path.snapshot().connectors and gateway.path.snapshot().connectors[0].up
        )
        for n in range(5):
            gateway.radio.inject(data_up(fcnt=n))
        gateway.radio.inject(join_request())
        await gateway.until(lambda: gateway.path.snapshot().delivered == 6)
        assert [message["FCnt"] for message in lns.of("updf")] == [0, 1, 2, 3, 4]
        assert len(lns.of("jreq")) == 1
        assert lns.tokens == ["Bearer sesame"] * 2
        upinfo = lns.of("updf")[-1]["upinfo"]
        downlink = {
            "msgtype": "dnmsg",
            "DevEui": "00-00-00-00-00-00-00-01",
            "dC": 0,
            "diid": 9,
            "pdu": "60aabbcc",
            "RxDelay": 1,
            "RX1DR": 5,
            "RX1Freq": 868_650_000,
            "RX2DR": 0,
            "RX2Freq": 869_525_000,
            "xtime": upinfo["xtime"],
            "rctx": 0,
        }
        assert lns.traffic is not None
        await lns.traffic.send(json.dumps(downlink))
        await lns.traffic.send('{"msgtype":"runcmd","command":"reboot"}')
        await lns.traffic.send(b"\x00shell")
        await lns.traffic.send("nonsense")
        await gateway.until(lambda: lns.of("dntxed"))
        report = lns.of("dntxed")[0]
        assert (report["diid"], report["DR"], report["Freq"]) == (9, 0, 869_525_000)
        counters = gateway.path.snapshot().counters
        assert counters["bs.command_refused"] == 1
        assert counters["bs.binary_refused"] == 1
        assert counters["bs.message_malformed"] == 1
    server.close()
    await server.wait_closed()


async def test_a_server_that_closes_keeps_no_frame_from_the_next_one(tmp_path: Path) -> None:
    lns = StationServer(None)
    server = await lns.start()
    connector = ConnectorConfig(
        name="bs", kind="basics_station", host="localhost", port=lns.port, contractual=True
    )
    async with Gateway(tmp_path / "state", connector) as gateway:
        await gateway.until(
            lambda: gateway.path.snapshot().connectors and gateway.path.snapshot().connectors[0].up
        )
        assert lns.traffic is not None
        await lns.traffic.close()
        gateway.radio.inject(data_up(fcnt=1))
        await gateway.until(lambda: gateway.path.snapshot().received == 1)
    async with Gateway(tmp_path / "state", connector) as gateway:
        await gateway.until(lambda: gateway.path.snapshot().delivered == 1)
    server.close()
    await server.wait_closed()

"""The Basics Station connector against a WebSocket server with TLS and client certificates."""

import json
import ssl
from pathlib import Path

import pytest

from agent.wire.configuration import ConnectorConfig
from tests.datapath.certificates import issue
from tests.datapath.station import Gateway, StationServer
from tests.datapath.virtual import data_up, join_request

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_frames_are_proved_by_pong_and_downlinks_reported_over_mutual_tls(tmp_path: Path) -> None:
    issued = issue(tmp_path, "localhost")
    pem, key = issued.certificate_file, issued.key_file
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

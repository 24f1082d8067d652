"""What a report counts since the last one: frames that this server was sent, downlinks that were read."""

import json
from pathlib import Path

import pytest

from agent.connectors.semtech_udp.connector import SemtechUdpConnector
from agent.wire.configuration import ConnectorConfig, FilterConfig
from hal.packets import Crc
from tests.datapath.station import Gateway
from tests.datapath.virtual import UdpServer, data_up

pytestmark = pytest.mark.anyio
TXPK = {
    "imme": True,
    "freq": 869.525,
    "modu": "LORA",
    "datr": "SF9BW125",
    "codr": "4/5",
    "ipol": True,
    "size": 1,
    "data": "AQ==",
}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def report(connector: SemtechUdpConnector) -> dict[str, int]:
    return json.loads(connector._statistics())


async def test_every_count_is_since_the_last_report(tmp_path: Path) -> None:
    server = await UdpServer().listen()
    config = ConnectorConfig(
        name="lns",
        host="127.0.0.1",
        port=server.port,
        contractual=True,
        forward_bad_crc=True,
        filters=FilterConfig(dev_addrs=("26000000/8",)),
    )
    async with Gateway(tmp_path, config) as gateway:
        await server.until(lambda: any(state.up for state in gateway.path.snapshot().connectors))
        connector = gateway.path._switchboard.roster.connectors["lns"]
        assert isinstance(connector, SemtechUdpConnector)
        report(connector)
        for payload, crc in (
            (data_up(0x26011BDA, 1), Crc.OK),
            (data_up(0x26011BDA, 2), Crc.OK),
            (data_up(0x26011BDA, 3), Crc.BAD),
            (data_up(0x49000000, 1), Crc.OK),
        ):
            gateway.radio.inject(payload, crc=crc)
        await server.until(lambda: len(server.frames) == 3)
        server.downlink(TXPK)
        server.downlink(TXPK | {"freq": "none"})
        await server.until(lambda: len(server.tx_acks) == 2)
        first, second = report(connector), report(connector)
        assert {name: first[name] for name in ("rxnb", "rxok", "rxfw", "dwnb", "ackr")} == {
            "rxnb": 4,
            "rxok": 3,
            "rxfw": 3,
            "dwnb": 1,
            "ackr": 100.0,
        }
        assert [second[name] for name in ("rxnb", "rxok", "rxfw", "dwnb")] == [0] * 4
    server.transport.close()

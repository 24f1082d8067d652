"""Only what changed is applied: on the real data path, over a radio that counts its starts."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from agent.wire.configuration import (
    Configuration,
    ConnectorConfig,
    FleetConfig,
    Intervals,
    Limits,
    RadioConfig,
)
from tests.datapath.virtual import UdpServer
from tests.unit.agent.test_datapath import Running, configuration, data_up

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def changed(before: Configuration, **fields: Any) -> Configuration:
    return msgspec.structs.replace(before, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"intervals": Intervals(stat_s=60)},
        {"intervals": Intervals(heartbeat_s=60, config_trial_s=600)},
        {"limits": Limits(spool_records=1_000, month_bytes=10_000_000)},
        {"fleet": FleetConfig(host="elsewhere", port=8883)},
        {"permit_needed": True},
        {"radio": RadioConfig(antenna_gain_db=6.0, cable_loss_db=1.0)},
    ],
    ids=lambda fields: next(iter(fields)),
)
async def test_neither_radio_nor_connector_begins_again(tmp_path: Path, fields: dict[str, Any]) -> None:
    server = await UdpServer().listen()
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        gateway.radio.inject(data_up(0x26000001, 1))
        await server.until(lambda: gateway.path.snapshot().delivered == 1)
        board = gateway.path._switchboard
        before, task = board.roster.connectors["lns"], board.roster._tasks["lns"]
        await gateway.path.reconfigure(changed(configuration(server.port), **fields))
        assert (board.roster.connectors["lns"], board.roster._tasks["lns"]) == (before, task)
        gateway.radio.inject(data_up(0x26000002, 2))
        await server.until(lambda: gateway.path.snapshot().delivered == 2)
        assert gateway.radio.started == 1
    server.transport.close()


async def test_of_two_connectors_the_one_that_changed_begins_again(tmp_path: Path) -> None:
    first, second = await UdpServer().listen(), await UdpServer().listen()

    def two(priority: int) -> tuple[ConnectorConfig, ...]:
        lns = ConnectorConfig(name="lns", host="127.0.0.1", port=first.port, contractual=True)
        other = ConnectorConfig(name="other", host="127.0.0.1", port=second.port, priority=priority)
        return lns, other

    async with Running(tmp_path, first.port) as gateway:
        await first.until(lambda: gateway.radio.running)
        await gateway.path.reconfigure(changed(configuration(first.port), connectors=two(0)))
        board = gateway.path._switchboard
        before = dict(board.roster.connectors)
        await gateway.path.reconfigure(changed(configuration(first.port), connectors=two(1)))
        assert [board.roster.connectors[name] is before[name] for name in ("lns", "other")] == [True, False]
        assert gateway.radio.started == 1
    first.transport.close()
    second.transport.close()

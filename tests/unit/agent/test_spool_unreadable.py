"""The field's case: a start that cannot open the spool after a kill; what it held is delivered after all."""

import asyncio
from pathlib import Path

import pytest

from agent.spool.disk import SpoolDisk
from agent.spool.files import FILE_NAME
from tests.datapath.virtual import UdpServer, data_up, record
from tests.unit.agent.test_datapath import EUI, Running

pytestmark = pytest.mark.anyio
LEFT = 26


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def restored(gateway: Running) -> int:
    balance = gateway.path.snapshot().balance
    return 0 if balance is None else balance.restored


@pytest.mark.slow
async def test_frames_of_a_spool_that_could_not_be_opened_are_delivered_and_counted(
    tmp_path: Path,
) -> None:
    disk = SpoolDisk(tmp_path / FILE_NAME, owner=EUI)
    disk.commit(
        [(record(n, data_up(0x26000000 + n, n)), 1 << disk.bit_of("lns")) for n in range(1, LEFT + 1)], []
    )
    disk.close()
    (tmp_path / FILE_NAME).rename(tmp_path / "elsewhere")
    (tmp_path / FILE_NAME).mkdir()
    server = await UdpServer().listen()
    server.answering = False
    async with Running(tmp_path, server.port) as gateway:
        await server.until(lambda: gateway.radio.running)
        for number in range(3):
            gateway.radio.inject(data_up(0x27000000, number))
        await server.until(lambda: gateway.path.snapshot().received == 3)
        assert not gateway.path.snapshot().spool_accepting
        (tmp_path / FILE_NAME).rmdir()
        (tmp_path / "elsewhere").rename(tmp_path / FILE_NAME)
        await server.until(lambda: gateway.path.snapshot().spool_accepting, 20)
        # Accepting comes with the load; what waited is handed to the connectors a moment later.
        await server.until(lambda: restored(gateway) > 0)
        balance = gateway.path.snapshot().balance
        assert balance is not None
        assert (balance.restored, balance.received, balance.reserve, balance.off) == (LEFT, 3, LEFT + 3, 0)
        server.answering = True
        await server.until(lambda: gateway.path.snapshot().delivered == LEFT + 3, 30)
        balance = gateway.path.snapshot().balance
        assert balance is not None
        assert (balance.reserve, balance.dropped, balance.off) == (0, {}, 0)
        assert len({frame["data"] for frame in server.frames}) == LEFT + 3
    await asyncio.sleep(0)

"""Outages of every sort on the way to the server: nothing is lost, and the table of it is printed.

Real time, relays on loopback; one day without a server runs in virtual time.
"""

import asyncio
import base64
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from agent.clock import SystemClock
from agent.connectors.rules import DeliveryRules
from agent.datapath import DataPath
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from agent.wire.messages import TimeQuality
from tests.datapath.line import Line
from tests.datapath.relays import UdpRelay, Weather
from tests.datapath.virtual import UdpServer, VirtualConcentrator, data_up

pytestmark = pytest.mark.soak
EUI = "0016c001f12a3b4c"
FRAMES_PER_S = 10
BEFORE_S = 3
SETTLE_LIMIT_S = 150
ADDRESSES = 200


@dataclass
class Row:
    """What came of one outage."""

    name: str
    sent: int
    delivered: int
    late: int
    duplicates: int
    dropped: dict[str, int]
    lost: int
    first_s: float | None


def connector(port: int) -> ConnectorConfig:
    return ConnectorConfig(name="lns", host="127.0.0.1", port=port, contractual=True, drain_frames_per_s=50)


async def outage(path: Path, name: str, weather: Weather, duration_s: float) -> Row:
    """Run one gateway through one outage."""
    server = await UdpServer().listen()
    relay = UdpRelay(server.port)
    clock = SystemClock(TimeQuality.NTP)
    radio = VirtualConcentrator(clock)
    gateway = DataPath(
        concentrator=radio,
        configuration=Configuration(
            connectors=(connector(await relay.start()),), fleet=FleetConfig(host="127.0.0.1", port=1)
        ),
        eui=EUI,
        state_dir=path / name.replace(" ", "-"),
        clock=clock,
        boot=1,
        observe=lambda _: None,
    )
    task = asyncio.create_task(gateway.run())
    sent: list[bytes] = []
    try:
        await hear(radio, sent, BEFORE_S)
        relay.weather = weather
        await hear(radio, sent, duration_s)
        before, back = len(server.frames), time.monotonic()
        relay.weather = Weather()
        if weather.cut:
            await server.until(lambda: len(server.frames) > before, SETTLE_LIMIT_S)
        first_s = time.monotonic() - back
        await hear(radio, sent, BEFORE_S)
        await server.until(lambda: not gateway.snapshot().spool_records, SETTLE_LIMIT_S)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        relay.close()
        server.transport.close()
    arrived = [base64.b64decode(str(frame["data"])) for frame in server.frames]
    state = gateway.snapshot()
    return Row(
        name=name,
        sent=len(sent),
        delivered=len(set(arrived)),
        late=state.counters.get("lns.replayed", 0),
        duplicates=len(arrived) - len(set(arrived)),
        dropped=dict(state.dropped),
        lost=len(set(sent) - set(arrived)),
        first_s=first_s if weather.cut else None,
    )


async def hear(radio: VirtualConcentrator, sent: list[bytes], duration_s: float) -> None:
    for _ in range(int(duration_s * FRAMES_PER_S)):
        payload = data_up(0x26000000 + len(sent) % ADDRESSES, len(sent))
        radio.inject(payload)
        sent.append(payload)
        await asyncio.sleep(1 / FRAMES_PER_S)


def show(rows: list[Row]) -> None:
    table = Table(title="Outages: Semtech UDP, 10 frames/s")
    for column in ("outage", "sent", "delivered", "late", "twice", "dropped", "lost", "first frame after"):
        table.add_column(column)
    for row in rows:
        first = "" if row.first_s is None else f"{row.first_s:.2f} s"
        counts = (row.sent, row.delivered, row.late, row.duplicates, row.dropped or "", row.lost)
        table.add_row(row.name, *map(str, counts), first)
    Console(width=140).print(table)


def test_no_outage_loses_a_frame(tmp_path: Path) -> None:
    async def every() -> list[Row]:
        return await asyncio.gather(
            outage(tmp_path, "black hole 5 s", Weather(cut=True), 5),
            outage(tmp_path, "black hole 30 s", Weather(cut=True), 30),
            outage(tmp_path, "black hole 60 s", Weather(cut=True), 60),
            outage(tmp_path, "30 % loss for 30 s", Weather(loss=0.3), 30),
            outage(tmp_path, "2 s of delay for 30 s", Weather(delay_s=2.0), 30),
            outage(tmp_path, "64 kbit/s for 30 s", Weather(rate_bytes_per_s=8_000), 30),
        )

    rows = asyncio.run(every())
    show(rows)
    assert [row.lost for row in rows] == [0] * len(rows)
    assert all(row.first_s is None or row.first_s < 2 for row in rows)


def test_a_day_without_a_server_in_virtual_time() -> None:
    line = Line(rules=DeliveryRules(drain_frames_per_s=500), step_us=250_000)
    line.notice(reachable=False)
    for second in range(86_400):
        line.hear(data_up(second % 1_000, second % 65_536))
        line.run(1_000_000)
    stored = line.delivery.backlog.count
    line.notice(reachable=True)
    line.step_us = 5_000
    line.run(400 * 1_000_000)
    print(f"24 h at 1 frame/s: stored {stored}, delivered {len(line.done)}, dropped {line.dropped}")
    assert len(line.done) == 86_400
    assert not line.dropped

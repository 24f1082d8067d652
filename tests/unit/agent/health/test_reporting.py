import asyncio
import socket
from pathlib import Path

import msgspec
import pytest

from agent.health.reporting import Reporting
from agent.health.usage import TrafficKind, Usage
from agent.hearing.noise_meter import NoiseMeter
from agent.host.fields import without_unit
from agent.host.kernel_clock import kernel_quality
from agent.host.machine import ServiceNotifier
from agent.identity import Identity
from agent.journal.journal import Journal
from agent.journal.store import EVENT, JOURNAL
from agent.link.mqtt import Link
from agent.status.status import Status, ask_status, serve_status
from agent.wire.configuration import Limits
from agent.wire.messages import Change, ConfigReported, ConfigState, JournalRecord, Noted, TimeQuality
from tests.controlpath.virtual import EUI, VirtualClock, VirtualDataPath, configuration, status


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def journal(tmp_path: Path, clock: VirtualClock) -> Journal:
    return Journal(tmp_path / "journal", boot=5, clock=clock)


@pytest.fixture
def datapath() -> VirtualDataPath:
    return VirtualDataPath(configuration())


@pytest.fixture
def reporting(tmp_path: Path, clock: VirtualClock, journal: Journal, datapath: VirtualDataPath) -> Reporting:
    async def ignore(*_: object) -> None:
        return

    content = configuration()
    link = Link(
        identity=Identity(tmp_path / "identity", eui=EUI),
        boot=5,
        fleet=content.fleet,
        outbox=journal.outbox,
        clock=clock,
        desired=ignore,
        command=ignore,
        neighbours=lambda _: None,
        reported=lambda: ConfigReported(1, "", ConfigState.CONFIRMED, 1, ""),
    )
    return Reporting(
        state=tmp_path,
        clock=clock,
        trust=clock.trust,
        journal=journal,
        link=link,
        snapshot=datapath.snapshot,
        slow_backlog=datapath.slow_backlog,
        running=lambda: (1, content),
        noise_meter=NoiseMeter(datapath.on_radio, datapath.noise_measured),
        more_details=dict,
        more_reasons=dict,
    )


def changes(journal: Journal) -> list[tuple[Change, str]]:
    rows = journal.outbox.oldest(JOURNAL, limit=100, limit_bytes=10**6)
    records = [msgspec.msgpack.decode(body, type=JournalRecord) for _, body in rows]
    return [(record.change, record.value) for record in records]


@pytest.mark.parametrize(
    ("step_us", "recorded"), [(2_000_000, False), (2_000_001, True), (-3_600_000_000, True)]
)
def test_a_step_of_the_clock_is_a_record(
    reporting: Reporting, clock: VirtualClock, journal: Journal, step_us: int, recorded: bool
) -> None:
    clock.advance(30)
    clock.wall_us += step_us
    reporting.look_at_clock(TimeQuality.NTP)
    assert ((Change.CLOCK, "STEPPED") in changes(journal)) is recorded


def test_a_change_of_quality_is_a_record(reporting: Reporting, clock: VirtualClock, journal: Journal) -> None:
    reporting.look_at_clock(TimeQuality.UNTRUSTED)
    assert (Change.CLOCK, "UNTRUSTED") in changes(journal)
    assert clock.quality() is TimeQuality.UNTRUSTED
    reporting.look_at_clock(TimeQuality.UNTRUSTED)
    assert len(changes(journal)) == 2


def test_a_change_of_the_supply_is_a_record(reporting: Reporting, journal: Journal) -> None:
    for word in (None, "GOOD", "GOOD", "UNDER_VOLTAGE", "GOOD"):
        reporting.look_at_power(word)
    assert [value for change, value in changes(journal) if change is Change.POWER] == [
        "GOOD",
        "UNDER_VOLTAGE",
        "GOOD",
    ]


def test_vitals_are_told_by_every_tenth_heartbeat(reporting: Reporting) -> None:
    recorded = [reporting.beat().cpu_percent is not None for _ in range(21)]
    assert [number for number, one in enumerate(recorded, start=1) if one] == [1, 11, 21]


def test_status_is_asked_over_a_socket_however_deep_the_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    assert ask_status(deep) is None
    assert ask_status(tmp_path / "gone") is None
    said: Status = status()

    async def ask() -> Status | None:
        server = asyncio.create_task(serve_status(deep, lambda: said))
        while not (deep / "status.sock").exists():
            await asyncio.sleep(0)
        answer = await asyncio.to_thread(ask_status, deep)
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
        return answer

    assert asyncio.run(ask()) == said
    assert not (deep / "status.sock").exists()


def test_the_kernel_tells_whether_its_clock_is_right() -> None:
    assert kernel_quality() in {TimeQuality.NTP, TimeQuality.UNTRUSTED}


def test_the_service_manager_hears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "90000000")
        manager = ServiceNotifier()
        assert manager.watchdog_s == 90.0
        manager.ready("serving")
        assert line.recv(100) == b"READY=1\nSTATUS=serving"
        manager.working()
        assert line.recv(100) == b"WATCHDOG=1"
        manager.stopping()
        assert line.recv(100) == b"STOPPING=1"


def test_details_are_told_at_the_start_and_at_once_when_a_connector_is_lost(
    reporting: Reporting, datapath: VirtualDataPath, clock: VirtualClock, journal: Journal
) -> None:
    asyncio.run(reporting.look_at_details())
    clock.advance(60)
    datapath.connector_up = False
    asyncio.run(reporting.look_at_details())
    journal.flush()
    rows = journal.outbox.oldest(EVENT, limit=100, limit_bytes=10**6)
    recorded = [msgspec.msgpack.decode(body, type=Noted).fields for _, body in rows]
    assert recorded[0]["because"] == "start"
    assert "lns_lns_up 1 -> 0" in str(recorded[1]["because"])
    assert {"radio", "lns_lns_up", "spool_count", "time_quality", "month_used_mb"} <= recorded[0].keys()
    assert without_unit(recorded[0]) == []


@pytest.mark.parametrize(
    ("share", "stops", "saving", "slow"),
    [
        (0.7999, set(), False, False),
        (0.8, {TrafficKind.BULK}, False, False),
        (0.9, {TrafficKind.BULK, TrafficKind.EVENTS}, True, False),
        (0.9999, {TrafficKind.BULK, TrafficKind.EVENTS}, True, False),
        (1.0, {TrafficKind.BULK, TrafficKind.EVENTS, TrafficKind.BACKLOG}, True, True),
    ],
)
def test_the_month_s_cap_stops_in_order_and_is_told(
    reporting: Reporting,
    datapath: VirtualDataPath,
    journal: Journal,
    share: float,
    stops: set[TrafficKind],
    saving: bool,
    slow: bool,
) -> None:
    cap_bytes = 100_000_000
    content = configuration(limits=Limits(month_bytes=cap_bytes))
    reporting._running = lambda: (1, content)
    reporting.usage = Usage(counter_bytes=0)
    reporting.look_at_bytes(round(cap_bytes * share), keep=False)
    assert reporting.stopped == stops
    assert (reporting._link.saving, datapath.slow) == (saving, slow)
    recorded = [value for change, value in changes(journal) if change is Change.RECOVERY]
    assert recorded == ([reporting.month_fields()["month_level"].upper()] if stops else [])  # type: ignore[union-attr]
    reporting.look_at_bytes(round(cap_bytes * share), keep=False)
    assert len([1 for change, _ in changes(journal) if change is Change.RECOVERY]) == len(recorded)


def test_bytes_are_on_disk_after_each_megabyte(reporting: Reporting, tmp_path: Path) -> None:
    reporting.usage = Usage(counter_bytes=0)
    reporting.look_at_bytes(999_999, keep=False)
    assert not (tmp_path / "usage.json").exists()
    reporting.look_at_bytes(1_000_000, keep=False)
    assert msgspec.json.decode((tmp_path / "usage.json").read_bytes(), type=Usage).used_bytes == 1_000_000

import asyncio
from pathlib import Path

import pytest

from agent.evidence.observation import ConnectorState, DataPathState
from agent.health.expectation import HOUR_US
from agent.supervisor.leaving import Leave
from agent.supervisor.machine import RESTART_CODE, CannotReboot, reboot_machine, restart_process
from agent.supervisor.watch import Supervisor
from agent.wire.messages import Change, Radio, TimeQuality
from tests.controlpath.virtual import VirtualClock

MINUTE_S = 60


class World:
    """What supervision sees and does."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(now_us=0, wall_us=0)
        self.radio, self.radio_since_us = Radio.RECEIVING, 0
        self.received, self.up, self.lost_since_us = 0, True, None
        self.answered_us = 0
        self.records: list[tuple[str, str]] = []
        self.left: list[Leave] = []
        self.restarts: list[str] = []
        self.folder = folder
        self.supervisor = self.make()

    def make(self) -> Supervisor:
        return Supervisor(
            state=self.folder,
            clock=self.clock,
            snapshot=self.snapshot,
            link=self,  # type: ignore[arg-type]
            on_trial=lambda: False,
            restart_radio=self.restarts.append,
            record=self.record,
            leave=self.left.append,
        )

    def record(self, change: Change, subject: str, value: str, reason: str) -> None:
        assert change is Change.RECOVERY
        self.records.append((subject, value))

    def snapshot(self) -> DataPathState:
        lns = ConnectorState(
            name="lns", contractual=True, up=self.up, reason="", last_answer_us=self.answered_us, queued=0
        )
        return DataPathState(
            radio=self.radio,
            radio_reason="",
            radio_since_us=self.radio_since_us,
            connectors=(lns,),
            spool_records=0,
            spool_accepting=True,
            received=self.received,
        )

    def look(self, *, minutes: int = 1, frames_a_minute: int = 0, every: int = 1) -> None:
        async def looks() -> None:
            for _ in range(0, minutes, every):
                self.clock.advance(MINUTE_S * every)
                self.received += frames_a_minute * every
                await self.supervisor.look()

        asyncio.run(looks())


def test_a_radio_that_stays_deaf_restarts_the_process(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.radio = Radio.DEAF
    world.look(minutes=9)
    assert world.left == []
    world.look(minutes=2)
    assert [str(one) for one in world.left] == ["radio DEAF for 10 min"]
    assert world.records == [("restart_process", "STARTED")]


def test_budgets_survive_a_restart(tmp_path: Path) -> None:
    for _ in range(5):
        world = World(tmp_path)
        world.radio = Radio.OFF
        world.look(minutes=11)
    assert world.records == [("restart_process", "SKIPPED")]


def test_the_backhaul_is_lost_only_without_any_answer(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.lost_since_us = 0  # type: ignore[assignment]
    world.look(minutes=10)
    assert world.records == []
    world.up, world.answered_us = False, world.clock.now_us
    world.look(minutes=4)
    assert world.records == []
    world.look(minutes=2)
    assert world.records == [("renew_address", "STARTED"), ("renew_address", "FAILED")]


def test_strange_silence_restarts_the_radio_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=2, every=20)
    assert world.restarts == []
    world.look(minutes=120, every=10)
    assert len(world.restarts) == 1
    assert "no frame for" in world.restarts[0]


def test_without_a_trusted_clock_nothing_is_learned(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look(minutes=180, frames_a_minute=5, every=10)
    assert sum(world.supervisor.past.days) == 0
    world.clock.trusted = TimeQuality.NTP
    world.look(minutes=200, frames_a_minute=5, every=10)
    assert sum(world.supervisor.past.days) == 2
    assert max(world.supervisor.past.means) == 300
    assert world.clock.utc_us() > 6 * HOUR_US


def test_a_reboot_without_means_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("INVOCATION_ID", "BALENA_SUPERVISOR_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(CannotReboot, match="no service manager"):
        reboot_machine()
    monkeypatch.setenv("BALENA_SUPERVISOR_ADDRESS", "http://127.0.0.1:9")
    with pytest.raises(CannotReboot, match="balena"):
        reboot_machine()


def test_under_a_service_manager_the_exit_code_asks_for_the_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    assert restart_process() == RESTART_CODE

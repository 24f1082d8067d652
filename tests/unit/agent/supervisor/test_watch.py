import asyncio
from pathlib import Path

import pytest

from agent.hearing.expectation import HOUR_US
from agent.journal_port import MemoryJournal
from agent.observation import ConnectorState, DataPathState, ReferenceState
from agent.supervisor.leaving import Leave
from agent.supervisor.network_tools import StageImpossible
from agent.supervisor.step import Stage
from agent.supervisor.watch import Supervisor
from agent.wire import reasons
from agent.wire.messages import Change, Radio, TimeQuality
from agent.wire.reasons import Reason
from tests.controlpath.virtual import VirtualClock

MINUTE_S = 60


class Tools:
    """Remembers what it was asked; refuses what it is told to."""

    def __init__(self) -> None:
        self.asked: list[Stage] = []
        self.refuses: set[Stage] = set()

    def carry_out(self, stage: Stage) -> Reason:
        self.asked.append(stage)
        if stage in self.refuses:
            raise StageImpossible(reasons.machine.tool_missing(tool="nmcli"))
        return reasons.recovery.carried_out(commands="nmcli device connect eth0")


class World:
    """What supervision sees and does."""

    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock(now_us=0, wall_us=0)
        self.radio, self.radio_since_us = Radio.RECEIVING, 0
        self.received, self.up, self.lost_since_us = 0, True, None
        self.answered_us = 0
        self.journal = MemoryJournal(self.clock)
        self.left: list[Leave] = []
        self.restarts: list[Reason] = []
        self.backhaul_tools = Tools()
        self.missed: Reason | None = None
        self.noise_dbm: float | None = None
        self.measured_dbm: float | None = None
        self.reference: ReferenceState | None = None
        self.weak_a_minute = self.samples = 0
        self.folder = folder
        self.supervisor = self.make()

    def make(self) -> Supervisor:
        return Supervisor(
            state=self.folder,
            clock=self.clock,
            snapshot=self.snapshot,
            link=self,  # type: ignore[arg-type]
            on_trial=lambda: False,
            backhaul_tools=self.backhaul_tools,
            restart_radio=self.restarts.append,
            test_frames=lambda: self.missed,
            measured_dbm=lambda: self.measured_dbm,
            journal=self.journal,
            leave=self.left.append,
        )

    @property
    def records(self) -> list[tuple[str, str]]:
        changes = self.journal.changes()
        assert {change.change for change in changes} <= {Change.RECOVERY}
        return [(change.subject, change.value) for change in changes]

    def snapshot(self) -> DataPathState:
        lns = ConnectorState(
            name="lns",
            contractual=True,
            up=self.up,
            reason=reasons.lns.answers(),
            last_answer_us=self.answered_us,
            queued=0,
        )
        return DataPathState(
            radio=self.radio,
            radio_reason=reasons.radio.off(),
            radio_since_us=self.radio_since_us,
            connectors=(lns,),
            spool_records=0,
            spool_accepting=True,
            received=self.received,
            reference=self.reference,
            noise_dbm=self.noise_dbm,
            noise_samples=self.samples,
        )

    def recorded(self, ground: str) -> list[object]:
        return [one.fields["state"] for one in self.journal.notes() if one.fields["ground"] == ground]

    def look(self, *, minutes: int = 1, frames_a_minute: int = 0, every: int = 1) -> None:
        async def looks() -> None:
            for _ in range(0, minutes, every):
                self.clock.advance(MINUTE_S * every)
                self.received += frames_a_minute * every
                self.samples += self.weak_a_minute * every
                await self.supervisor.look()

        asyncio.run(looks())


def test_a_radio_that_stays_deaf_restarts_the_process(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.radio = Radio.DEAF
    world.look(minutes=9)
    assert world.left == []
    world.look(minutes=2)
    assert [one.why for one in world.left] == [
        reasons.ending.recovered(cause=reasons.recovery.radio_not_receiving(radio="DEAF", lasting_min=10))
    ]
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
    assert world.records == [("renew_address", "STARTED"), ("renew_address", "DONE")]
    world.backhaul_tools.refuses.add(Stage.RESET_MODEM)
    world.look(minutes=10)
    assert world.records[2:] == [("reset_modem", "STARTED"), ("reset_modem", "FAILED")]
    assert world.backhaul_tools.asked == [Stage.RENEW_ADDRESS, Stage.RESET_MODEM]


def test_strange_silence_restarts_the_radio_once_for_each_silence_that_is_strange_again(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=2, every=20)
    assert world.restarts == []
    world.look(minutes=60, every=10)
    assert len(world.restarts) == 1
    assert world.restarts[0].code == "hearing.silent"
    assert world.recorded("silence") == ["suspected", "over"]
    world.look(minutes=30, every=10)
    assert len(world.restarts) == 2
    assert world.left == []


def test_the_silence_ladder_ends_and_goes_on_after_a_restart_of_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INVOCATION_ID", raising=False)
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=2, every=20)
    world.look(minutes=140, every=10)
    assert [one.why.values["cause"][0].code for one in world.left] == ["hearing.silent"]  # type: ignore[index]
    world.received, world.supervisor = 0, world.make()
    world.look(minutes=12 * 60, every=10)
    assert [subject for subject, _ in world.records] == [
        "restart_radio",
        "restart_radio",
        "restart_process",
        "reboot",
        "reboot",
    ]
    assert world.records[-1] == ("reboot", "FAILED")
    world.look(minutes=10, frames_a_minute=2)
    assert world.supervisor.state.silence_tried == 0


@pytest.mark.parametrize(("frames_a_minute", "restarts"), [(2, 1), (3, 0)])
def test_far_fewer_frames_than_usual_restart_the_radio_once(
    tmp_path: Path, frames_a_minute: int, restarts: int
) -> None:
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=21, every=20)
    world.look(minutes=11 * 60, frames_a_minute=frames_a_minute, every=2)
    assert len(world.restarts) == restarts
    assert all((one.code, one.values["span_h"]) == ("hearing.fewer", 6) for one in world.restarts)


@pytest.mark.parametrize(
    ("floor_dbm", "ground", "restarts"),
    [(-114.0, "noise_fallen", 1), (-113.9, "", 0), (-94.0, "noise_raised", 0), (-94.1, "", 0)],
)
def test_the_noise_floor_is_judged_by_the_own_past(
    tmp_path: Path, floor_dbm: float, ground: str, restarts: int
) -> None:
    world = World(tmp_path)
    world.noise_dbm, world.weak_a_minute = -104.0, 1
    world.look(minutes=4 * 24 * 60, frames_a_minute=2, every=20)
    world.noise_dbm = floor_dbm
    world.look(minutes=120, frames_a_minute=2, every=10)
    assert len(world.restarts) == restarts
    assert [note.fields["ground"] for note in world.journal.notes()] == ([ground] if ground else [])


def test_a_noise_floor_from_few_frames_is_not_believed(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.noise_dbm, world.weak_a_minute = -104.0, 1
    world.look(minutes=4 * 24 * 60, frames_a_minute=2, every=20)
    world.noise_dbm, world.weak_a_minute = -130.0, 0
    world.look(minutes=180, frames_a_minute=2, every=10)
    assert world.journal.notes() == []


def test_a_silent_reference_sensor_restarts_the_radio_once_even_without_trusted_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look(minutes=10)
    world.reference = ReferenceState(
        dev_addr="2600abcd", period_s=60, frames=5, received_at_us=world.clock.now_us
    )
    world.look(minutes=2)
    assert world.restarts == []
    world.look(minutes=30)
    assert len(world.restarts) == 1
    assert world.recorded("reference") == ["suspected"]


def test_missed_test_frames_restart_the_radio_once_also_across_restarts(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.missed = reasons.hearing.test_frames_missed(missed_tests=2, sender="X", heard_tests=2)
    world.look(minutes=60, frames_a_minute=2)
    world.supervisor = world.make()
    world.look(minutes=60, frames_a_minute=2)
    assert world.restarts == [world.missed]
    world.missed = None
    world.look(frames_a_minute=2)
    assert "over" in world.recorded("test_frame")


def test_without_a_trusted_clock_nothing_is_learned(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look(minutes=180, frames_a_minute=5, every=10)
    assert sum(world.supervisor.hearing.learned.frames.days) == 0
    world.clock.trusted = TimeQuality.NTP
    world.look(minutes=200, frames_a_minute=5, every=10)
    assert sum(world.supervisor.hearing.learned.frames.days) == 2
    assert max(world.supervisor.hearing.learned.frames.means) == 300
    assert world.clock.utc_us() > 6 * HOUR_US


def test_suspicions_from_the_own_past_end_with_the_trust_in_the_clock(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=21, every=20)
    world.look(minutes=11 * 60, every=2)
    assert {"silence", "fewer"} & {note.fields["ground"] for note in world.journal.notes()}
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look()
    assert world.supervisor.hearing.grounds() == ()
    assert world.supervisor.facts().silent is None


def test_an_hour_in_which_the_clock_was_not_trusted_is_no_hour_of_the_past(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.look(minutes=60, frames_a_minute=5, every=10)
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look(minutes=10, frames_a_minute=5, every=10)
    world.clock.trusted = TimeQuality.NTP
    world.look(minutes=60, frames_a_minute=5, every=10)
    assert sum(world.supervisor.hearing.learned.frames.days) == 0
    world.look(minutes=60, frames_a_minute=5, every=10)
    assert sum(world.supervisor.hearing.learned.frames.days) == 1


def test_hours_of_before_are_not_joined_to_those_after_a_loss_of_trust(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.look(minutes=4 * 24 * 60, frames_a_minute=21, every=20)
    world.look(minutes=4 * 60, frames_a_minute=2, every=2)
    world.clock.trusted = TimeQuality.UNTRUSTED
    world.look(minutes=2, frames_a_minute=2)
    world.clock.trusted = TimeQuality.NTP
    world.look(minutes=5 * 60, frames_a_minute=2, every=2)
    assert world.recorded("fewer") == []
    world.look(minutes=4 * 60, frames_a_minute=2, every=2)
    assert world.recorded("fewer") == ["suspected"]

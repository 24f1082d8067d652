from pathlib import Path

import pytest

from agent.journal.ending import Ended, ending_of, look_back
from agent.journal.journal import Journal
from agent.journal.store import JOURNAL
from agent.wire import reasons
from agent.wire.messages import PreviousBoot, TimeQuality
from agent.wire.reasons import Reason, written
from fleet.lang.reasons import blames_the_box
from tests.controlpath.virtual import VirtualClock

DIED = PreviousBoot(1, 0, 0, TimeQuality.NTP, False)
STOPPED = PreviousBoot(1, 0, 0, TimeQuality.NTP, True)


@pytest.mark.parametrize(
    ("previous", "ended", "reason"),
    [
        (None, Ended(same_machine_start=True, service="watchdog"), None),
        (STOPPED, Ended(same_machine_start=True, service="success exited 0"), None),
        (DIED, Ended(), None),
        (DIED, Ended(hardware_reset=True), reasons.ending.machine_stood_still()),
        (DIED, Ended(service="watchdog"), None),
        (DIED, Ended(same_machine_start=True), reasons.ending.crashed()),
        (
            DIED,
            Ended(same_machine_start=True, service="signal killed KILL"),
            reasons.ending.crashed_with(result="killed KILL"),
        ),
        (
            DIED,
            Ended(same_machine_start=True, service="watchdog killed ABRT"),
            reasons.ending.agent_stood_still(),
        ),
        (DIED, Ended(same_machine_start=True, service="oom-kill"), reasons.ending.out_of_memory()),
    ],
)
def test_the_end_before_is_named_as_far_as_it_can_be(
    previous: PreviousBoot | None, ended: Ended, reason: Reason | None
) -> None:
    assert ending_of(previous, ended) == reason
    assert reason is None or blames_the_box(written(reason))


def test_two_starts_of_the_agent_on_one_start_of_the_machine(tmp_path: Path) -> None:
    machine, status = tmp_path / "boot_id", tmp_path / "bootstatus"
    machine.write_text("a\n")
    assert look_back(tmp_path, kernel_boot=machine, boot_status=status) == Ended()
    (tmp_path / "ended").write_text("signal killed KILL\n")
    found = look_back(tmp_path, kernel_boot=machine, boot_status=status)
    assert found == Ended(same_machine_start=True, service="signal killed KILL")
    assert not (tmp_path / "ended").exists()
    machine.write_text("b\n")
    status.write_text("32\n")
    assert look_back(tmp_path, kernel_boot=machine, boot_status=status) == Ended(hardware_reset=True)


def test_the_boot_record_carries_it(tmp_path: Path) -> None:
    Journal(tmp_path, boot=1, clock=VirtualClock())
    journal = Journal(tmp_path, boot=2, clock=VirtualClock(), ended=Ended(same_machine_start=True))
    assert b"ending.crashed" in journal.outbox.newest(JOURNAL, 1)[0]

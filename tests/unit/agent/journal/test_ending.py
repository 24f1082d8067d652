from pathlib import Path

import pytest

from agent.journal.ending import Ended, look_back, reason_of
from agent.journal.journal import Journal
from agent.journal.store import JOURNAL
from agent.wire.messages import PreviousBoot, TimeQuality
from fleet.availability.history import BOX_WORDS
from tests.controlpath.virtual import VirtualClock

DIED = PreviousBoot(1, 0, 0, TimeQuality.NTP, False)
STOPPED = PreviousBoot(1, 0, 0, TimeQuality.NTP, True)


@pytest.mark.parametrize(
    ("previous", "ended", "reason"),
    [
        (None, Ended(same_machine_start=True, service="watchdog"), ""),
        (STOPPED, Ended(same_machine_start=True, service="success exited 0"), ""),
        (DIED, Ended(), ""),
        (DIED, Ended(hardware_reset=True), "watchdog: the hardware reset the machine"),
        (DIED, Ended(service="watchdog"), ""),
        (DIED, Ended(same_machine_start=True), "crash of the agent"),
        (
            DIED,
            Ended(same_machine_start=True, service="signal killed KILL"),
            "crash of the agent (killed KILL)",
        ),
        (
            DIED,
            Ended(same_machine_start=True, service="watchdog killed ABRT"),
            "watchdog: the agent stood still",
        ),
        (DIED, Ended(same_machine_start=True, service="oom-kill"), "crash: killed for want of memory"),
    ],
)
def test_the_end_before_is_named_as_far_as_it_can_be(
    previous: PreviousBoot | None, ended: Ended, reason: str
) -> None:
    assert reason_of(previous, ended) == reason
    blames_the_box = any(word in reason.lower() for word in BOX_WORDS)
    assert blames_the_box == bool(reason)


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
    assert b"crash of the agent" in journal.outbox.newest(JOURNAL, 1)[0]

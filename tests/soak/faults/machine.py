"""Process and power: killed, frozen, stopped, started twice."""

import signal
import subprocess
import sys
import time

from agent.wire.messages import Change
from tests.controlpath.rig import Rig
from tests.soak.faults.fault import Fault, any_beat, journal, kill_and_start, signal_for


def stop_and_start(rig: Rig) -> None:
    """SIGTERM, and start again."""
    rig.stop()
    rig.start()


def kill_with_frames_waiting(rig: Rig) -> None:
    """Frames are on disk because the LNS is silent; then the power fails."""
    rig.lns.silent = True
    rig.frames(20)
    time.sleep(1.0)
    kill_and_start(rig)
    rig.lns.silent = False


def kill_again_and_again(rig: Rig) -> None:
    """Five power cuts, each soon after the start."""
    for _ in range(5):
        rig.stop(signal.SIGKILL)
        rig.start()
        time.sleep(1.5)


def second_agent(rig: Rig) -> None:
    """Another agent on the same state folder."""
    command = [sys.executable, "-m", "passerelle", "agent", "run", "--state", str(rig.state)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 3


FAULTS = (
    Fault(name="kill -9", strike=kill_and_start, told=journal(Change.BOOT, words="crashed")),
    Fault(
        name="kill -9, 20 trames en réserve",
        strike=kill_with_frames_waiting,
        told=journal(Change.BOOT),
    ),
    Fault(name="kill -9 cinq fois de suite", strike=kill_again_and_again, told=journal(Change.BOOT)),
    Fault(name="arrêt demandé (SIGTERM)", strike=stop_and_start, told=journal(Change.STOP)),
    Fault(
        name="processus figé 8 s (SIGSTOP)",
        strike=signal_for(signal.SIGSTOP, 8),
        told=any_beat,
        hears_meanwhile=True,
    ),
    Fault(
        name="second agent sur le même dossier",
        strike=second_agent,
        told=any_beat,
        hears_meanwhile=True,
    ),
)

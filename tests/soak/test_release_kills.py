"""A real agent brings a release while the power is cut at random instants, everything at once.

After each cut the machine starts by its launcher and serves; the ledger names only slots that are whole;
in the end a release is brought, tried and kept.
"""

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest

from agent.releases.model import Ledger
from agent.releases.slot import PYTHON
from agent.releases.store import ReleaseStore
from agent.wire.messages import ConfigState
from tests.controlpath.releases import GOOD
from tests.controlpath.rig import Rig
from tests.stories.test_a_release_proves_itself import Fleet

CUTS = 12
LONGEST_LIFE_S = 4.0
"""A fetch with all that follows takes about two seconds here: cuts fall before, into and behind it."""


def cut_power(rig: Rig) -> None:
    """Kill the agent and whatever it started, at once."""
    assert rig.agent is not None
    for process in [*psutil.Process(rig.pid).children(recursive=True), psutil.Process(rig.pid)]:
        os.kill(process.pid, signal.SIGKILL)
    rig.agent.wait()


def check_slots(state: Path) -> Ledger:
    """Return the ledger; what it names has every file, none of them empty by a lost write."""
    ledger = ReleaseStore(state).ledger()
    for filled in ledger.filled:
        site = state / "releases" / filled.slot / "lib" / f"python{PYTHON}" / "site-packages"
        assert (site / "zz.pth").read_text().splitlines()[-1].startswith("import first_")
        assert (state / "releases" / filled.slot / "bin" / "python3").exists()
    return ledger


@pytest.mark.soak
def test_a_release_is_brought_whatever_instant_the_power_fails_at(tmp_path: Path) -> None:
    chance = random.Random(17)
    rig = Rig(tmp_path)
    rig.verb, rig.restart_s = "start", 0.1
    with rig:
        rig.start()
        rig.wait_serving(time.monotonic())
        fleet = Fleet(rig)
        try:
            fleet.releases.add("4-late", GOOD)
            rig.push(rig.content(release=fleet.releases.wanted("4-late", trial_s=600)))
            for _ in range(CUTS):
                time.sleep(chance.uniform(0.1, LONGEST_LIFE_S))
                cut_power(rig)
                check_slots(rig.state)
                rig.wait_serving(time.monotonic())
            last = fleet.give("3-good")
            ledger = check_slots(rig.state)
        finally:
            fleet.close()
    assert (last.state, ledger.good) == (ConfigState.CONFIRMED, "3-good")
    print(
        f"\n{CUTS} coupures pendant qu’une version arrive\u202f: en service après chacune, puis {ledger.good}"
    )

"""The fleet manager's unit is accepted by systemd itself, sandboxed, and outlasts our own watchdog."""

import pytest

from fleet.engine.watchdog import HUNG_AFTER_S, START_LIMIT_S
from fleet.serve import STOP_HARD_S
from tests.systemd_unit import ROOT, SystemdUnit, needs_systemd

UNIT = SystemdUnit(ROOT / "fleet" / "units" / "passerelle-fleet.service")
EXPOSURE_LIMIT = 2.5


def seconds(name: str) -> int:
    (value,) = UNIT.setting(name)
    return int(value)


@needs_systemd
@pytest.mark.slow
def test_systemd_accepts_it(tmp_path):
    assert UNIT.complaints(tmp_path) == ""
    assert UNIT.exposure() <= EXPOSURE_LIMIT


def test_its_patience_is_longer_than_ours():
    assert seconds("WatchdogSec") > HUNG_AFTER_S
    assert seconds("TimeoutStartSec") >= START_LIMIT_S
    assert seconds("TimeoutStopSec") > STOP_HARD_S

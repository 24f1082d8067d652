"""What a whole agent holds in memory at 20 frames/s: after its enrolment, and after the next start."""

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.controlpath.rig import Rig
from tests.unit.agent.test_imports_at_start import NOT_AT_START

pytestmark = pytest.mark.soak
UNIT = Path(__file__).parents[2] / "firmware" / "units" / "passerelle-agent.service"
LIMIT_BYTES = 44_000_000
FRAMES = 300
ONLY_HERE = ("agent.connectors.semtech_udp", "email", "hal.twin", "http", "passerelle", "tests")
"""The connector that is configured, HTTP for its enrolment, the virtual bus, and who started the agent."""


def settings_of_the_allocator() -> dict[str, str]:
    """Return what the shipped unit says of memory; the package brings its modules compiled."""
    lines = [line.removeprefix("Environment=") for line in UNIT.read_text().splitlines()]
    found = dict(line.split("=", 1) for line in lines if line.startswith("MALLOC_"))
    assert found
    return found | {"PYTHONDONTWRITEBYTECODE": ""}


def rss_bytes(rig: Rig) -> int:
    """Return the agent's resident memory after ``FRAMES`` frames that all arrived."""
    rig.wait_receiving()
    rig.wait_serving(time.monotonic())
    rig.frames(FRAMES)
    assert rig.wait_delivered() == 0
    return int(psutil.Process(rig.pid).memory_info().rss)


def test_a_whole_agent_stays_within_its_memory_and_loads_what_it_needs(tmp_path: Path) -> None:
    loaded = tmp_path / "modules.json"
    with Rig(tmp_path) as rig:
        rig.environment |= settings_of_the_allocator()
        rig.launcher = (sys.executable, "-m", "tests.soak.naming_modules", str(loaded))
        rig.start()
        enrolled = rss_bytes(rig)
        assert rig.stop() == 0
        modules = json.loads(loaded.read_text())
        unwanted = [name for name in NOT_AT_START if not name.startswith(ONLY_HERE)]
        assert not [name for name in modules if name.startswith(tuple(f"{each}." for each in unwanted))]
        assert not set(modules) & set(unwanted)
        rig.start()
        again = rss_bytes(rig)
        assert rig.stop() == 0
    print(
        f"\nRSS at 20 frames/s: {enrolled / 1e6:.1f} MB after the enrolment, {again / 1e6:.1f} after a start"
    )
    assert max(enrolled, again) <= LIMIT_BYTES

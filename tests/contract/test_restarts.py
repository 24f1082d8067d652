"""A manager that is killed again and again says so itself; one that was stopped in good order does not."""

import pytest

from fleet.evidence.restarts import LOOP_CRASHES
from tests.contract.fleet_process import FleetProcess, until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture
def fleet(tmp_path):
    found = FleetProcess(tmp_path)
    yield found
    found.end()


def test_a_crash_loop_shows_in_healthz_and_a_clean_restart_is_none(fleet):
    fleet.start_broker()
    for crashes in range(LOOP_CRASHES + 1):
        served = fleet.serve()
        health = until("a cycle", lambda served=served: (found := served.health()).get("cycles") and found)
        assert health["crashes_1h"] == crashes
        assert any("restarts" in reason for reason in health["wrong"]) is (crashes >= LOOP_CRASHES)
        assert health["blind_24h_us"] >= 0
        if crashes < LOOP_CRASHES:
            served.process.kill()
            served.process.wait()
    served.process.terminate()
    served.process.wait()
    served = fleet.serve()
    health = until("a cycle", lambda: (found := served.health()).get("cycles") and found)
    assert health["crashes_1h"] == LOOP_CRASHES

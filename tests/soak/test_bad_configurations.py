"""Random bad configurations against a real agent, killed at a random instant of the trial: it serves on.

The 100 seeds of ``tests/stories/test_no_configuration_bricks_a_gateway.py`` cut the power at a random
write; here the process, the disk, the broker and the radio are real, and the cut is SIGKILL.
"""

import random
import signal
import time
from pathlib import Path

import pytest

from agent.wire.configuration import ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.envelope import Kind
from agent.wire.messages import ConfigState
from tests.controlpath.rig import TRIAL_S, Rig, serving
from tests.controlpath.virtual import SigningFleet, free_port

ROUNDS = 25
ENDED = (ConfigState.ROLLED_BACK, ConfigState.REFUSED)


def bad(rig: Rig, rng: random.Random) -> bytes:
    lns = ConnectorConfig(name="lns", host="127.0.0.1", port=rng.randrange(1024, 65536), contractual=True)
    kinds = (
        lambda: rig.content(fleet=FleetConfig(host="127.0.0.1", port=free_port())),
        lambda: rig.content(connectors=(lns,)),
        lambda: rig.content(radio=RadioConfig(board=f"board-{rng.randrange(10**6)}")),
        lambda: rig.content(fleet=FleetConfig(host="203.0.113.1", port=rng.randrange(1, 65536))),
    )
    version = rig.version + 1
    match rng.randrange(6):
        case 0:
            return SigningFleet().configuration(version, rig.content())
        case 1:
            return rig.fleet.envelope(Kind.CONFIGURATION, version, rng.randbytes(40))
        case _:
            return rig.fleet.configuration(version, rng.choice(kinds)())


@pytest.mark.soak
def test_it_serves_on_with_the_last_good_one(tmp_path: Path) -> None:
    rng = random.Random(2026)
    with Rig(tmp_path) as rig:
        began = time.monotonic()
        rig.start()
        rig.wait_serving(began)
        for _ in range(ROUNDS):
            struck = time.monotonic()
            rig.push(bad(rig, rng))
            if rng.random() < 0.6:
                time.sleep(rng.random() * TRIAL_S)
                rig.stop(signal.SIGKILL)
                rig.start()
            rig.wait(lambda leaf, one: leaf == "config/reported" and one.state in ENDED, since=struck)
            rig.wait(lambda leaf, one: serving(leaf, one) and one.config_version == 1, since=time.monotonic())
            rig.frames(2)
            assert rig.wait_delivered() == 0
        print(f"\n{ROUNDS} configurations mauvaises : version 1 en service, 0 trame perdue")

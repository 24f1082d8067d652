"""Random bad configurations against one real agent, killed at a random instant of each trial.

Run by ``test_bad_configurations.py``, several at a time, as ``python -m tests.soak.bad_configurations SEED
ROUNDS FOLDER``; prints what was sent in each round as JSON once all of them ended in the last good one.
"""

import json
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agent.wire.configuration import ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import ConfigState
from demo.ports import free_port
from tests.controlpath.rig import TRIAL_S, Rig, serving
from tests.controlpath.virtual import SigningFleet

OTHER_EUI = "0016c001f12a3b4d"
ENDED = (ConfigState.ROLLED_BACK, ConfigState.REFUSED)


def kinds(rig: Rig, rng: random.Random) -> dict[str, Callable[[], bytes]]:
    """Return how to make each sort of bad configuration."""
    version = rig.version + 1
    nobody = ConnectorConfig(name="lns", host="127.0.0.1", port=free_port(), contractual=True)
    away = ConnectorConfig(name="lns", host="203.0.113.1", port=rng.randrange(1, 65536), contractual=True)

    def signed(**changes: object) -> bytes:
        return rig.fleet.configuration(version, rig.content(**changes))

    def document(content: bytes) -> bytes:
        return rig.fleet.envelope(EnvelopeKind.CONFIGURATION, version, content)

    return {
        "fleet refuses": lambda: signed(fleet=FleetConfig(host="127.0.0.1", port=free_port())),
        "fleet away": lambda: signed(fleet=FleetConfig(host="203.0.113.1", port=8883)),
        "fleet without TLS": lambda: signed(
            fleet=FleetConfig(host="127.0.0.1", port=rig.broker.port, tls=False)
        ),
        "LNS refuses": lambda: signed(connectors=(nobody,)),
        "LNS away": lambda: signed(connectors=(away,)),
        "no such board": lambda: signed(radio=RadioConfig(board=f"board-{rng.randrange(10**6)}")),
        "all at once": lambda: signed(
            connectors=(away,),
            radio=RadioConfig(board="none"),
            fleet=FleetConfig(host="203.0.113.1", port=rng.randrange(1, 65536)),
        ),
        "unsigned": lambda: SigningFleet().configuration(version, rig.content()),
        "foreign": lambda: rig.fleet.configuration(
            version, rig.content(connectors=(away,)), device=OTHER_EUI
        ),
        "older": lambda: rig.fleet.configuration(0, rig.content(connectors=(away,))),
        "schema": lambda: document(b'{"radio":{"board":5}}'),
        "other plan": lambda: document(b'{"radio":{"region":"US915"},"connectors":[]}'),
        "rubbish signed": lambda: document(rng.randbytes(40)),
        "rubbish": lambda: rng.randbytes(60),
    }


def play(rig: Rig, rng: random.Random) -> str:
    """Send one, cut the power within the trial, and see the last good one serve; return what it was."""
    made = kinds(rig, rng)
    name = rng.choice(sorted(made))
    struck = time.monotonic()
    rig.push(made[name]())
    time.sleep(rng.random() * (TRIAL_S - 1))
    rig.stop(signal.SIGKILL)
    rig.start()
    rig.wait(lambda leaf, one: leaf == "config/reported" and one.state in ENDED, since=struck)
    rig.wait(lambda leaf, one: serving(leaf, one) and one.config_version == 1, since=time.monotonic())
    rig.frames(2)
    assert rig.wait_delivered() == 0, name
    ledger = rig.ledger()
    assert (ledger.good.version, ledger.trial) == (1, None), name
    return name


def main() -> None:
    """Play the rounds of one seed."""
    seed, rounds, folder = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    rng = random.Random(seed)
    with Rig(folder) as rig:
        began = time.monotonic()
        rig.start()
        rig.wait_serving(began)
        told = {"kinds": [play(rig, rng) for _ in range(rounds)], "frames": len(rig.sent)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()

"""100 random bad configurations against real agents, the power cut at a random instant of each: all serve on.

The 100 seeds of ``tests/stories/test_no_configuration_bricks_a_gateway.py`` cut the power at a random
write; here the process, the disk, the broker and the radio are real, and the cut is SIGKILL.
"""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

GATEWAYS, ROUNDS = 5, 20
LIMIT_S = 900
ROOT = Path(__file__).parents[2]


def played(seed: int, folder: Path) -> dict[str, Any]:
    folder.mkdir()
    command = [sys.executable, "-m", "tests.soak.bad_configurations", str(seed), str(ROUNDS), str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, f"seed {seed}: {done.stderr[-4000:]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


@pytest.mark.soak
def test_it_serves_on_with_the_last_good_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(GATEWAYS) as pool:
        told = list(pool.map(lambda seed: played(seed, tmp_path / str(seed)), range(GATEWAYS)))
    kinds = Counter(kind for one in told for kind in one["kinds"])
    assert sum(kinds.values()) == 100
    print(
        f"\n{sum(kinds.values())} configurations mauvaises sur 100, courant coupé à chaque essai\u202f:"
        f" version 1 en service, {sum(one['frames'] for one in told)} trames entendues, 0 perdue"
    )
    print(", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())))

"""All faults, and the table that they give."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from agent.host.kernel_clock import kernel_quality
from agent.wire.messages import TimeQuality
from tests.soak.faults import broker, cards, clocks, disk, machine, network, radio, servers, words
from tests.soak.faults.fault import Fault, Room, Row

FAULTS: tuple[Fault, ...] = (
    *machine.FAULTS,
    *servers.FAULTS,
    *broker.FAULTS,
    *network.FAULTS,
    *clocks.FAULTS,
    *radio.FAULTS,
    *words.FAULTS,
    *disk.FAULTS,
    *cards.FAULTS,
)
ROOT = Path(__file__).parents[3]
LIMIT_S = 420
UNSHARE = ("unshare", "--net", "--mount", "--propagation", "private")


def outcome(number: int, folder: Path) -> Row:
    """Return the row of one fault, played in a process of its own.

    Raises:
        AssertionError: the fault could not be played to its end; the text is what the process said.
    """
    fault = FAULTS[number]
    absent = [
        name for name in fault.needs if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None
    ]
    if fault.clock_in_step and kernel_quality() is TimeQuality.UNTRUSTED:
        absent.append("horloge synchronisée du noyau")
    if absent:
        return Row(name=fault.name, missing=", ".join(absent))
    command = [sys.executable, "-m", "tests.soak.faults", str(number), str(folder)]
    if fault.room is Room.NETWORK:
        command = [*UNSHARE, *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    assert done.returncode == 0, f"{fault.name}: {done.stderr[-4000:]}"
    return Row(**json.loads(done.stdout.splitlines()[-1]))


def lines(rows: list[Row]) -> list[str]:
    """Return the table."""
    told = [
        f"{'défaut':<48}{'détecté':>10}{'rétabli':>10}{'trames':>8}{'perdues':>9}  dit à la flotte",
    ]
    for row in rows:
        if row.missing:
            told.append(f"{row.name:<48}  non joué\u202f: manque {row.missing}")
            continue
        times = f"{row.detect_s:>8.1f} s{row.serve_s:>8.1f} s"
        told.append(f"{row.name:<48}{times}{row.frames:>8}{row.lost:>9}  {row.told}")
    played = [row for row in rows if not row.missing]
    told.append(
        f"{len(played)} défauts, {sum(row.frames for row in played)} trames entendues,"
        f" {sum(row.lost for row in played)} perdues"
    )
    return told

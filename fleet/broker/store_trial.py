"""Before the broker starts: can Mosquitto read its store?  A damaged one is set aside, so that it starts.

    no store ─────────────────────────────────────────▶ nothing to do
    Mosquitto reads it, in a process of its own ──────▶ nothing to do
    it does not, and starts without it ───────────────▶ set aside: mosquitto.db.damaged-DATE
    it does not start without it either, or no answer ▶ left as it is: something else is wrong

The unit of the broker runs this before each start (``ExecStartPre=``).  Nothing is lost for good: gateways
and fleet manager subscribe again, journals wait for the fleet's own acknowledgement, and what is desired is
published anew (``fleet.engine.outgoing``).  The keeper writes it down (``fleet.identity.keeper``).

    python3 -m fleet.broker.store_trial /var/lib/passerelle-fleet/mosquitto

Source: mosquitto 2.0.11, ``src/mosquitto.c`` (the store is read before any listener is opened).
"""

import contextlib
import datetime as dt
import getpass
import os
import shutil
import subprocess
import sys
import tempfile
from enum import StrEnum
from pathlib import Path

from fleet.clock import SystemClock
from fleet.durations import SECOND_US

STORE = "mosquitto.db"
ASIDE = f"{STORE}.damaged-"
ASIDE_LIMIT = 3
"""Damaged stores that are kept to look at; the oldest go."""
TRIAL_LIMIT_US = 30 * SECOND_US
LOOK_EVERY_S = 0.02
TRIAL = "trial-"
PROGRAM = "/usr/sbin/mosquitto"
CONFIGURATION = """listener 0 {socket}
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_interval 0
log_dest stderr
"""


class StoreTrial(StrEnum):
    """What became of the store."""

    NONE = "none"
    WHOLE = "whole"
    SET_ASIDE = "set aside"
    LEFT = "left"


def try_store(folder: Path, now_us: int) -> tuple[StoreTrial, str]:
    """Set the store in ``folder`` aside if the broker cannot read it; return that, and its words."""
    store = folder / STORE
    for left in folder.glob(f"{TRIAL}*"):
        shutil.rmtree(left)
    if not store.exists():
        return StoreTrial.NONE, ""
    readable, words = _starts(folder, store)
    if readable:
        return StoreTrial.WHOLE, ""
    if readable is None or not _starts(folder, None)[0]:
        return StoreTrial.LEFT, words
    at = dt.datetime.fromtimestamp(now_us // SECOND_US, dt.UTC)
    aside = folder / f"{ASIDE}{at:%Y%m%dT%H%M%SZ}"
    store.rename(aside)
    for old in set_aside(folder)[ASIDE_LIMIT:]:
        (folder / old).unlink(missing_ok=True)
    return StoreTrial.SET_ASIDE, f"{aside}: {words}"


def set_aside(folder: Path) -> list[str]:
    """Return the names of the stores that were set aside, the newest first."""
    return sorted((path.name for path in folder.glob(f"{ASIDE}*")), reverse=True)


def _starts(folder: Path, store: Path | None) -> tuple[bool | None, str]:
    """Return whether Mosquitto starts with a store, None without an answer, and its last word if not."""
    with (
        tempfile.TemporaryDirectory(dir=folder, prefix=TRIAL) as place,
        tempfile.TemporaryDirectory(prefix="m") as short,
    ):
        if store is not None:
            os.link(store, Path(place) / STORE)
        socket, text = Path(short) / "s", Path(short) / "c"
        text.write_text(CONFIGURATION.format(socket=socket, user=getpass.getuser(), folder=place))
        with (Path(short) / "e").open("w+") as said:
            command = [shutil.which("mosquitto") or PROGRAM, "-c", str(text)]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
            try:
                found = _until_known(process, socket)
            finally:
                process.kill()
                process.wait()
            said.seek(0)
            lines = said.read().strip().splitlines()
    return found, f"status {process.returncode}: {lines[-1] if lines else 'no word'}"


def _until_known(process: "subprocess.Popen[bytes]", socket: Path) -> bool | None:
    clock = SystemClock()
    end_us = clock.monotonic_us() + TRIAL_LIMIT_US
    while clock.monotonic_us() < end_us:
        if socket.exists():
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LOOK_EVERY_S)
            return False
    return None


def main(arguments: list[str]) -> int:
    """Look at the store below a folder of the broker; a start is never prevented."""
    (folder,) = arguments
    found, words = try_store(Path(folder) / "data", SystemClock().now_us())
    if words:
        print(f"broker store: {found}: {words}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Mark the running slot good once the agent is proved on it; else go back to the other slot.

`passerelle-slot.timer` runs this every minute, as root.  The proof: the radio receives and the fleet
manager is connected, as `passerelle agent status` says.  A build that was proved before is good at once,
so that a gateway whose backhaul is cut counts no tries.

Sources: rauc(1), ``rauc status mark-good``, ``rauc status mark-bad``; systemd's /run/systemd.
"""

import json
import re
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

PROOF_LIMIT_S = 3_600
"""How long a build that was never proved may run while another slot can start."""
BUILD = Path("/etc/passerelle-build")
PROVED = Path("/data/proved-builds")
PROVED_LIMIT = 16
"""Builds remembered; the oldest goes first."""
STATUS = ("/opt/passerelle/bin/passerelle", "agent", "status", "--state", "/var/lib/passerelle", "--json")
STATUS_LIMIT_S = 60
RAUC_LIMIT_S = 60


class SlotAction(StrEnum):
    """What is done about the running slot."""

    MARK_GOOD = "mark_good"
    WAIT = "wait"
    GO_BACK = "go_back"


def decide(
    *, proved_before: bool, status: dict[str, Any] | None, up_s: float, other_slot: bool
) -> tuple[SlotAction, str]:
    """Return what to do, and why.

    >>> decide(proved_before=True, status=None, up_s=70, other_slot=False)
    (<SlotAction.MARK_GOOD: 'mark_good'>, 'this build was proved before')
    """
    if proved_before:
        return SlotAction.MARK_GOOD, "this build was proved before"
    if status is not None and status.get("radio") == "RECEIVING" and status.get("link_online") is True:
        return SlotAction.MARK_GOOD, "the radio receives and the fleet manager is connected"
    if up_s < PROOF_LIMIT_S:
        return SlotAction.WAIT, f"no proof yet, after {up_s:.0f} s of {PROOF_LIMIT_S} s"
    if not other_slot:
        return SlotAction.WAIT, "no proof, and no other slot to go back to"
    return SlotAction.GO_BACK, f"no proof within {PROOF_LIMIT_S} s"


def main() -> int:
    """Look once and do it."""
    build = BUILD.read_text().strip()
    known = PROVED.read_text().split() if PROVED.exists() else []
    slots = subprocess.run(
        ["rauc", "status", "--output-format=json"],
        capture_output=True, text=True, check=True, timeout=RAUC_LIMIT_S,
    ).stdout  # fmt: skip
    action, why = decide(
        proved_before=build in known,
        status=_status(),
        up_s=float(Path("/proc/uptime").read_text().split()[0]),
        other_slot=_another_good(json.loads(slots)),
    )
    print(f"slot: {action}: {why}")
    if action is SlotAction.WAIT:
        return 0
    if action is SlotAction.GO_BACK:
        _rauc("mark-bad")
        subprocess.run(["systemctl", "reboot"], check=True)
        return 0
    _rauc("mark-good")
    if build not in known:
        partial = PROVED.with_suffix(".partial")
        partial.write_text("\n".join([*known, build][-PROVED_LIMIT:]) + "\n")
        partial.replace(PROVED)
    subprocess.run(["systemctl", "stop", "passerelle-slot.timer"], check=True)
    return 0


def _another_good(slots: dict[str, Any]) -> bool:
    """Return whether a slot that does not run can start."""
    return any(
        slot["state"] != "booted" and slot["boot_status"] == "good"
        for named in slots["slots"]
        for slot in named.values()
    )


def _status() -> dict[str, Any] | None:
    done = subprocess.run(STATUS, capture_output=True, text=True, check=False, timeout=STATUS_LIMIT_S)
    if done.returncode != 0 or not re.match(r"\s*\{", done.stdout):
        return None
    answer = json.loads(done.stdout)
    return answer if isinstance(answer, dict) else None


def _rauc(verb: str) -> None:
    subprocess.run(["rauc", "status", verb], check=True, timeout=RAUC_LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())

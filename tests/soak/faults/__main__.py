"""Play one fault in this process and print its row as JSON: ``python -m tests.soak.faults NUMBER FOLDER``."""

import dataclasses
import json
import sys
from pathlib import Path

from tests.soak.faults.fault import play
from tests.soak.faults.room import room
from tests.soak.faults.table import FAULTS


def main() -> None:
    """Read the number, play, print."""
    fault, folder = FAULTS[int(sys.argv[1])], Path(sys.argv[2])
    with room(fault.room, folder) as rig:
        row = play(fault, rig)
    print(json.dumps(dataclasses.asdict(row)))


if __name__ == "__main__":
    main()

"""A process that commits to a spool until it is killed, and says each id once it is committed.

``python -m tests.datapath.writer DIRECTORY FIRST_ID``
"""

import sys
from pathlib import Path

from agent.spool.disk import SpoolDisk
from tests.datapath.virtual import record


def main() -> None:
    disk = SpoolDisk(Path(sys.argv[1]) / "spool.db")
    record_id = int(sys.argv[2])
    while True:
        batch = [(record(n), 1) for n in range(record_id, record_id + 8)]
        settled = [(n - 64, 1) for n in range(record_id, record_id + 8, 2)]
        disk.commit(batch, settled)
        record_id += 8
        sys.stdout.write(f"{record_id - 1}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()

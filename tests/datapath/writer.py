"""A process that commits to a spool until it is killed or is done, and says each id once it is committed.

``python -m tests.datapath.writer DIRECTORY FIRST_ID [COMMITS]``
"""

import os
import sys
from itertools import count
from pathlib import Path

from agent.spool.disk import SpoolDisk
from agent.spool.files import FILE_NAME
from tests.datapath.virtual import record

FRAMES_A_COMMIT = 8
SETTLED_AFTER = 64
"""Every second record is settled so many records later."""


def kept(last: int) -> list[int]:
    """Return the ids that are there once the commit that ends with ``last`` was done, from id 1."""
    return [n for n in range(1, last + 1) if n > last - SETTLED_AFTER or n % 2 == 0]


def main() -> None:
    disk = SpoolDisk(Path(sys.argv[1]) / FILE_NAME)
    first = int(sys.argv[2])
    commits = range(int(sys.argv[3])) if len(sys.argv) > 3 else count()
    for number in commits:
        ids = range(first + number * FRAMES_A_COMMIT, first + (number + 1) * FRAMES_A_COMMIT)
        settled = [(n - SETTLED_AFTER, 1) for n in ids if n % 2 == 1 and n > SETTLED_AFTER]
        disk.commit([(record(n), 1) for n in ids], settled)
        os.write(1, f"{ids[-1]}\n".encode())


if __name__ == "__main__":
    main()

"""A damaged spool file: moved aside, what is whole in it saved into a fresh one by a process of its own.

The process (``agent.spool.upkeep``) reads what may crash or stall a reader; it has a limit of time, and what
it does not achieve costs the frames of the damaged file, never the new spool.
"""

import subprocess
import sys
from pathlib import Path

from agent.durable import sync_folder

SALVAGE_LIMIT_S = 60.0
"""72 h of frames take 20 s here; meanwhile frames wait in memory (``group.MEMORY_LIMIT_RECORDS``)."""
QUARANTINED_FILES = 2
"""Kept beside the spool; older ones are deleted, as each may be as large as the spool."""
_PARTS = ("", "-wal", "-shm")


def quarantine(path: Path, stamp: int) -> Path:
    """Move a damaged spool file aside, with its WAL, and return where it is."""
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in _PARTS:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    earlier = [file for file in path.parent.glob(f"{path.name}.damaged-*") if file.suffix[-1].isdigit()]
    for file in sorted(earlier, key=lambda file: (file.stat().st_mtime, file.name))[:-QUARANTINED_FILES]:
        for suffix in _PARTS:
            file.with_name(file.name + suffix).unlink(missing_ok=True)
    return aside


def salvage(damaged: Path, path: Path) -> int:
    """Put what is whole in ``damaged`` into a new spool at ``path``; return how many records, 0 for none."""
    fresh = path.with_name(f"{path.name}.salvaged")
    command = [sys.executable, "-m", "agent.spool.upkeep", "salvage", str(damaged), str(fresh)]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=SALVAGE_LIMIT_S)
        saved = int(done.stdout)
        fresh.replace(path)
        sync_folder(path.parent)
    except (OSError, ValueError, subprocess.SubprocessError):
        for suffix in _PARTS:
            fresh.with_name(fresh.name + suffix).unlink(missing_ok=True)
        return 0
    return saved

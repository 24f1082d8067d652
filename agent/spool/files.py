"""Where the spool's file lies: opened, mended when it is damaged, set aside when it is another gateway's.

What is whole in a damaged file is saved by a process of its own (``agent.spool.upkeep``): it reads what may
crash or stall a reader.  It has a limit of time, and what it does not achieve costs the frames of the damaged
file, never the new spool.  The damaged file is moved only when that is done, so that a kill or a full disk at
any instant finds all of it again:

    spool.db ─ saved ─▶ spool.db.salvaged     then spool.db ─▶ spool.db.damaged-TIME
                                              then spool.db.salvaged ─▶ spool.db
"""

import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

from agent.durable import sync_folder
from agent.failures import reason_of
from agent.spool.disk import SpoolDisk
from agent.spool.ports import Mended, SpoolUnwritable
from agent.spool.upkeep import NO_ROOM
from agent.wire import reasons

FILE_NAME = "spool.db"
SALVAGE_LIMIT_S = 60.0
"""72 h of frames take 20 s here; meanwhile frames wait in memory (``group.MEMORY_LIMIT_RECORDS``)."""
QUARANTINED_FILES = 2
"""Kept beside the spool; older ones are deleted, as each may be as large as the spool."""
_PARTS = ("", "-wal", "-shm")
_Result = TypeVar("_Result")


class SpoolFiles:
    """``agent.spool.ports.Files`` in a folder, for the gateway ``eui``."""

    def __init__(self, directory: Path, eui: str) -> None:
        self._path = directory / FILE_NAME
        self._eui = eui

    def open(self) -> SpoolDisk:
        """Open the file, a new one where there is none."""
        _on_disk(lambda: _finish(self._path))
        return SpoolDisk(self._path, owner=self._eui)

    def writable(self) -> bool:
        """Return whether the file may be written, as far as can be told without a write."""
        return os.access(self._path, os.W_OK)

    def mend(self, stamp: int) -> Mended:
        """Set a damaged file aside and put what is whole in it into a new one."""
        saved = salvage(self._path)
        aside = _on_disk(lambda: quarantine(self._path, stamp))
        _on_disk(lambda: _finish(self._path))
        return Mended(aside=aside.name, saved=saved)

    def set_aside(self, owner: str, stamp: int) -> str:
        """Move another gateway's file aside, whole; nothing deletes it."""
        return _on_disk(lambda: _move(self._path, f"foreign-{owner}", stamp)).name


def salvage(path: Path) -> int:
    """Put what is whole in ``path`` beside it; return how many records, 0 with no file beside it for none.

    Raises:
        SpoolUnwritable: the disk has no room for it, or the process could not begin.
    """
    fresh = _salvaged(path)
    _on_disk(lambda: _remove(fresh))
    command = [sys.executable, "-m", "agent.spool.upkeep", "salvage", str(path), str(fresh)]
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=SALVAGE_LIMIT_S)
    except subprocess.TimeoutExpired:
        done = None
    except OSError as error:
        raise SpoolUnwritable(reason_of(error)) from error
    if done is not None and done.returncode == NO_ROOM:
        _on_disk(lambda: _remove(fresh))
        raise SpoolUnwritable(reasons.spool.no_room_to_mend())
    if done is None or done.returncode or not done.stdout.strip().isdigit():
        _on_disk(lambda: _remove(fresh))
        return 0
    return int(done.stdout)


def quarantine(path: Path, stamp: int) -> Path:
    """Move a damaged spool file aside, with its WAL, and return where it is."""
    aside = _move(path, "damaged", stamp)
    earlier = [file for file in path.parent.glob(f"{path.name}.damaged-*") if file.suffix[-1].isdigit()]
    for file in sorted(earlier, key=lambda file: (file.stat().st_mtime, file.name))[:-QUARANTINED_FILES]:
        _remove(file)
    return aside


def _finish(path: Path) -> None:
    """Put the saved file in its place where a kill came between the two renames."""
    fresh = _salvaged(path)
    if path.exists() or not fresh.exists():
        return
    for suffix in _PARTS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    fresh.replace(path)
    sync_folder(path.parent)


def _move(path: Path, what: str, stamp: int) -> Path:
    """Rename a file and its parts to a name that is free: clocks that stand still repeat a stamp."""
    aside = next(
        name
        for number in count(stamp)
        if not (name := path.with_name(f"{path.name}.{what}-{number}")).exists()
    )
    for suffix in _PARTS:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    sync_folder(path.parent)
    return aside


def _salvaged(path: Path) -> Path:
    return path.with_name(f"{path.name}.salvaged")


def _remove(path: Path) -> None:
    for suffix in _PARTS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _on_disk(work: Callable[[], _Result]) -> _Result:
    try:
        return work()
    except OSError as error:
        raise SpoolUnwritable(reasons.spool.unwritable(cause=reason_of(error))) from error

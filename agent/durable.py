"""Files that are whole or not there, whatever instant the power fails at."""

import os
from pathlib import Path


def write_durably(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Replace ``path`` by ``content``: written beside, fsynced, renamed, and the folder fsynced.

    After a power cut the file holds the old bytes or the new ones, never a part.
    """
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.fchmod(descriptor, mode)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    beside.replace(path)
    sync_folder(path.parent)


def write_if_possible(path: Path, content: bytes) -> bool:
    """Return whether ``path`` was replaced; for files whose loss costs little, on a disk that may be full."""
    try:
        write_durably(path, content)
    except OSError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make names created or renamed in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

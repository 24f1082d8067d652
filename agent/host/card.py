"""The state folder when its card has become read-only: a copy in memory, so that the gateway serves on.

Most cards that wear end so.  What the copy gains is lost with the next power cut, which the journal says;
frames that wait in it go out as long as the process lives, and across its restarts.

Sources: ext4(5) ``errors=remount-ro``; a write then fails with EROFS, on some kernels first with EIO.
"""

import errno
import hashlib
import os
import shutil
from pathlib import Path

from agent.host.fields import Fields
from agent.wire import reasons
from agent.wire.reasons import Reason

_REFUSALS = frozenset({errno.EROFS, errno.EIO})
SERVICE_MEMORY = "/run/passerelle"
"""What the service's unit names as its runtime folder."""
SHARED_MEMORY = "/dev/shm"  # noqa: S108  # the owner of what is found there is checked
COPY_LIMIT_BYTES = 64_000_000
"""A larger file is not copied: such a spool stays on the card, and the copy begins with an empty one.  It is
said in the journal, the details (``card_left_mb``), ``agent status`` and the doctor."""

LEFT_OUT = frozenset({("releases", "a"), ("releases", "b"), ("releases", "parts")})
"""Folders that are read from the card and would fill the memory: the releases of the agent."""


def memory_folder() -> Path:
    """Return the service's folder below ``/run``, or the machine's shared memory without a service."""
    return Path(os.environ.get("RUNTIME_DIRECTORY", SHARED_MEMORY).partition(":")[0])


def usable_state(state: Path, memory: Path) -> tuple[Path, Reason | None]:
    """Return the folder to work in, and why it is not ``state`` or None.

    Raises:
        OSError: neither can be written.
    """
    copy = memory / _name(state)
    try:
        state.mkdir(parents=True, exist_ok=True)
        probe = state / "probe"
        with probe.open("wb") as file:
            file.write(b"\0")
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        if error.errno not in _REFUSALS:
            return state, None
        copied, left_mb = _copy(state, copy), left_on_card_mb(state)
        return copied, reasons.card.read_only_left(left_mb=left_mb) if left_mb else reasons.card.read_only()
    shutil.rmtree(copy, ignore_errors=True)
    return state, None


def left_on_card_mb(state: Path) -> int:
    """Return the size of what is too large for the copy, rounded up; 0: nothing is left behind."""
    left_bytes = 0
    for path in state.rglob("*"):
        try:
            size_bytes = path.stat().st_size if path.is_file() else 0
        except OSError:
            continue  # a worn sector tells no size
        left_bytes += size_bytes if size_bytes > COPY_LIMIT_BYTES else 0
    return -(-left_bytes // 1_000_000)


def card_fields(why: Reason | None) -> Fields:
    """Return what the details say of a card that is not written any more; nothing of one that is."""
    if why is None:
        return {}
    left_mb = why.values.get("left_mb", 0)
    return {"card_in_memory": 1, "card_left_mb": left_mb if isinstance(left_mb, int) else 0}


def working_folders(state: Path) -> tuple[Path, ...]:
    """Return where the agent of ``state`` may be at work: there, or in a copy in memory."""
    copies = (Path(memory) / _name(state) for memory in (SERVICE_MEMORY, SHARED_MEMORY))
    return state, *(copy for copy in copies if copy.is_dir())


def _name(state: Path) -> str:
    return f"passerelle-{hashlib.sha256(str(state.absolute()).encode()).hexdigest()[:16]}"


def _copy(state: Path, copy: Path) -> Path:
    """Copy what can be read, once: a process that starts again finds its own copy, newer than the card."""
    if copy.is_dir() and not copy.is_symlink() and copy.stat().st_uid == os.getuid():
        return copy
    beside = copy.with_name(copy.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    for path in sorted(state.rglob("*")):
        if path.relative_to(state).parts[:2] in LEFT_OUT:
            continue
        target = beside / path.relative_to(state)
        try:
            if path.is_dir():
                target.mkdir(mode=0o700)
            elif path.is_file() and path.stat().st_size <= COPY_LIMIT_BYTES:
                target.write_bytes(path.read_bytes())
                target.chmod(0o600)
        except OSError:
            continue  # a worn sector costs its own file
    beside.replace(copy)
    return copy

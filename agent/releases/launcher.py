"""`passerelle agent start`: count the start, then become the release that shall run.

This is the base's, which the card or the package installed; no release replaces it.  Whatever is wrong with
ledger, slots or disk, something is started: at worst the base.
"""

import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path

from agent.host.machine import LAUNCHER, OWN_PYTHON, RELEASE
from agent.releases.model import BASE, Damaged, Start, Starting
from agent.releases.store import ReleaseStore

Become = Callable[[str, list[str], dict[str, str]], None]


def start(state: Path, arguments: list[str], *, become: Become = os.execve) -> None:
    """Replace this process by the agent of the release that shall run; ``arguments`` follow ``agent run``."""
    environment = {**os.environ, LAUNCHER: sys.executable}
    store = ReleaseStore(state)
    name = BASE if _held(state) else _counted(store)
    while name != BASE:
        try:
            python = str(store.python(name))
            become(
                python,
                [python, "-I", "-m", "passerelle", "agent", "run", *arguments],
                {**environment, RELEASE: name},
            )
            return
        except OSError as error:
            print(f"passerelle agent: {name}: {error}", file=sys.stderr)
        name = _after_damage(store, name)
    base = [*OWN_PYTHON, "-m", "passerelle", "agent", "run", *arguments]
    become(sys.executable, base, {**environment, RELEASE: BASE})


def _counted(store: ReleaseStore) -> str:
    """Return what shall run, its start counted on disk; on a disk that refuses, the good one."""
    try:
        command = store.event(Starting())
    except OSError:
        return store.ledger().good
    assert isinstance(command, Start)
    return command.name


def _after_damage(store: ReleaseStore, name: str) -> str:
    try:
        store.event(Damaged(name=name))
    except OSError:
        return BASE
    return store.ledger().good


def _held(state: Path) -> bool:
    """Return whether another agent runs on this folder: its starts are its own."""
    try:
        descriptor = os.open(state / "lock", os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False

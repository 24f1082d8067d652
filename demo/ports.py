"""Loopback ports that nobody uses, and that nobody else is given while the process that asked lives.

Servers that cannot take port 0 and say which they got (Mosquitto, the fleet manager) are given a number
before they listen.  Below Linux's own range no client and no port 0 takes it meanwhile; a lock on one byte of
a shared file, which ends with the process, keeps it from others who ask here.

Source of the range: ``net.ipv4.ip_local_port_range``, 32768 to 60999 unless set otherwise.
"""

import fcntl
import os
import socket
import tempfile
from functools import cache
from itertools import count
from pathlib import Path

FIRST_PORT, PORTS = 20_000, 12_768
_tries = count(os.getpid())


def free_port() -> int:
    """Return a loopback port, free for TCP and UDP.

    Raises:
        OSError: every port of the range is taken.
    """
    for _ in range(PORTS):
        port = FIRST_PORT + next(_tries) % PORTS
        if _is_locked(port) and _is_free(port):
            return port
    raise OSError(f"no port from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} is free")


@cache
def _locks() -> int:
    path = Path(tempfile.gettempdir()) / f"passerelle-ports-{os.getuid()}"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _is_locked(port: int) -> bool:
    """Lock a port for the life of this process; return whether no other has it."""
    try:
        fcntl.lockf(_locks(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_free(port: int) -> bool:
    """Return whether a server could listen on a port."""
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True

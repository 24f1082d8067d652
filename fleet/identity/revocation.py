"""Revocation reaches the broker: the list for new connections, the rights for open ones, then a reload.

Mosquitto reads both files again on SIGHUP and checks rights at each message, so an open session of a revoked
gateway can neither write nor read from then on (mosquitto(8), "Signals").  On another host, whatever copies
the files there reloads it.
"""

import os
import signal
from pathlib import Path

import structlog
from sqlalchemy import Connection, select

from fleet.broker.mosquitto import render_acl
from fleet.identity.authority import Authority, revocation_list
from fleet.identity.foundation import broker_files
from fleet.identity.keys import OWNER_ONLY
from fleet.identity.tables import certificates

log = structlog.get_logger("fleet.revocation")


def write_revocations(connection: Connection, data: Path, authority: Authority, now_us: int) -> None:
    """Write revoked certificates and the broker's rights, each in one rename; reload the broker."""
    rows = connection.execute(
        select(certificates.c.serial, certificates.c.eui, certificates.c.revoked_at_us)
    ).all()
    revoked = tuple((row.serial, row.revoked_at_us) for row in rows if row.revoked_at_us is not None)
    trusted = {row.eui for row in rows if row.revoked_at_us is None}
    denied = tuple(sorted({row.eui for row in rows} - trusted))
    files = broker_files(data)
    _replace(files.revoked, revocation_list(authority, revoked, now_us))
    _replace(files.acl, render_acl(denied).encode())
    reload_broker(files.pid)


def reload_broker(pid_file: Path) -> bool:
    """Tell a broker of this machine to read its files again; False: none runs here."""
    try:
        os.kill(int(pid_file.read_text()), signal.SIGHUP)
    except (OSError, ValueError) as error:
        log.warning("broker_not_reloaded", pid_file=str(pid_file), reason=str(error))
        return False
    return True


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.chmod(OWNER_ONLY)
    fresh.replace(path)

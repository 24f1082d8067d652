"""Revoked certificates reach the broker: the list that it checks new connections with."""

from pathlib import Path

from sqlalchemy import Connection, select

from fleet.identity.authority import Authority, revocation_list
from fleet.identity.foundation import broker_files
from fleet.identity.tables import certificates


def write_revocations(connection: Connection, data: Path, authority: Authority, now_us: int) -> None:
    """Write the list of revoked certificates whole, in one rename."""
    query = select(certificates.c.serial, certificates.c.revoked_at_us)
    revoked = connection.execute(query.where(certificates.c.revoked_at_us.is_not(None))).all()
    path = broker_files(data).revoked
    fresh = path.with_suffix(".new")
    fresh.write_bytes(revocation_list(authority, tuple((row[0], row[1]) for row in revoked), now_us))
    fresh.replace(path)

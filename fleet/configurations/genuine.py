"""Whether a stored version is what the fleet signed: whoever writes the database cannot push a configuration.

Every version carries its envelope, signed by a key that is not in the database.  Before a version goes to the
broker, and before another is built on it, row and envelope are compared, and the seal over the mark of a
revocation; what differs is refused by name.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, RowMapping, select

from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope, signed_bytes
from fleet.configurations.tables import configuration_versions as versions
from fleet.db.seals import is_intact


class Forged(ValueError):
    """A version whose row is not what was signed."""

    def __init__(self, eui: str, version: int) -> None:
        super().__init__(f"{eui}: version {version} is not what this fleet signed")
        self.eui, self.version = eui, version


def is_genuine(row: RowMapping, key: Ed25519PublicKey) -> bool:
    """Return whether a row is what ``key`` signed for this gateway and number."""
    try:
        envelope = decode_envelope(row["envelope"])
        key.verify(envelope.signature, signed_bytes(envelope))
    except (EnvelopeRefused, InvalidSignature):
        return False
    told = (EnvelopeKind.CONFIGURATION, row["eui"], row["version"], row["document"], row["sha256"])
    return (envelope.kind, envelope.device, envelope.version, envelope.payload, envelope.sha256) == told


def check_genuine(connection: Connection, key: Ed25519PublicKey, eui: str, version: int) -> None:
    """Return if a version is what was signed.

    Raises:
        Forged: it is not, or it is not there.
    """
    mine = (versions.c.eui == eui) & (versions.c.version == version)
    row = connection.execute(select(versions).where(mine)).mappings().first()
    if row is None or not is_genuine(row, key) or not is_intact(connection, versions, row):
        raise Forged(eui, version)


def forged_version(connection: Connection, key: Ed25519PublicKey, eui: str) -> Forged | None:
    """Return the newest version of a gateway if it is not what was signed; None: it is."""
    newest = select(versions).where(versions.c.eui == eui).order_by(versions.c.version.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    ours = row is None or (is_genuine(row, key) and is_intact(connection, versions, row))
    return None if ours or row is None else Forged(eui, row["version"])

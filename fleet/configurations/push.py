"""Signed configurations: each change is a new version, sealed, stored, then published by the engine.

The form, the API and `fleet configure` all come through ``request``.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from agent.wire.configuration import Configuration, decode_configuration, sparse_configuration
from agent.wire.envelope import Envelope, Kind, encode_envelope, seal
from fleet.configurations.tables import configuration_versions, instructions
from fleet.durations import DAY_US
from fleet.identity import audit

ACCEPTANCE_US = 30 * DAY_US
"""How long a gateway that was away may still take a version; it limits acceptance only (DESIGN §4)."""
INSTRUCTION_ACCEPTANCE_US = DAY_US // 24
"""Confirmations are sent again while they are needed, so one of them need not live long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version as it is stored."""

    eui: str
    version: int
    sha256: str
    configuration: Configuration
    issued_at_us: int
    issued_by: str
    reason: str
    published: bool
    confirmed_at_us: int | None


def request(
    connection: Connection,
    key: Ed25519PrivateKey,
    *,
    eui: str,
    configuration: Configuration,
    who: str,
    now_us: int,
    reason: str = "",
    retry: bool = False,
    by_image: bool = False,
) -> Envelope:
    """Sign ``configuration`` as the next version of ``eui`` and queue it; return the sealed envelope.

    ``by_image``: a work order carries it to the gateway, so that it is not sent over the broker.
    """
    newest = select(func.max(configuration_versions.c.version)).where(configuration_versions.c.eui == eui)
    version = (connection.scalar(newest) or 0) + 1
    payload = sparse_configuration(configuration)
    envelope = _sealed(
        key, Kind.CONFIGURATION, eui, version, payload, now_us=now_us, life_us=ACCEPTANCE_US, retry=retry
    )
    row = {
        "eui": eui,
        "version": version,
        "sha256": envelope.sha256,
        "document": payload,
        "envelope": encode_envelope(envelope),
        "issued_at_us": now_us,
        "expires_at_us": envelope.expires_at_us,
        "issued_by": who,
        "reason": reason,
        "published": by_image,
    }
    connection.execute(insert(configuration_versions).values(row))
    after = {"version": version, "sha256": envelope.sha256, "reason": reason}
    audit.record(connection, now_us=now_us, who=who, action="configuration.request", subject=eui, after=after)
    return envelope


def send_again(connection: Connection, eui: str) -> None:
    """Let the newest version go out once more, in place of an older one that the broker still retains.

    For a gateway that was enrolled with a new work order: to the same version it says nothing.
    """
    table = configuration_versions
    newest = select(func.max(table.c.version)).where(table.c.eui == eui).scalar_subquery()
    found = (table.c.eui == eui) & (table.c.version == newest)
    connection.execute(update(table).where(found).values(published=False))


def queue_instruction(
    connection: Connection,
    key: Ed25519PrivateKey,
    *,
    eui: str,
    kind: Kind,
    payload: bytes,
    now_us: int,
    life_us: int = INSTRUCTION_ACCEPTANCE_US,
) -> str:
    """Sign an instruction for one gateway, queue it for ``command/{id}``, and return the id."""
    newest = select(func.max(instructions.c.version)).where(
        instructions.c.eui == eui, instructions.c.kind == kind
    )
    version = (connection.scalar(newest) or 0) + 1
    envelope = _sealed(key, kind, eui, version, payload, now_us=now_us, life_us=life_us)
    row = {
        "eui": eui,
        "kind": kind,
        "version": version,
        "envelope": encode_envelope(envelope),
        "issued_at_us": now_us,
    }
    connection.execute(insert(instructions).values(row))
    return instruction_id(kind, version)


def instruction_id(kind: str, version: int) -> str:
    """Return the last part of the topic of an instruction.

    >>> instruction_id("confirmation", 3)
    'confirmation-3'
    """
    return f"{kind}-{version}"


def desired(connection: Connection, eui: str) -> Version | None:
    """Return the newest version of ``eui``."""
    table = configuration_versions
    query = select(table).where(table.c.eui == eui).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    return None if row is None else _version(row)


def all_desired(connection: Connection) -> dict[str, Version]:
    """Return the newest version of every gateway that has one, by EUI."""
    table = configuration_versions
    newest = select(table.c.eui, func.max(table.c.version).label("version")).group_by(table.c.eui).subquery()
    same = (newest.c.eui == table.c.eui) & (newest.c.version == table.c.version)
    rows = connection.execute(select(table).join(newest, same)).mappings()
    return {row["eui"]: _version(row) for row in rows}


def history(connection: Connection, eui: str, limit: int = 50) -> list[Version]:
    """Return the versions of ``eui``, newest first."""
    table = configuration_versions
    query = select(table).where(table.c.eui == eui).order_by(table.c.version.desc()).limit(limit)
    return [_version(row) for row in connection.execute(query).mappings()]


def confirm(connection: Connection, eui: str, version: int, now_us: int) -> None:
    """Note that the fleet has seen ``version`` working."""
    table = configuration_versions
    found = (table.c.eui == eui) & (table.c.version == version) & table.c.confirmed_at_us.is_(None)
    connection.execute(update(table).where(found).values(confirmed_at_us=now_us))


def _version(row: RowMapping) -> Version:
    names = Version.__slots__
    fields = {name: row[name] for name in names if name != "configuration"}
    return Version(**fields, configuration=decode_configuration(row["document"]))


def _sealed(
    key: Ed25519PrivateKey,
    kind: Kind,
    eui: str,
    version: int,
    payload: bytes,
    *,
    now_us: int,
    life_us: int,
    retry: bool = False,
) -> Envelope:
    bare = Envelope(
        kind=kind,
        device=eui,
        version=version,
        issued_at_us=now_us,
        expires_at_us=now_us + life_us,
        retry=retry,
        payload=payload,
        signature=b"",
    )
    return seal(bare, key)

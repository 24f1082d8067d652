"""What the fleet signs: a configuration as the next version of a gateway, an instruction to it.

The form, the API, work orders and `fleet configure` all come through ``issue_version``; nothing is sent here:
``reconcile`` hands to the broker what it does not have yet.
"""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from agent.wire.configuration import Configuration, sparse_configuration
from agent.wire.envelope import Envelope, EnvelopeKind, encode_envelope, seal
from fleet.configurations import numbers, store
from fleet.durations import DAY_US, HOUR_US
from fleet.identity import audit
from fleet.lang.reasons import FleetReason, own

ACCEPTANCE_US = 30 * DAY_US
"""How long a gateway that was away may still take a version; it limits acceptance only (DESIGN §4)."""
INSTRUCTION_ACCEPTANCE_US = HOUR_US
"""Confirmations are sent again while they are needed, so one of them need not live long."""


def issue_version(
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
    despite: str = "",
) -> Envelope:
    """Sign ``configuration`` as the next version of ``eui`` and queue it; return the sealed envelope.

    ``despite``: why it is sent although somebody loses service: the gateway is permitted to begin as well.
    ``by_image``: a work order carries it to the gateway, so that it is not sent over the broker.  Nobody else
    may give the reason of one: by it a version is no change of ours (``working.begun_since``).
    """
    if reason == own(FleetReason.WORK_ORDER) and not by_image:
        reason = ""
    version = numbers.next_version(connection, eui)
    payload = sparse_configuration(configuration)
    envelope = _sealed(
        key,
        EnvelopeKind.CONFIGURATION,
        eui,
        version,
        payload,
        now_us=now_us,
        life_us=ACCEPTANCE_US,
        retry=retry,
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
        "by_image": by_image,
        "despite": despite,
    }
    store.add_version(connection, row)
    after = {"version": version, "sha256": envelope.sha256, "reason": reason}
    audit.record(connection, now_us=now_us, who=who, action="configuration.request", subject=eui, after=after)
    return envelope


def issue_instruction(
    connection: Connection,
    key: Ed25519PrivateKey,
    *,
    eui: str,
    kind: EnvelopeKind,
    payload: bytes,
    now_us: int,
    life_us: int = INSTRUCTION_ACCEPTANCE_US,
) -> str:
    """Sign an instruction for one gateway, queue it for ``command/{id}``, and return the id."""
    version = numbers.next_instruction(connection, eui, kind, now_us)
    envelope = _sealed(key, kind, eui, version, payload, now_us=now_us, life_us=life_us)
    row = {
        "eui": eui,
        "kind": kind,
        "version": version,
        "envelope": encode_envelope(envelope),
        "issued_at_us": now_us,
    }
    store.add_instruction(connection, row)
    return store.instruction_id(kind, version)


def _sealed(
    key: Ed25519PrivateKey,
    kind: EnvelopeKind,
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

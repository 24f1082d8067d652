"""A request, its decision, and the seals that hold them together; pure.

A seal is an HMAC over who asked or decided what and when, made in the request of a person who is logged in,
and for an approval proved anew who they are.
Its key follows from the fleet's signing key, which is not in the database: who writes rows can neither invent
a request nor a decision, nor move either to another content.

Sources: RFC 2104 (HMAC), RFC 5869 (HKDF).
"""

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fleet.db.seals import seal
from fleet.durations import DAY_US, HOUR_US, SECOND_US

KEY_BYTES = 32
LIFE_US = 60 * DAY_US
"""From the question; a rollout waits 30 days for its last gateway.  What is over ends its approval before."""
PROTECTED = ("fleet", "connectors")
"""Groups of settings that say where a gateway's frames go and who commands it…"""
ADDRESS_FIELDS = frozenset(
    {"kind", "host", "port", "tls", "uri", "ca_file", "certificate_file", "key_file", "token_file", "cups"}
)
"""…and the fields of an entry of them that do."""


class TwoPersons(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Section ``two_persons`` of fleet.json: which changes wait for a second person."""

    addresses: bool = True
    """Changes of the addresses of LNS and fleet.  Off: one administrator alone may send them."""
    every_change: bool = False
    """Every change of a configuration."""
    wait_hours: Annotated[int, msgspec.Meta(ge=1, le=720)] = 72
    """A request that nobody decides expires after this."""
    countdown_s: Annotated[int, msgspec.Meta(ge=0, le=3600)] = 60
    """An emergency push waits so long after its approval; anybody who may approve cancels it meanwhile."""

    @property
    def wait_us(self) -> int:
        """How long a request may wait, microseconds."""
        return self.wait_hours * HOUR_US

    def concerns(self, paths: Iterable[str]) -> bool:
        """Return whether a change of these settings waits for a second person."""
        return self.every_change or (self.addresses and any(is_address(path) for path in paths))


DEFAULT_RULES = TwoPersons()


def is_address(path: str) -> bool:
    """Return whether a setting says where frames go or who commands the gateway.

    >>> is_address("connectors.0.host"), is_address("connectors.0.priority"), is_address("fleet.port")
    (True, False, True)
    """
    group, _, rest = path.partition(".")
    if group not in PROTECTED:
        return False
    field = rest.split(".")[-1]
    return group == "fleet" or not field or field.isdigit() or field in ADDRESS_FIELDS


class RequestKind(StrEnum):
    """What is asked for."""

    ROLLOUT = "rollout"
    PUSH = "push"
    """A changed configuration for one gateway."""
    EMERGENCY = "emergency"
    """The same in an emergency: always two persons, after a countdown."""


class RequestState(StrEnum):
    """Where a request is."""

    WAITING = "waiting"
    """For a second person."""
    APPROVED = "approved"
    """It may go; a push is carried out when it is due."""
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    DONE = "done"
    FAILED = "failed"
    """It was approved, and could not be carried out."""


OPEN = frozenset({RequestState.WAITING, RequestState.APPROVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it is stored."""

    id: int
    kind: RequestKind
    subject: str
    """``rollout 7`` or the EUI of a gateway."""
    content: Mapping[str, Any]
    """What would be signed, or what it is made of."""
    author: str
    reason: str
    asked_at_us: int
    expires_at_us: int
    needs_second: bool
    state: RequestState
    decided_by: str
    decided_at_us: int | None
    decided_why: str
    due_at_us: int | None
    """When an approved push is carried out."""
    outcome: str
    asked_seal: str
    decided_seal: str
    decided_session: str = ""
    """Digest of the session in which it was approved; empty: on the command line."""
    decided_proof: str = ""
    """With what that person proved who they are, for this approval alone."""
    intact: bool = True
    """The row is as this program wrote it last (``fleet.db.seals``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """How somebody who approves proved who they are, in the act itself."""

    proof: str
    """``password``, or ``password and code`` where the account has a second factor."""
    session: str = ""
    by_command_line: bool = False
    """Whoever has the command line gave the account its password: with it they are the same person."""


class Fault(StrEnum):
    """Why nothing is signed for a request."""

    MISSING = "approval.missing"
    """Nobody asked for it."""
    FORGED = "approval.forged"
    """A seal does not fit: the row was written by somebody else than this program."""
    CHANGED = "approval.changed"
    """It is not what was asked for."""
    WAITING = "approval.waiting"
    CLOSED = "approval.closed"
    """Refused, cancelled or expired."""
    USED = "approval.used"
    """What it was for is over: an approval serves once."""
    OLD = "approval.old"
    """It was asked for too long ago: a rollout that old is begun anew."""
    OWN = "approval.own"
    """Its author decided it."""


def key_of(signing: Ed25519PrivateKey) -> bytes:
    """Return the key of the seals: it follows from the signing key and opens nothing else."""
    info = b"passerelle approvals"
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=info).derive(
        signing.private_bytes_raw()
    )


def asked_seal(key: bytes, one: Request) -> str:
    """Return the seal that a request must carry."""
    values = (one.kind, one.subject, _plain(one.content), one.author, one.reason)
    return seal(key, "asked", *values, one.asked_at_us, one.expires_at_us, one.needs_second)


def decided_seal(key: bytes, one: Request) -> str:
    """Return the seal that its approval must carry."""
    proof = (one.decided_session, one.decided_proof) if one.decided_proof else ()
    values = (one.id, one.asked_seal, one.decided_by, one.decided_at_us, one.due_at_us)
    return seal(key, "approved", *values, *proof)


def fault_of(  # noqa: PLR0911 one line a fault
    key: bytes, one: Request | None, content: Mapping[str, Any], now_us: int
) -> Fault | None:
    """Return why ``content`` may not be signed by a request; None: it may."""
    if one is None:
        return Fault.MISSING
    if not one.intact:
        return Fault.FORGED
    if now_us - one.asked_at_us > LIFE_US:
        return Fault.OLD
    if not hmac.compare_digest(asked_seal(key, one), one.asked_seal):
        return Fault.FORGED
    if _plain(content) != _plain(one.content):
        return Fault.CHANGED
    if one.state is RequestState.DONE:
        return Fault.USED
    if not one.needs_second:
        return None if one.state is RequestState.APPROVED else Fault.CLOSED
    if one.state is not RequestState.APPROVED:
        return Fault.WAITING if one.state is RequestState.WAITING else Fault.CLOSED
    if one.decided_by == one.author:
        return Fault.OWN
    return None if hmac.compare_digest(decided_seal(key, one), one.decided_seal) else Fault.FORGED


def _plain(content: Mapping[str, Any]) -> Any:
    """Return a content as JSON keeps it, so that what was stored equals what is stored."""
    return json.loads(json.dumps(content, sort_keys=True))


def countdown_us(kind: RequestKind, rules: TwoPersons) -> int:
    """Return how long an approved request waits yet."""
    return rules.countdown_s * SECOND_US if kind is RequestKind.EMERGENCY else 0

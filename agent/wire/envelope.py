"""A signed word of the fleet to one gateway: configuration, confirmation, permit, command.

Ed25519 over canonical bytes: a fixed prefix, then MessagePack of every header field and the SHA-256 of
the payload.  ``judge`` is the one place that decides whether a gateway believes an envelope.
"""

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

import msgspec

from agent.wire import reasons
from agent.wire.resolved import resolved

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SIGNED_PREFIX = b"passerelle/envelope/1\0"
ENVELOPE_LIMIT_BYTES = 256 * 1024


class EnvelopeKind(StrEnum):
    """What the payload is: a configuration document, or one of the fleet's words about it."""

    CONFIGURATION = "configuration"
    CONFIRMATION = "confirmation"
    """Payload: the SHA-256 (hex) of the configuration that the fleet has seen working."""
    COMMAND = "command"
    """Payload: ``command.Command`` as JSON."""
    PERMIT = "permit"
    """Payload: the SHA-256 (hex) of the waiting configuration; expires after minutes, never retained."""


class Envelope(msgspec.Struct, frozen=True, array_like=True):
    """``version`` grows for ever per gateway and kind; ``expires_at_us`` limits acceptance only."""

    kind: EnvelopeKind
    device: str
    version: int
    issued_at_us: int
    expires_at_us: int
    retry: bool
    """An explicitly signed second try of a document that once failed."""
    payload: bytes
    signature: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the payload, as hex."""
        return hashlib.sha256(self.payload).hexdigest()


class PublicKey(Protocol):
    """What a gateway knows the fleet's signature by."""

    def signed(self, signature: bytes, data: bytes) -> bool: ...


class EnvelopeRefused(reasons.ReasonedError, ValueError):
    """An envelope that a gateway does not believe; ``counter`` names what is counted."""

    @property
    def counter(self) -> str:
        """The last part of the reason's code."""
        return self.why.code.rpartition(".")[2]


def signed_bytes(envelope: Envelope) -> bytes:
    """Return what the signature of ``envelope`` is over."""
    header = (
        str(envelope.kind),
        envelope.device,
        envelope.version,
        envelope.issued_at_us,
        envelope.expires_at_us,
        envelope.retry,
        hashlib.sha256(envelope.payload).digest(),
    )
    return SIGNED_PREFIX + msgspec.msgpack.encode(header)


def seal(envelope: Envelope, key: "Ed25519PrivateKey") -> Envelope:
    """Return ``envelope`` with its signature."""
    return msgspec.structs.replace(envelope, signature=key.sign(signed_bytes(envelope)))


resolved(Envelope)


def encode_envelope(envelope: Envelope) -> bytes:
    """Return the bytes that go over the broker or into an image."""
    return msgspec.msgpack.encode(envelope)


def decode_envelope(payload: bytes) -> Envelope:
    """Return the envelope in ``payload``, not yet believed.

    Raises:
        EnvelopeRefused: too large or not an envelope.
    """
    if len(payload) > ENVELOPE_LIMIT_BYTES:
        why = reasons.envelope.too_large(size_bytes=len(payload), limit_bytes=ENVELOPE_LIMIT_BYTES)
        raise EnvelopeRefused(why)
    try:
        return msgspec.msgpack.decode(payload, type=Envelope)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise EnvelopeRefused(reasons.envelope.malformed(detail=str(error))) from error


def judge(
    envelope: Envelope, key: PublicKey, *, device: str, newest_version: int, now_us: int | None
) -> None:
    """Return if the gateway ``device`` may believe ``envelope``; ``now_us`` is None when time is not trusted.

    Raises:
        EnvelopeRefused: foreign device, bad signature, not newer than ``newest_version``, or expired.
    """
    if not key.signed(envelope.signature, signed_bytes(envelope)):
        raise EnvelopeRefused(reasons.envelope.bad_signature())
    if envelope.device != device:
        raise EnvelopeRefused(reasons.envelope.foreign(device=envelope.device, this_device=device))
    if envelope.version <= newest_version:
        why = reasons.envelope.older(version=envelope.version, seen_version=newest_version)
        raise EnvelopeRefused(why)
    if now_us is not None and envelope.expires_at_us <= now_us:
        raise EnvelopeRefused(reasons.envelope.expired(version=envelope.version))

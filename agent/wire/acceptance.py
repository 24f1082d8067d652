"""Acceptance on site: the record that a gateway signs, and how it reaches the fleet.

POST {enrol_url}/api/v1/acceptances with ``AcceptanceUpload`` as JSON.  The signature is made with the key of
the gateway's certificate over the bytes of the record, which are kept as they were signed; photos and the
drawn signature are bound to the record by their SHA-256.  The same record again is answered again.
"""

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from agent.wire.configuration import Strict
from agent.wire.reasons import Reason
from agent.wire.resolved import resolved

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

PATH = "/api/v1/acceptances"
PHOTOS_LIMIT = 4
PHOTO_LIMIT_BYTES = 600_000
"""A photo of 1,600 points by a phone's browser is 200 to 500 kB."""
DRAWING_LIMIT_BYTES = 40_000
NAME_LIMIT_CHARACTERS = 100
REMARKS_LIMIT_CHARACTERS = 1_000
RECORD_LIMIT_BYTES = 64_000
UPLOAD_LIMIT_BYTES = 3_600_000
"""Photos, drawing and record in base64, and what JSON writes around them."""
_SIGNED_PREFIX = b"passerelle/acceptance/1\0"


class CheckVerdict(StrEnum):
    """What a check came to."""

    GOOD = "good"
    RESERVED = "reserved"
    """It stands in the record as a reserve: somebody must look again, the gateway may serve."""
    BAD = "bad"
    UNMEASURED = "unmeasured"
    """Nothing here measures it; the reason says what would."""
    WAITING = "waiting"
    """Not known yet; never in a record."""


class Conclusion(StrEnum):
    """What all checks come to."""

    ACCEPTED = "accepted"
    WITH_RESERVES = "with_reserves"
    REFUSED = "refused"
    """Something must be mended first; never in a record."""
    WAITING = "waiting"
    """Not known yet; never in a record."""


class Finding(Strict, frozen=True, kw_only=True):
    """One check; ``check`` is its name in ``agent.acceptance.decide``."""

    check: Annotated[str, Meta(max_length=32)]
    verdict: CheckVerdict
    why: Reason


class AcceptanceRecord(Strict, frozen=True, kw_only=True):
    """What was found on site, by whom it was signed, and when."""

    format: int = 1
    eui: str
    order: Annotated[int, Meta(ge=0)]
    """Number of the work order."""
    site: Annotated[str, Meta(max_length=200)]
    signed_at_us: int
    time_quality: int
    """``messages.TimeQuality`` of ``signed_at_us``."""
    conclusion: Conclusion
    findings: Annotated[tuple[Finding, ...], Meta(max_length=32)]
    installer: Annotated[str, Meta(min_length=1, max_length=NAME_LIMIT_CHARACTERS)]
    remarks: Annotated[str, Meta(max_length=REMARKS_LIMIT_CHARACTERS)] = ""
    photos_sha256: Annotated[tuple[str, ...], Meta(max_length=PHOTOS_LIMIT)] = ()
    drawing_sha256: str = ""
    """The hash of the signature as a PNG; empty: a typed name alone."""


class AcceptanceUpload(Strict, frozen=True, kw_only=True):
    """A signed record and its pictures."""

    eui: str
    record: Annotated[bytes, Meta(max_length=RECORD_LIMIT_BYTES)]
    """``AcceptanceRecord`` as JSON, as it was signed."""
    signature_hex: Annotated[str, Meta(max_length=160)]
    """ECDSA over P-256 with SHA-256, DER, over ``signed_bytes``."""
    photos: Annotated[tuple[bytes, ...], Meta(max_length=PHOTOS_LIMIT)] = ()
    drawing: Annotated[bytes, Meta(max_length=DRAWING_LIMIT_BYTES)] = b""


resolved(Finding, AcceptanceRecord, AcceptanceUpload)


def encode_record(record: AcceptanceRecord) -> bytes:
    """Return the bytes that are signed and kept."""
    return msgspec.json.encode(record)


def decode_record(document: bytes) -> AcceptanceRecord:
    """Return the record in ``document``.

    Raises:
        msgspec.DecodeError: it is none (``ValidationError`` is one).
    """
    return msgspec.json.decode(document, type=AcceptanceRecord)


def pictures_match(record: AcceptanceRecord, upload: AcceptanceUpload) -> bool:
    """Return whether the pictures are those that were signed."""
    photos = tuple(hashlib.sha256(photo).hexdigest() for photo in upload.photos)
    drawing = hashlib.sha256(upload.drawing).hexdigest() if upload.drawing else ""
    return photos == record.photos_sha256 and drawing == record.drawing_sha256


def sign_acceptance(key: "ec.EllipticCurvePrivateKey", record: bytes) -> str:
    """Return the signature of a record as hex."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    return key.sign(_SIGNED_PREFIX + record, ec.ECDSA(hashes.SHA256())).hex()


def acceptance_holds(public: "ec.EllipticCurvePublicKey", record: bytes, signature_hex: str) -> bool:
    """Return whether the private half of ``public`` signed the record."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    try:
        signature = bytes.fromhex(signature_hex)
        public.verify(signature, _SIGNED_PREFIX + record, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True

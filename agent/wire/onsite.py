"""The code that a gateway shows when the fleet asks it to: who reads it out stands in front of it.

    fleet    fresh P-256 key ─▶ its public half in the command ─▶ agree with the certificate's key ─▶ code
    gateway  its own private key ◀─ the public half in the command ─▶ agree ─▶ the same code, on its screen

Command, database and broker hold the public half alone, so that the code follows from nothing that anybody
can read or compute who is elsewhere.  It is of one gateway and one ticket, and lives for minutes.

Sources: DESIGN §7 "On site"; SEC 1 §3.3.1 (ECDH), RFC 5869 (HKDF), RFC 4226 §5.3 (truncation).
"""

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CODE_DIGITS = 6
CHALLENGE_CHARACTERS = 66
"""A compressed point of P-256: 33 bytes as hexadecimal."""
CURVE = ec.SECP256R1()


class ChallengeUnfit(ValueError):
    """What should be a point of P-256 is none."""


def challenge_of(fresh: ec.EllipticCurvePrivateKey) -> str:
    """Return what the command carries of a key that was made for this question."""
    return fresh.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint).hex()


def asked_code(
    fresh: ec.EllipticCurvePrivateKey, gateway: ec.EllipticCurvePublicKey, eui: str, ticket: int
) -> str:
    """Return the code that the fleet expects; ``gateway``: the key of its certificate."""
    return _code(fresh.exchange(ec.ECDH(), gateway), eui, ticket)


def shown_code(key: ec.EllipticCurvePrivateKey, challenge: str, eui: str, ticket: int) -> str:
    """Return the code that a gateway shows; ``key``: its own.

    Raises:
        ChallengeUnfit: the challenge is no point of the curve.
    """
    try:
        point = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, bytes.fromhex(challenge))
    except ValueError as error:
        raise ChallengeUnfit(str(error)) from error
    return _code(key.exchange(ec.ECDH(), point), eui, ticket)


def _code(shared: bytes, eui: str, ticket: int) -> str:
    info = f"passerelle on site/{eui}/{ticket}".encode()
    raw = HKDF(algorithm=hashes.SHA256(), length=8, salt=None, info=info).derive(shared)
    return f"{int.from_bytes(raw, 'big') % 10**CODE_DIGITS:0{CODE_DIGITS}d}"

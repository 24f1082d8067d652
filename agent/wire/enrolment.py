"""Enrolment over HTTP: a CSR with proof of the token, answered by a certificate.

POST {enrol_url}/api/v1/enrolments with ``EnrolmentRequest`` as JSON.  The token itself is never sent:
``proof`` is HMAC-SHA256, keyed by the token's derived key, over the EUI and the CSR, so that who listens
learns nothing and who changes the CSR is found out.  The fleet keeps the derived key only.
"""

import base64
import hashlib
import hmac

from agent.wire.configuration import Strict

_KEY_PREFIX = b"passerelle/enrolment/1\0"


class EnrolmentRequest(Strict, frozen=True, kw_only=True):
    """``csr_pem`` is for a P-256 key made on the gateway, subject CN = EUI."""

    eui: str
    csr_pem: str
    proof: str


class EnrolmentAnswer(Strict, frozen=True, kw_only=True):
    """Certificate for 90 days and the chain that the broker's certificate is checked with."""

    certificate_pem: str
    ca_pem: str


def token_key(token: str) -> bytes:
    """Return the derived key of a token: what the fleet stores."""
    return hashlib.sha256(_KEY_PREFIX + token.encode()).digest()


def proof_of(key: bytes, eui: str, csr_pem: str) -> str:
    """Return the proof that whoever made ``csr_pem`` for ``eui`` holds the token of ``key``."""
    digest = hmac.new(key, eui.encode() + b"\0" + csr_pem.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode()


def proof_holds(key: bytes, request: EnrolmentRequest) -> bool:
    """Return whether the request's proof was made with ``key`` (constant time)."""
    return hmac.compare_digest(proof_of(key, request.eui, request.csr_pem), request.proof)

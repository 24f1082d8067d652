"""RFC 3161 time stamps over the seal of a closed month: what is asked, and whether an answer proves it; pure.

Stamped are the 64 characters of the seal (SHA-256 over them is the imprint), so that anybody checks a stamp
without us: ``openssl ts -verify -data seal.txt -in sceau.tsr -CAfile authority.pem``.

Sources: RFC 3161 §2.4 for request and answer; rfc3161-client for coding and verification: the chain is judged
at the instant of the stamp, so a stamp outlives its authority's certificate.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from fleet.errors import SettingsError

US = 1_000_000
ATTEMPTS_LIMIT: Final = 40
"""To have one version stamped; with ``stamping.WAIT_LIMIT_US`` that is eight days."""


class TimestampError(ValueError):
    """An answer that proves nothing about the seal; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """Who stamps, and the certificates that its stamps are verified with."""

    url: str
    roots: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...] = ()


def read_authority(url: str, ca: str) -> Authority | None:
    """Return the authority of the settings; None: switched off.

    Raises:
        SettingsError: an address or certificates that cannot be used.
    """
    if not url:
        return None
    if not url.startswith(("http://", "https://")):
        raise SettingsError(f"timestamp_url: {url!r} is not http:// or https://")
    try:
        found = x509.load_pem_x509_certificates(Path(ca).read_bytes())
    except (OSError, ValueError) as error:
        raise SettingsError(f"timestamp_ca: {ca!r} has no certificates in PEM: {error}") from error
    roots = tuple(one for one in found if one.issuer == one.subject)
    if not roots:
        raise SettingsError(f"timestamp_ca: {ca!r} has no root, only certificates that another signed")
    return Authority(url=url, roots=roots, intermediates=tuple(one for one in found if one not in roots))


def request_of(seal: str) -> TimeStampRequest:
    """Return a request for a stamp over a seal, with a nonce."""
    return TimestampRequestBuilder(data=seal.encode(), hash_algorithm=HashAlgorithm.SHA256).build()


def verify(answer: bytes, seal: str, authority: Authority, request: TimeStampRequest | None = None) -> int:
    """Return when a seal was stamped, microseconds UTC; with its request, the nonce counts too.

    Raises:
        TimestampError: the answer does not prove it.
    """
    builder = VerifierBuilder(
        roots=list(authority.roots),
        intermediates=list(authority.intermediates),
        nonce=None if request is None else request.nonce,
    )
    try:
        decoded = decode_timestamp_response(answer)
        builder.build().verify_message(decoded, seal.encode())
        stamped = decoded.tst_info.gen_time
    except (VerificationError, ValueError) as error:
        raise TimestampError(f"{type(error).__name__}: {error}") from error
    return int(stamped.timestamp()) * US + stamped.microsecond

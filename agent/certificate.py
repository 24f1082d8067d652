"""From when to when a certificate holds, read from its DER; pure.

The agent looks every few minutes, without the 7 MB of ``cryptography``; whether the certificate is the
fleet's was checked when it was accepted (``keys.py``).

Sources: RFC 5280 §4.1 (order of the fields), §4.1.2.5 (two forms of an instant); X.690 §8.1 (lengths).
"""

import ssl
from datetime import UTC, datetime

from agent.wire import reasons

BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
SEQUENCE, EXPLICIT_VERSION, UTC_TIME, GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
CENTURY_TURNS_AT = 50
"""Years of two digits below it are 20xx."""
VALIDITY_INDEX = 3
"""In a TBSCertificate after its version: serial number, algorithm, issuer, validity."""


class BadCertificate(reasons.ReasonedError, ValueError):
    """A key or certificate that this gateway must not use; says why."""


def validity_us(pem: str) -> tuple[int, int]:
    """Return (from, until) of the first certificate in ``pem``, in microseconds of UTC.

    Raises:
        ValueError: there is none, or it cannot be read.
    """
    begins, ends = pem.find(BEGIN), pem.find(END)
    if begins < 0 or ends < begins:
        raise ValueError("no certificate")
    certificate = _elements(ssl.PEM_cert_to_DER_cert(pem[begins : ends + len(END)]))
    fields = _elements(_of_sequence(_elements(_of_sequence(certificate, 0)), 0))
    if fields and fields[0][0] == EXPLICIT_VERSION:
        del fields[0]
    instants = _elements(_of_sequence(fields, VALIDITY_INDEX))
    if len(instants) != 2:
        raise ValueError("a validity has two instants")
    return _instant_us(*instants[0]), _instant_us(*instants[1])


def _of_sequence(elements: list[tuple[int, bytes]], index: int) -> bytes:
    if index >= len(elements) or elements[index][0] != SEQUENCE:
        raise ValueError("no sequence where a certificate has one")
    return elements[index][1]


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Return (tag, content) of everything that stands in ``der``, one after the other."""
    found, at = [], 0
    while at < len(der):
        tag, length, at = der[at], int.from_bytes(der[at + 1 : at + 2], "big"), at + 2
        if length & 0x80:
            size_bytes = length & 0x7F
            length, at = int.from_bytes(der[at : at + size_bytes], "big"), at + size_bytes
        if at + length > len(der):
            raise ValueError("an element ends behind its certificate")
        found.append((tag, der[at : at + length]))
        at += length
    return found


def _instant_us(tag: int, content: bytes) -> int:
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = ("20" if int(text[:2]) < CENTURY_TURNS_AT else "19") + text
    elif tag != GENERALIZED_TIME:
        raise ValueError("an instant of no known form")
    if len(text) != len("YYYYMMDDHHMMSSZ") or text[-1] != "Z":
        raise ValueError(f"no instant: {text!r}")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    instant = datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
    return int(instant.timestamp()) * 1_000_000

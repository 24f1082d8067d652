"""CUPS of Basics Station, sans-IO: the question, the binary answer, and what a credentials blob holds.

    POST {cups}/update-info  {router, cupsUri, tcUri, cupsCredCrc, tcCredCrc, station, model, package, keys}
    1+n cupsUri | 1+n tcUri | 2+n cupsCred | 2+n tcCred | 4+n signature (its key's CRC first) | 4+n update

Lengths are little-endian; 0 says "unchanged".  A credentials blob is trust, certificate and key one after
the other, in DER; four zero bytes stand for an absent certificate, and a token stands in place of the key.

Sources: doc.sm.tc/station "The CUPS Protocol"; ``src/cups.c`` and ``src-linux/sys_linux.c`` of basicstation
2.0.6 for the CRC (an absent part counts as four zero bytes) and for the form of a token.
"""

import json
import zlib
from dataclasses import dataclass

from agent.connectors.basics_station.server import id6

ANSWER_LIMIT_BYTES = 2 * (1 + 255) + 2 * (2 + 0xFFFF) + 2 * 4 + 132
"""The longest answer up to where update data begin, which are never read."""
SIGNATURE_BYTES = range(8, 133)
"""CRC of the key and an ECDSA signature, as the reference has them."""
ABSENT = bytes(4)
TOKEN_LIMIT_BYTES = 8 * 1024
AUTHORIZATION = "authorization:"


class CupsError(ValueError):
    """An answer that cannot be obeyed; the text names the field and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to believe a server and be believed; DER, empty where there is none."""

    trust: bytes = b""
    certificate: bytes = b""
    key: bytes = b""
    token: str = ""
    """The value of the Authorization header, in place of certificate and key."""

    @property
    def crc(self) -> int:
        """The CRC32 by which the server knows which credentials we have."""
        secret = f"Authorization: {self.token}\r\n".encode() if self.token else self.key
        crc = 0
        for part in (self.trust, self.certificate, secret):
            crc = zlib.crc32(part or ABSENT, crc)
        return crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What CUPS changes; empty and None where it changes nothing."""

    cups_uri: str = ""
    tc_uri: str = ""
    cups_credentials: bytes = b""
    tc_credentials: bytes = b""
    update_bytes: int = 0
    """Length of a firmware update, which no server but the fleet may give."""

    @property
    def changes(self) -> bool:
        """Whether an address or credentials are new."""
        return bool(self.cups_uri or self.tc_uri or self.cups_credentials or self.tc_credentials)


def question(*, eui: str, cups_uri: str, tc_uri: str, cups_crc: int, tc_crc: int, version: str) -> bytes:
    """Return the body of the POST; no signing keys, because no update is taken."""
    return json.dumps(
        {
            "router": id6(eui),
            "cupsUri": cups_uri,
            "tcUri": tc_uri,
            "cupsCredCrc": cups_crc,
            "tcCredCrc": tc_crc,
            "station": f"passerelle {version}",
            "model": "passerelle",
            "package": version,
            "keys": [],
        },
        separators=(",", ":"),
    ).encode()


def parse_answer(content: bytes) -> Answer:
    """Return what the answer changes; update data need not be there whole.

    Raises:
        CupsError: cut short, something behind the end, or an address that is none.
    """
    rest = memoryview(content)
    parts: list[bytes] = []
    for name, width in (("cupsUri", 1), ("tcUri", 1), ("cupsCred", 2), ("tcCred", 2), ("signature", 4)):
        length, rest = _length(rest, name, width)
        if name == "signature" and length and length not in SIGNATURE_BYTES:
            raise CupsError(f"{name}: {length} bytes, not {SIGNATURE_BYTES[0]} to {SIGNATURE_BYTES[-1]}")
        if length > len(rest):
            raise CupsError(f"{name}: {length} bytes announced, {len(rest)} there")
        parts.append(bytes(rest[:length]))
        rest = rest[length:]
    update_bytes, rest = _length(rest, "update", 4)
    if len(rest) > update_bytes:
        raise CupsError(f"update: {len(rest) - update_bytes} bytes too many behind it")
    return Answer(
        cups_uri=_uri(parts[0], "cupsUri", ("http", "https")),
        tc_uri=_uri(parts[1], "tcUri", ("ws", "wss")),
        cups_credentials=parts[2],
        tc_credentials=parts[3],
        update_bytes=update_bytes,
    )


def split_credentials(blob: bytes) -> Credentials:
    """Return the parts of a credentials blob; only their lengths are looked at.

    Raises:
        CupsError: no DER where DER must be, cut short, or a token that is no text.
    """
    trust, rest = _sequence(blob, "trust")
    if rest[:1] == b"\x00":
        if rest[:4] != ABSENT:
            raise CupsError("certificate: neither DER nor four zero bytes")
        certificate, secret = b"", rest[4:]
    else:
        certificate, secret = _sequence(rest, "certificate")
    if certificate:
        if not secret:
            raise CupsError("key: missing beside a certificate")
        return Credentials(trust=trust, certificate=certificate, key=secret)
    return Credentials(trust=trust, token=authorization_of(secret))


def _length(rest: memoryview, name: str, width: int) -> tuple[int, memoryview]:
    if len(rest) < width:
        raise CupsError(f"{name}: the answer ends before its length")
    return int.from_bytes(rest[:width], "little"), rest[width:]


def _uri(content: bytes, name: str, schemes: tuple[str, ...]) -> str:
    try:
        uri = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise CupsError(f"{name}: not ASCII") from error
    scheme, _, rest = uri.partition("://")
    host = rest.partition("/")[0]
    if uri and (scheme not in schemes or not host or not uri.isprintable() or " " in uri):
        raise CupsError(
            f"{name}: {uri[:80]!r} is not {' or '.join(f'{scheme}://HOST' for scheme in schemes)}"
        )
    return uri


def _sequence(content: bytes, name: str) -> tuple[bytes, bytes]:
    """Return the DER SEQUENCE that ``content`` begins with, and what follows it."""
    if len(content) < 2 or content[0] != 0x30:
        raise CupsError(f"{name}: no DER sequence")
    head, length = 2, content[1]
    if length >= 0x80:
        head, width = 2 + (length & 0x7F), length & 0x7F
        if not 1 <= width <= 2 or len(content) < head:
            raise CupsError(f"{name}: a length of {width} bytes")
        length = int.from_bytes(content[2:head], "big")
    if head + length > len(content):
        raise CupsError(f"{name}: {head + length} bytes announced, {len(content)} there")
    return content[: head + length], content[head + length :]


def authorization_of(content: bytes) -> str:
    """Return the value of the Authorization header from a token, with or without the header's name.

    >>> authorization_of(b"Authorization: Bearer x"), authorization_of(b"Bearer x")
    ('Bearer x', 'Bearer x')

    Raises:
        CupsError: not ASCII, too long, or more than one line.
    """
    try:
        text = content.decode("ascii").strip("\r\n\0 ")
    except UnicodeDecodeError as error:
        raise CupsError("token: not ASCII") from error
    if text.lower().startswith(AUTHORIZATION):
        text = text[len(AUTHORIZATION) :].strip()
    if len(text) > TOKEN_LIMIT_BYTES or not (text.isprintable() or not text):
        raise CupsError(f"token: more than {TOKEN_LIMIT_BYTES} characters, or more than one line")
    return text

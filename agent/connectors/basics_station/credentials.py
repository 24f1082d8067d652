"""Addresses and credentials from CUPS on disk: two files, of which the newer whole one holds.

A change goes into the older file (written beside, synchronised, renamed), so that a power cut at any instant
leaves the set before or the set after.  A file belongs to the settings it was handed out for: another signed
configuration begins anew.  Both are readable by the agent's user alone; the folder too.
"""

import base64
import binascii
import hashlib
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from agent.connectors.basics_station.cups import Answer, Credentials, CupsError, split_credentials
from agent.durable import write_durably
from agent.wire.configuration import ConnectorConfig

FILE_LIMIT_BYTES = 512 * 1024
SLOTS = ("a", "b")


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOut:
    """What CUPS gave so far; None and empty where the connector's own settings hold."""

    generation: int = 0
    cups_uri: str = ""
    tc_uri: str = ""
    cups: Credentials | None = None
    tc: Credentials | None = None


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    origin: str
    generation: int
    cups_uri: str
    tc_uri: str
    cups: list[str] | None
    tc: list[str] | None


def origin_of(config: ConnectorConfig) -> str:
    """Return what identifies the settings that a set belongs to."""
    settings = (config.host, config.port, config.tls, config.ca_file, config.certificate_file)
    files = (config.key_file, config.token_file, config.cups)
    return hashlib.sha256(msgspec.json.encode([*settings, *files])).hexdigest()


def merged(before: HandedOut, answer: Answer) -> HandedOut:
    """Return what holds after an answer.

    Raises:
        CupsError: credentials that cannot be used; then nothing of the answer is taken.
    """
    after = before
    if answer.cups_uri:
        after = replace(after, cups_uri=answer.cups_uri)
    if answer.tc_uri:
        after = replace(after, tc_uri=answer.tc_uri)
    if answer.cups_credentials:
        after = replace(after, cups=usable(answer.cups_credentials, "cupsCred"))
    if answer.tc_credentials:
        after = replace(after, tc=usable(answer.tc_credentials, "tcCred"))
    return after


def usable(blob: bytes, name: str) -> Credentials:
    """Return credentials that are certificates and a key that fit each other.

    Raises:
        CupsError: they are not, with the part that is wrong.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    found = split_credentials(blob)
    try:
        x509.load_der_x509_certificate(found.trust)
        if found.certificate:
            certificate = x509.load_der_x509_certificate(found.certificate)
            key = serialization.load_der_private_key(found.key, None)
            if key.public_key() != certificate.public_key():
                raise CupsError(f"{name}: the key is not that of the certificate")
    except CupsError:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CupsError(f"{name}: {error}") from error
    return found


class CredentialStore:
    """The two files of one connector; ``load`` never raises, ``save`` raises OSError."""

    def __init__(self, folder: Path, origin: str) -> None:
        self._folder, self._origin = folder, origin
        self.damaged = 0

    def load(self) -> HandedOut:
        """Return the newest whole set of these settings, or an empty one."""
        ours = [found for _, origin, found in self._slots() if origin == self._origin]
        return max(ours, key=_generation, default=HandedOut())

    def save(self, handed_out: HandedOut) -> None:
        """Put a set down in place of the older one.

        Raises:
            OSError: the disk refused; what was there is there.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        held = {slot: found.generation for slot, _, found in self._slots()}
        slot = min(SLOTS, key=lambda name: held.get(name, -1))
        newest = replace(handed_out, generation=max(held.values(), default=0) + 1)
        write_durably(self._folder / slot, encode(newest, self._origin))

    def _slots(self) -> list[tuple[str, str, HandedOut]]:
        found = []
        for slot in SLOTS:
            try:
                with (self._folder / slot).open("rb") as file:
                    content = file.read(FILE_LIMIT_BYTES + 1)
                found.append((slot, *decode(content)))
            except FileNotFoundError:
                continue
            except (OSError, CupsError):
                self.damaged += 1
        return found


def encode(handed_out: HandedOut, origin: str) -> bytes:
    """Return the bytes of one file: a CRC, then the set."""
    body = msgspec.json.encode(
        _File(
            origin=origin,
            generation=handed_out.generation,
            cups_uri=handed_out.cups_uri,
            tc_uri=handed_out.tc_uri,
            cups=_texts(handed_out.cups),
            tc=_texts(handed_out.tc),
        )
    )
    return b"%08x %s" % (zlib.crc32(body), body)


def decode(content: bytes) -> tuple[str, HandedOut]:
    """Return what settings the set in one file belongs to, and the set.

    Raises:
        CupsError: torn, or not what was written.
    """
    crc, _, body = content.partition(b" ")
    try:
        if len(content) > FILE_LIMIT_BYTES or int(crc, 16) != zlib.crc32(body):
            raise CupsError("CRC or length")
        file = msgspec.json.decode(body, type=_File)
        handed_out = HandedOut(
            generation=file.generation,
            cups_uri=file.cups_uri,
            tc_uri=file.tc_uri,
            cups=_credentials(file.cups),
            tc=_credentials(file.tc),
        )
    except (ValueError, msgspec.DecodeError, binascii.Error) as error:
        raise CupsError(f"file: {error}") from error
    return file.origin, handed_out


def _texts(credentials: Credentials | None) -> list[str] | None:
    if credentials is None:
        return None
    parts = (credentials.trust, credentials.certificate, credentials.key)
    return [*(base64.b64encode(part).decode() for part in parts), credentials.token]


def _credentials(texts: list[str] | None) -> Credentials | None:
    if texts is None:
        return None
    parts, token = texts[:3], texts[3:]
    trust, certificate, key = (base64.b64decode(text, validate=True) for text in parts)
    return Credentials(trust=trust, certificate=certificate, key=key, token="".join(token))


def _generation(handed_out: HandedOut) -> int:
    return handed_out.generation

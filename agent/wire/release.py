"""A release of the agent: which parts it is made of; the file that the signed list of releases names.

Each part is one distribution of the lock (or our own code) as a compressed archive, named by its hash: what
did not change between two releases is not fetched again.  A release is for one architecture and one Python.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from agent.wire import reasons
from agent.wire.configuration import Strict
from agent.wire.misfit import misfit
from agent.wire.resolved import resolved

NAME_PATTERN = r"^[0-9A-Za-z][0-9A-Za-z.+-]{0,63}$"
PARTS_LIMIT = 64
PART_LIMIT_BYTES = 32_000_000
"""Packed; the largest today, cryptography, has 4 MB."""
UNPACKED_LIMIT_BYTES = 120_000_000
"""All parts of a release, unpacked."""
FILES_LIMIT = 10_000
RELEASE_LIMIT_BYTES = 64 * 1024
"""The file itself."""
URL_PATH = "/api/v1/releases"
"""Below it lie ``metadata/``, ``targets/`` and ``parts/``."""


class Part(Strict, frozen=True, kw_only=True):
    """One archive."""

    name: Annotated[str, Meta(pattern=NAME_PATTERN)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    packed_bytes: Annotated[int, Meta(ge=1, le=PART_LIMIT_BYTES)]
    unpacked_bytes: Annotated[int, Meta(ge=0, le=UNPACKED_LIMIT_BYTES)]
    files: Annotated[int, Meta(ge=1, le=FILES_LIMIT)]


class Release(Strict, frozen=True, kw_only=True):
    """One release for one kind of machine."""

    name: Annotated[str, Meta(pattern=NAME_PATTERN)]
    architecture: Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,16}$")]
    """As ``uname -m`` says it: x86_64, aarch64."""
    python: Annotated[str, Meta(pattern=r"^3\.[0-9]{1,2}$")]
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=PARTS_LIMIT)]

    @property
    def path(self) -> str:
        """Its name in the signed list."""
        return release_path(self.name, self.architecture, self.python)

    @property
    def packed_bytes(self) -> int:
        """Bytes of all parts, as they are fetched by who has none of them."""
        return sum(part.packed_bytes for part in self.parts)


resolved(Release)


class ReleaseUnfit(reasons.ReasonedError, ValueError):
    """A file that describes no release; ``why`` names the field and the rule."""


def release_path(name: str, architecture: str, python: str) -> str:
    """Return the name in the signed list.

    >>> release_path("0.2.0", "aarch64", "3.11")
    'releases/0.2.0/aarch64-3.11.json'
    """
    return f"releases/{name}/{architecture}-{python}.json"


def encode_release(release: Release) -> bytes:
    """Return canonical JSON: fields in the order of declaration, no spaces."""
    return msgspec.json.encode(release)


def decode_release(document: bytes) -> Release:
    """Return the release that a file describes.

    Raises:
        ReleaseUnfit: not JSON, a value outside its rule, too large as a whole, or two parts of one name.
    """
    try:
        release = msgspec.json.decode(document, type=Release)
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise ReleaseUnfit(reasons.release.unfit(cause=misfit(Release, document, error))) from error
    unpacked_bytes = sum(part.unpacked_bytes for part in release.parts)
    if unpacked_bytes > UNPACKED_LIMIT_BYTES:
        raise ReleaseUnfit(reasons.release.too_large(limit_bytes=UNPACKED_LIMIT_BYTES))
    if len({part.name for part in release.parts}) != len(release.parts):
        raise ReleaseUnfit(reasons.release.part_twice())
    return release

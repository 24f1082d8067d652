"""The images on this machine: one file each, written whole or not at all, checked again when read.

Layout: ``DIR/NAME.bin``, the raw bytes as the chip wants them.  The catalogue knows size and SHA-256, so
no second file can disagree with the first.
"""

import os
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from firmware.catalogue import CATALOGUE, RELEASE_URL, CatalogueEntry, Entries, digest, named
from firmware.errors import FirmwareRefused
from hal.errors import OurMistake
from hal.microcode import Images

DIRECTORY_VARIABLE = "PASSERELLE_FIRMWARE_DIR"
SYSTEM_DIRECTORY = Path("/var/lib/passerelle/firmware")
AGC, ARB, SX1261 = "agc_sx1250", "arb", "sx1261"


class State(StrEnum):
    """What a look at the store says of one image."""

    GOOD = "good"
    MISSING = "missing"
    TRUNCATED = "truncated"
    ALTERED = "altered"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """One image of the catalogue, as found."""

    entry: CatalogueEntry
    state: State
    path: Path
    size_bytes: int = 0


def default_directory() -> Path:
    """Return where images live: PASSERELLE_FIRMWARE_DIR, else /var/lib for root, else XDG_DATA_HOME."""
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return SYSTEM_DIRECTORY
    data_home = os.environ.get("XDG_DATA_HOME")
    base = Path(data_home) if data_home else Path.home() / ".local" / "share"
    return base / "passerelle" / "firmware"


def save(directory: Path, entry: CatalogueEntry, image: bytes) -> Path:
    """Write ``image`` under the name of ``entry``; a power cut leaves the old file or the new one.

    Raises:
        FirmwareRefused: the bytes are not those of the catalogue, or the directory cannot be written.
    """
    if digest(image) != entry.sha256:
        raise FirmwareRefused("wrong_content", where=entry.name, version=entry.version)
    path = directory / f"{entry.name}.bin"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=f".{entry.name}.")
        try:
            with os.fdopen(handle, "wb") as out:
                out.write(image)
                out.flush()
                os.fsync(out.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        _sync_directory(directory)
    except OSError as error:
        raise FirmwareRefused("unwritable", where=str(path), detail=error.strerror) from error
    return path


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def verify(directory: Path, entries: Entries = CATALOGUE) -> list[StoredImage]:
    """Return what is there of each image of the catalogue."""
    return [_verify_one(directory, entry) for entry in entries]


def _verify_one(directory: Path, entry: CatalogueEntry) -> StoredImage:
    path = directory / f"{entry.name}.bin"
    try:
        image = path.read_bytes()
    except FileNotFoundError:
        return StoredImage(entry=entry, state=State.MISSING, path=path)
    except OSError as error:
        raise FirmwareRefused("unreadable", where=str(path), detail=error.strerror) from error
    if digest(image) == entry.sha256:
        state = State.GOOD
    else:
        state = State.TRUNCATED if len(image) < entry.size_bytes else State.ALTERED
    return StoredImage(entry=entry, state=state, path=path, size_bytes=len(image))


def load(directory: Path | None = None, entries: Entries = CATALOGUE) -> Images:
    """Return the images that a start needs, checked again; the SX1261's patch where it is there.

    Raises:
        hal.errors.OurMistake: an image is missing, truncated or altered; the message says what to run.
    """
    store = directory if directory is not None else default_directory()
    return Images(
        agc=_read(store, named(AGC, entries)),
        arb=_read(store, named(ARB, entries)),
        sx1261=_read(store, named(SX1261, entries)) if (store / f"{SX1261}.bin").exists() else None,
    )


def _read(directory: Path, entry: CatalogueEntry) -> bytes:
    path = directory / f"{entry.name}.bin"
    remedy = f"run `passerelle firmware import PATH` with Semtech's release ({RELEASE_URL})"
    try:
        image = path.read_bytes()
    except OSError as error:
        raise OurMistake(f"no firmware image ({error.strerror}); {remedy}", where=str(path)) from error
    if digest(image) != entry.sha256:
        raise OurMistake(
            f"{len(image)} bytes that are not {entry.name} {entry.version}; {remedy}", where=str(path)
        )
    return image

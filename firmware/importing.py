"""From what someone hands us to images in the store: look at each candidate, keep what is known."""

from dataclasses import dataclass
from pathlib import Path

from firmware.c_array import parse_c_array
from firmware.catalogue import CATALOGUE, RELEASE, CatalogueEntry, Entries, recognise, shipped_as
from firmware.errors import FirmwareRefused
from firmware.sources import candidates
from firmware.store import save

REASONS_SHOWN = 3
"""Files in the message of a failed import; each says why it is none of the images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """One image taken from one file."""

    entry: CatalogueEntry
    source: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """One file that looked like an image and is none of the catalogue's."""

    source: str
    error: FirmwareRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an import did, file by file."""

    imported: tuple[Imported, ...]
    refused: tuple[RefusedFile, ...]


def import_firmware(path: Path, directory: Path, entries: Entries = CATALOGUE) -> Outcome:
    """Store every known image that ``path`` holds.

    Raises:
        FirmwareRefused: nothing in ``path`` is an image of the catalogue, or it cannot be read.
    """
    imported: list[Imported] = []
    refused: list[RefusedFile] = []
    for source, content in candidates(path):
        try:
            image = decode(source, content)
            entry = recognise(image, entries)
            if entry is None:
                raise _why_unknown(source, image, entries)
            imported.append(Imported(entry=entry, source=source, path=save(directory, entry, image)))
        except FirmwareRefused as error:
            refused.append(RefusedFile(source=source, error=error))
    if not imported:
        reasons = "".join(f"\n  {one.source}: {one.error.reason('fr')}" for one in refused[:REASONS_SHOWN])
        raise FirmwareRefused("nothing", where=str(path), release=RELEASE, reasons=reasons)
    return Outcome(imported=tuple(imported), refused=tuple(refused))


def decode(source: str, content: bytes) -> bytes:
    """Return the raw image of one file: a C array as text, or the bytes themselves.

    Raises:
        FirmwareRefused: a ``.var`` file that holds no array.
    """
    if not source.endswith(".var"):
        return content
    try:
        text = content.decode("ascii")
    except UnicodeDecodeError as error:
        raise FirmwareRefused("not_text", index=error.start) from error
    return parse_c_array(text)


def _why_unknown(source: str, image: bytes, entries: Entries) -> FirmwareRefused:
    expected = shipped_as(source.rsplit("/", 1)[-1], entries)
    if expected is None:
        return FirmwareRefused("unknown_image", size=len(image))
    if len(image) != expected.size_bytes:
        return FirmwareRefused("wrong_size", size=len(image), expected=expected.size_bytes)
    return FirmwareRefused("wrong_content", version=expected.version)

"""Imports images: looks at each candidate in what an installer hands over, and stores those that are known.

Semtech ships its images as C array initialisers (``{ 0x8A, 0x51, … }``).  Only numbers, commas, comments and
one pair of braces are understood; anything else is refused with its index, never guessed.

Sources: sx1302_hal v2.1.0 ``libloragw/src/*.var`` (``static uint8_t NAME[8192] = {…};``,
``const uint32_t pram[] = {…};``).
"""

import re
from dataclasses import dataclass
from pathlib import Path

from firmware.catalogue import CATALOGUE, RELEASE, CatalogueEntry, Entries, recognise, shipped_as
from firmware.errors import FirmwareRefused
from firmware.sources import candidates
from firmware.store import save

TEXT_LIMIT_BYTES = 1_048_576
"""The largest file of the release is 57 KiB of text."""
ELEMENT_LIMIT = 65_536
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HEADER = re.compile(
    r"\b(?P<type>uint8_t|uint16_t|uint32_t)\s+(?P<name>\w+)\s*\[\s*(?P<size>\d*)\s*\]\s*=\s*\{"
)
NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]{0,3}\Z")
WIDTHS = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}
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


def parse_c_array(text: str, *, where: str = "") -> bytes:
    """Return the elements of the only array in ``text``, each big endian in the width of its type.

    >>> parse_c_array("static uint8_t a[3] = { 0x01, 2, 0xFF };").hex()
    '0102ff'
    >>> parse_c_array("const uint32_t p[] = {0x337fe1};").hex()
    '00337fe1'

    Raises:
        FirmwareRefused: no array, no end, something that is not a number, or the announced size not met.
    """
    if len(text) > TEXT_LIMIT_BYTES:
        raise FirmwareRefused("too_big", where=where, size=len(text), limit=TEXT_LIMIT_BYTES)
    bare = COMMENT.sub(" ", text)
    header = HEADER.search(bare)
    if header is None:
        raise FirmwareRefused("no_array", where=where)
    end = bare.find("}", header.end())
    if end < 0:
        raise FirmwareRefused("not_closed", where=where)
    tokens = [token.strip() for token in bare[header.end() : end].split(",")]
    if tokens and not tokens[-1]:
        tokens.pop()
    if len(tokens) > ELEMENT_LIMIT:
        raise FirmwareRefused("too_many_elements", where=where, count=len(tokens), limit=ELEMENT_LIMIT)
    announced = header["size"]
    if announced and int(announced) != len(tokens):
        raise FirmwareRefused("size_announced", where=where, announced=announced, count=len(tokens))
    return _pack(tokens, WIDTHS[header["type"]], where)


def _pack(tokens: list[str], width: int, where: str) -> bytes:
    packed = bytearray()
    for index, token in enumerate(tokens):
        if not NUMBER.match(token):
            raise FirmwareRefused("not_a_number", where=where, index=index, token=token[:20])
        value = int(token.rstrip("uUlL"), 0) if token[:2].lower() == "0x" else int(token.rstrip("uUlL"))
        if value >= 1 << (8 * width):
            raise FirmwareRefused("too_wide", where=where, index=index, token=token[:20], width=width)
        packed += value.to_bytes(width, "big")
    return bytes(packed)

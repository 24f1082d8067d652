"""Bytes out of a C array initialiser, as Semtech ships its images: ``{ 0x8A, 0x51, … }``.

Only numbers, commas, comments and one pair of braces are understood; anything else is refused with its
place, never guessed.

Sources: sx1302_hal v2.1.0 ``libloragw/src/*.var`` (``static uint8_t NAME[8192] = {…};``,
``const uint32_t pram[] = {…};``).
"""

import re

from firmware.errors import FirmwareRefused

TEXT_LIMIT_BYTES = 1_048_576
"""The largest file of the release is 57 KiB of text."""
ELEMENT_LIMIT = 65_536
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
HEADER = re.compile(
    r"\b(?P<type>uint8_t|uint16_t|uint32_t)\s+(?P<name>\w+)\s*\[\s*(?P<size>\d*)\s*\]\s*=\s*\{"
)
NUMBER = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]{0,3}\Z")
WIDTHS = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4}


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

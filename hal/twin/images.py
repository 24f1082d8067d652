"""Synthetic firmware images of the virtual chip: right in size and parity, and no vendor's code.

The twin knows a program by its SHA-256: Semtech's own (hashes only) and those made here.  A synthetic
image is a stream from a fixed seed, every word with the even-parity bit that the chip checks.

Sources: FACTS §7 (sizes, versions, hashes; 4096 little-endian words of 14 bits, bit 14 = even parity,
SX1261 patch of 386 words sent big endian).
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

MCU_IMAGE_BYTES = 8192
PATCH_WORDS = 386
PATCH_BYTES = PATCH_WORDS * 4
INSTRUCTION_MASK = 0x3FFF
PARITY_BIT = 0x4000


class Program(StrEnum):
    """What an image is for."""

    AGC = "agc"
    ARB = "arb"
    SX1261 = "sx1261"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownImage:
    """A program that the twin recognises."""

    program: Program
    version: int
    name: str


SEMTECH_IMAGES = {
    "8f612e878b946b8c7cc59a5fc27ad33bb18ab92ad6e291d873f5d6bb7daae0d4": KnownImage(
        program=Program.AGC, version=10, name="agc_firmware_sx1250"
    ),
    "28d05612240627fb9e61ec43eba661e96d24805e1ce62b2d800c8461d400ae66": KnownImage(
        program=Program.AGC, version=6, name="agc_firmware_sx125x"
    ),
    "a6f542395e29cd258917f5948d1067ab18e3cf08ce5ee250e2caa08539f80fd0": KnownImage(
        program=Program.ARB, version=2, name="arb_firmware"
    ),
    "2f1a728415a38298d07b77ebb1b54c9b9cdfe21fd830bf842d79d73f23b99074": KnownImage(
        program=Program.SX1261, version=0x2D06, name="sx1261_pram"
    ),
}
"""SHA-256 of Semtech's images (FACTS §7)."""


def even_parity_bit(instruction: int) -> int:
    """Return bit 14 for the 14 bits of ``instruction``.

    >>> hex(even_parity_bit(0x0007))
    '0x4000'
    """
    return PARITY_BIT if (instruction & INSTRUCTION_MASK).bit_count() & 1 else 0


def parity_holds(image: bytes) -> bool:
    """Return whether every little-endian word of ``image`` carries its even parity in bit 14."""
    if not image or len(image) % 2:
        return False
    lanes = len(image) // 2
    folded = int.from_bytes(image, "little") & _lanes(0x7FFF, lanes)
    for shift, mask in ((8, 0x00FF), (4, 0x000F), (2, 0x0003), (1, 0x0001)):
        folded = (folded ^ folded >> shift) & _lanes(mask, lanes)
    return folded == 0


@cache
def _lanes(word: int, count: int) -> int:
    """Return ``word`` repeated in ``count`` lanes of 16 bits."""
    return int.from_bytes(word.to_bytes(2, "little") * count, "little")


def _stream(name: str) -> Iterator[int]:
    """Yield 14-bit values that depend on ``name`` only."""
    block = hashlib.sha256(f"passerelle synthetic {name}".encode()).digest()
    while True:
        for index in range(0, len(block), 2):
            yield (block[index] << 8 | block[index + 1]) & INSTRUCTION_MASK
        block = hashlib.sha256(block).digest()


def _mcu_image(name: str) -> bytes:
    words = _stream(name)
    image = bytearray()
    for _ in range(MCU_IMAGE_BYTES // 2):
        instruction = next(words)
        image += (instruction | even_parity_bit(instruction)).to_bytes(2, "little")
    return bytes(image)


@cache
def synthetic_agc() -> bytes:
    """Return the AGC image of version 10 for SX1250 radios."""
    return _mcu_image("agc sx1250 10")


@cache
def synthetic_arb() -> bytes:
    """Return the ARB image of version 2."""
    return _mcu_image("arb 2")


@cache
def synthetic_sx1261() -> bytes:
    """Return the SX1261 patch of version 2D06, 386 words big endian."""
    words = _stream("sx1261 2D06")
    return b"".join(next(words).to_bytes(4, "big") for _ in range(PATCH_WORDS))


@cache
def known_images() -> dict[str, KnownImage]:
    """Return every program that the twin recognises, by SHA-256: Semtech's and the synthetic ones."""
    synthetic = {
        synthetic_agc(): KnownImage(program=Program.AGC, version=10, name="synthetic_agc"),
        synthetic_arb(): KnownImage(program=Program.ARB, version=2, name="synthetic_arb"),
        synthetic_sx1261(): KnownImage(program=Program.SX1261, version=0x2D06, name="synthetic_sx1261"),
    }
    return SEMTECH_IMAGES | {hashlib.sha256(image).hexdigest(): known for image, known in synthetic.items()}

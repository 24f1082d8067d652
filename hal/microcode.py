"""The programs of the chip's microcontrollers and the patch of the SX1261: bytes with a size and a version.

No image is in this repository: a gateway loads what was imported from Semtech's release, the virtual
chip its own synthetic ones.  Which bytes are genuine is for ``firmware`` to say; here only what the
loader needs: that they fit, and which version they must report.

Sources: FACTS §7 (sizes, versions, parity bit of the words), §11 (SX1261 patch).
"""

from dataclasses import dataclass

from hal.errors import OurMistake

MCU_IMAGE_BYTES = 8192
SX1261_PATCH_BYTES = 1544
AGC_VERSION_SX1250 = 10
ARB_VERSION = 2
SX1261_PATCH_VERSION = "2D06"
WORD_BITS = 15
"""14 bits of instruction and one even-parity bit; bit 15 is another check we cannot compute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """What is loaded at start; ``sx1261`` only where the board has one and it is used.

    Raises:
        hal.errors.OurMistake: an image of the wrong size or with broken words.
    """

    agc: bytes
    arb: bytes
    sx1261: bytes | None = None
    agc_version: int = AGC_VERSION_SX1250
    arb_version: int = ARB_VERSION
    sx1261_version: str = SX1261_PATCH_VERSION

    def __post_init__(self) -> None:
        check_mcu_image("AGC", self.agc)
        check_mcu_image("ARB", self.arb)
        if self.sx1261 is not None and len(self.sx1261) != SX1261_PATCH_BYTES:
            raise OurMistake(
                f"{len(self.sx1261)} bytes, must be {SX1261_PATCH_BYTES}", where="image of the SX1261 patch"
            )


def check_mcu_image(name: str, image: bytes) -> None:
    """Check size and word parity of one microcontroller image.

    Raises:
        hal.errors.OurMistake: the image is truncated or damaged.
    """
    if len(image) != MCU_IMAGE_BYTES:
        raise OurMistake(
            f"{len(image)} bytes, must be {MCU_IMAGE_BYTES}: truncated or not an image", where=f"{name} image"
        )
    broken = first_broken_word(image)
    if broken is not None:
        raise OurMistake(f"parity of word {broken} is wrong: damaged image", where=f"{name} image")


def first_broken_word(image: bytes) -> int | None:
    """Return the index of the first 16-bit word whose bit 14 is not the parity of bits 13..0."""
    mask = (1 << WORD_BITS) - 1
    for index in range(0, len(image), 2):
        word = (image[index] | image[index + 1] << 8) & mask
        if word.bit_count() & 1:
            return index // 2
    return None

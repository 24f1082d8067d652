"""Images are checked before they are loaded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import OurMistake
from hal.microcode import MCU_IMAGE_BYTES, Images, first_broken_word
from hal.open import synthetic_images

GOOD = synthetic_images()


@pytest.mark.parametrize("size", [0, MCU_IMAGE_BYTES - 1, MCU_IMAGE_BYTES + 1])
def test_a_truncated_image_is_refused(size: int) -> None:
    with pytest.raises(OurMistake, match=f"AGC image: {size} bytes, must be 8192"):
        Images(agc=(GOOD.agc + b"\0")[:size], arb=GOOD.arb)


def test_a_patch_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(OurMistake, match="1 bytes, must be 1544"):
        Images(agc=GOOD.agc, arb=GOOD.arb, sx1261=b"\0")


@given(st.integers(0, MCU_IMAGE_BYTES * 8 - 1))
def test_one_flipped_bit_is_found_in_its_word(position: int) -> None:
    image = bytearray(GOOD.arb)
    image[position // 8] ^= 1 << position % 8
    word, bit = position // 16, position % 16

    # bit 15 is a check that cannot be computed from the word alone (FACTS §7)
    assert first_broken_word(bytes(image)) == (None if bit == 15 else word)


def test_a_damaged_image_is_refused_with_its_word() -> None:
    damaged = bytearray(GOOD.agc)
    damaged[100] ^= 1

    with pytest.raises(OurMistake, match="AGC image: parity of word 50 is wrong"):
        Images(agc=bytes(damaged), arb=GOOD.arb)


@pytest.mark.parametrize("word", [0, 1, MCU_IMAGE_BYTES // 2 - 1])
@pytest.mark.parametrize("octet", [0, 1])
def test_the_first_and_the_last_word_are_checked_too(word: int, octet: int) -> None:
    image = bytearray(GOOD.arb)
    image[2 * word + octet] ^= 1
    assert first_broken_word(bytes(image)) == word

"""C initialisers to bytes: what Semtech writes, and what damage looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware.errors import FirmwareRefused
from firmware.importing import ELEMENT_LIMIT, TEXT_LIMIT_BYTES, parse_c_array


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("static uint8_t a[3] = { \n0x8A, 0x51, 255, \n }; \n", "8a51ff"),
        ("const uint32_t pram[] = {\n0x337fe1,\n0x378ff\n};\n#define PRAM_COUNT 2", "00337fe1000378ff"),
        ("uint16_t a[]={0x1234U,7ul};", "12340007"),
        ("uint8_t a[2] = { 1 /* one */, // two\n 2 };", "0102"),
        ("/* uint8_t no[1] = {9}; */ uint8_t a[1] = {1};", "01"),
        ("uint8_t a[] = {};", ""),
    ],
)
def test_arrays_as_they_are_written(text: str, expected: str) -> None:
    assert parse_c_array(text).hex() == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "no_array"),
        ("int a[] = {1};", "no_array"),
        ("uint8_t a[3] = { 1, 2, 3", "not_closed"),
        ("uint8_t a[3] = { 1, 2 };", "size_announced"),
        ("uint8_t a[] = { 1, , 3 };", "not_a_number"),
        ("uint8_t a[] = { 1, sizeof(x), 3 };", "not_a_number"),
        ("uint8_t a[] = { -1 };", "not_a_number"),
        ("uint8_t a[] = { 0x };", "not_a_number"),
        ("uint8_t a[] = { 256 };", "too_wide"),
        ("uint32_t a[] = { 0x100000000 };", "too_wide"),
        ("x" * (TEXT_LIMIT_BYTES + 1), "too_big"),
        (f"uint8_t a[] = {{ {'0,' * (ELEMENT_LIMIT + 1)} }};", "too_many_elements"),
    ],
)
def test_damage_is_named(text: str, key: str) -> None:
    with pytest.raises(FirmwareRefused) as refused:
        parse_c_array(text, where="x.var")
    assert refused.value.key == key
    assert refused.value.text("fr").startswith("x.var")


def test_exactly_at_the_limit_it_passes() -> None:
    assert len(parse_c_array(f"uint8_t a[] = {{ {'0,' * ELEMENT_LIMIT} }};")) == ELEMENT_LIMIT


@given(data=st.binary(max_size=200))
def test_what_is_written_reads_back(data: bytes) -> None:
    text = f"static uint8_t image[{len(data)}] = {{ {', '.join(f'0x{byte:02X}' for byte in data)} }};"
    assert parse_c_array(text) == data


@given(text=st.text(max_size=200))
def test_any_text_gives_bytes_or_a_named_refusal(text: str) -> None:
    try:
        outcome: object = parse_c_array("uint8_t a[] = {" + text)
    except FirmwareRefused as refused:
        outcome = refused.text("en").encode()
    assert isinstance(outcome, bytes)

"""Fields go in and out of bytes without touching their neighbours: over the whole register map."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.registers import BY_NAME, NAMES_AT, POWER_ON, describe
from hal.registers.bitfields import Field, extract, insert

FIELDS = sorted(BY_NAME.items())
fields = st.sampled_from([field for _, field in FIELDS])
byte = st.integers(0, 255)


def test_the_map_is_complete() -> None:
    # FACTS §3: 1,044 fields, 589 addresses; 298 bytes are not zero after power-on (FACTS §13)
    assert len(BY_NAME) == 1044
    assert len(NAMES_AT) == 589
    assert sum(1 for value in POWER_ON.values() if value) == 298
    assert sum(field.read_only for _, field in FIELDS) == 108
    assert sum(field.signed for _, field in FIELDS) == 44
    assert sum(field.whole_byte for _, field in FIELDS) == 270
    assert sum(not field.checkable for _, field in FIELDS) == 19


def test_no_two_fields_share_a_bit() -> None:
    taken: dict[int, int] = {}
    for name, field in FIELDS:
        assert taken.get(field.address, 0) & field.mask == 0, name
        taken[field.address] = taken.get(field.address, 0) | field.mask


def test_every_default_fits_its_field() -> None:
    for name, field in FIELDS:
        assert extract(field, insert(field, field.default, 0)) == field.default, name


@given(fields, byte, st.data())
def test_what_goes_in_comes_out(field: Field, before: int, data: st.DataObject) -> None:
    low = -(1 << field.length - 1) if field.signed else 0
    high = (1 << field.length - 1) - 1 if field.signed else (1 << field.length) - 1
    value = data.draw(st.integers(low, high))

    assert extract(field, insert(field, value, before)) == value


@given(fields, st.integers(-300, 300), byte)
def test_neighbours_are_spared(field: Field, value: int, before: int) -> None:
    after = insert(field, value, before)

    assert 0 <= after <= 255
    assert after & ~field.mask == before & ~field.mask


@given(fields, st.integers(-0x200, 0x200))
def test_a_moved_field_differs_by_its_address_only(field: Field, by: int) -> None:
    assert field.moved(by).moved(-by) == field
    assert field.moved(by).mask == field.mask


@pytest.mark.parametrize(("offset", "length"), [(-1, 1), (0, 0), (4, 5), (8, 1)])
def test_a_field_that_leaves_the_byte_is_refused(offset: int, length: int) -> None:
    with pytest.raises(ValueError, match="leave the byte"):
        Field(0x5600, offset, length)


def test_an_address_is_described_by_the_field_that_lives_there() -> None:
    assert describe(0x5606) == "0x5606 COMMON_VERSION_VERSION"
    assert describe(0x4000) == "0x4000"

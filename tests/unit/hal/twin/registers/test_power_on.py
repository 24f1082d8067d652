"""The power-on values against the vendor's table, byte by byte."""

import json

from hal.twin.registers.power_on import ADDRESS_SPACE_BYTES, POWER_ON, READ_ONLY, power_on_bytes
from tests.golden.files import golden_text


def fields() -> list[dict[str, int]]:
    return list(json.loads(golden_text("registers.json")))


def test_every_default_is_the_vendors() -> None:
    expected: dict[int, int] = {}
    for field in fields():
        mask = (1 << field["leng"]) - 1
        place = (field["dflt"] & mask) << field["offs"]
        expected[field["addr"]] = expected.get(field["addr"], 0) | place
    space = power_on_bytes()
    assert {address: space[address] for address in expected} == expected
    mapped = {start + index for start, digits in POWER_ON.items() for index in range(len(digits) // 2)}
    assert mapped == set(expected)


def test_read_only_bytes_are_those_whose_every_field_is() -> None:
    writable = {field["addr"] for field in fields() if not field["ro"]}
    expected = {field["addr"] for field in fields()} - writable
    assert {address for start, end in READ_ONLY for address in range(start, end)} == expected


def test_memories_are_zero_and_the_space_has_15_bits() -> None:
    space = power_on_bytes()
    assert len(space) == ADDRESS_SPACE_BYTES == 1 << 15
    assert not any(space[:0x5000])

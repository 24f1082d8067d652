"""What is known, what must go out, and how few transactions it takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.bus.shadow import BRIDGE_LIMIT_BYTES, Shadow, bridged, bytes_of, goes_out_always, segments
from hal.registers import BY_NAME
from hal.registers.bitfields import Field, insert

A = Field(0x5800, 0, 8)
B = Field(0x5801, 0, 8)
HALF = Field(0x5802, 4, 4)
addresses = st.sampled_from(sorted({field.address for field in BY_NAME.values()}))


def test_fields_of_one_byte_join_at_the_last_place() -> None:
    low = Field(0x5802, 0, 4)

    assert bytes_of([(low, 1), (A, 7), (HALF, 2)], {0x5802: 0xFF}) == [(0x5800, 7), (0x5802, 0x21)]


def test_a_part_of_an_unknown_byte_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        bytes_of([(HALF, 1)], {})


def test_only_neighbours_going_up_join() -> None:
    assert segments([(2, 9), (3, 8)]) == [(2, b"\x09\x08")]
    assert segments([(3, 8), (2, 9)]) == [(3, b"\x08"), (2, b"\x09")]
    assert segments([(1, 1), (3, 3)]) == [(1, b"\x01"), (3, b"\x03")]
    assert segments([]) == []


def test_a_burst_ends_at_its_limit() -> None:
    sizes = [len(data) for _, data in segments([(at, 0) for at in range(1025)])]

    assert sizes == [1024, 1]


@given(st.lists(st.tuples(addresses, st.integers(0, 255)), max_size=60))
def test_segments_write_the_same_bytes_in_the_same_order(values: list[tuple[int, int]]) -> None:
    written = [(at + index, byte) for at, data in segments(values) for index, byte in enumerate(data)]

    assert written == values


@given(st.lists(st.tuples(st.sampled_from(sorted(BY_NAME)), st.integers(0, 255)), min_size=1, max_size=40))
def test_joined_writes_end_as_single_ones_do(writes: list[tuple[str, int]]) -> None:
    one_by_one = {BY_NAME[name].address: 0x5A for name, _ in writes}
    known = dict(one_by_one)
    for name, value in writes:
        field = BY_NAME[name]
        one_by_one[field.address] = insert(field, value, one_by_one[field.address])

    final = dict(bytes_of([(BY_NAME[name], value) for name, value in writes], known))

    for address, byte in final.items():
        mask = 0
        for name, _ in writes:
            mask |= BY_NAME[name].mask if BY_NAME[name].address == address else 0
        whole = any(BY_NAME[name].whole_byte for name, _ in writes if BY_NAME[name].address == address)
        assert byte & mask == one_by_one[address] & mask
        assert whole or byte == one_by_one[address]


def test_what_was_only_read_is_written_once() -> None:
    shadow = Shadow()
    shadow.learn(0x5800, b"\x05", written=False)
    assert shadow.get(0x5800) == 5
    assert not shadow.holds(0x5800, 5)

    shadow.learn(0x5800, b"\x05", written=True)
    assert shadow.holds(0x5800, 5)
    assert not shadow.holds(0x5800, 6)


@pytest.mark.parametrize(
    "address",
    [0x0000, 0x3FFF, 0x4000, 0x5200, 0x5207, 0x5300, 0x55FF, 0x5789, 0x578C, 0x5400, 0x6180, 0x6089, 0x587F],
)
def test_triggers_memories_and_mailboxes_always_go_out(address: int) -> None:
    shadow = Shadow()
    shadow.learn(address, b"\x01", written=True)

    assert goes_out_always(address)
    assert not shadow.holds(address, 1)


def test_bits_of_the_chip_are_not_remembered() -> None:
    shadow = Shadow()
    shadow.learn(0x5780, b"\x15", written=False)  # bit 0 is the AGC's parity error

    assert shadow.get(0x5780) == 0x14


def test_a_reset_forgets() -> None:
    shadow = Shadow()
    shadow.learn(0x5800, b"\x05", written=True)
    shadow.forget()

    assert shadow.get(0x5800) is None
    assert not shadow.holds(0x5800, 5)
    assert dict(shadow.known()) == {}


KNOWN_AT = range(0x5800, 0x58C2)


@given(
    st.lists(
        st.tuples(st.sampled_from(KNOWN_AT[:-4]), st.binary(min_size=1, max_size=4)), min_size=1, max_size=20
    ),
    st.binary(min_size=len(KNOWN_AT), max_size=len(KNOWN_AT)),
)
def test_a_bridged_burst_leaves_every_byte_as_the_segments_do(
    parts: list[tuple[int, bytes]], before: bytes
) -> None:
    shadow = Shadow()
    shadow.learn(KNOWN_AT[0], before, written=False)

    def after(segments_: list[tuple[int, bytes]]) -> dict[int, int]:
        memory = dict(zip(KNOWN_AT, before, strict=True))
        for at, data in segments_:
            memory.update(enumerate(data, start=at))
        return memory

    joined = bridged(parts, shadow)

    assert after(joined) == after(parts)
    assert len(joined) <= len(parts)


def test_a_gap_that_may_not_be_written_stays_one() -> None:
    shadow = Shadow()
    shadow.learn(0x5200, bytes(0x40), written=False)
    over_a_gate = [(0x5205, b"\x01\x02"), (0x5209, b"\x01")]
    unknown = [(0x5800, b"\x01"), (0x5802, b"\x01")]
    far = [(0x5220, b"\x01"), (0x5222 + BRIDGE_LIMIT_BYTES, b"\x01")]
    back = [(0x5221, b"\x01"), (0x5220, b"\x01")]
    for parts in (over_a_gate, unknown, far, back):
        assert bridged(parts, shadow) == parts
    assert bridged([(0x5220, b"\x07"), (0x5222, b"\x09")], shadow) == [(0x5220, b"\x07\0\x09")]

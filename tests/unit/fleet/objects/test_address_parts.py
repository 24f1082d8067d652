"""However many addresses there are, few are held at once, and every one is counted once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.objects.address_parts import PARTS_LIMIT, Part, TooManyAddresses, in_parts


@given(st.sets(st.integers(0, 2**32 - 1), max_size=200), st.sampled_from([1, 2, 8, PARTS_LIMIT]))
def test_every_address_is_in_exactly_one_part(addresses, parts):
    found = [address for number in range(parts) for address in Part(number, parts).of(addresses)]
    assert Counter(found) == Counter(addresses)


@pytest.mark.parametrize(("addresses", "parts"), [(100, 1), (101, 2), (900, 16)])
def test_as_few_parts_as_hold_so_many(addresses, parts):
    def count(part: Part) -> int | None:
        held = len(list(part.of(range(addresses))))
        return None if held > 100 else held

    found = in_parts(count)
    assert (len(found), sum(found)) == (parts, addresses)


def test_beyond_the_limit_nothing_is_counted():
    asked: list[Part] = []
    with pytest.raises(TooManyAddresses, match="64 parts"):
        in_parts(asked.append)
    assert [part.parts for part in asked] == [1, 2, 4, 8, 16, 32, PARTS_LIMIT]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.airtime.pictures import CELLS_LIMIT, COUNT_LIMIT, Picture, Traffic, growth, read_picture

COUNTS = st.integers(0, 10**6)
CELLS = st.dictionaries(
    st.tuples(st.sampled_from([867_100_000, 868_100_000]), st.integers(7, 12)),
    st.builds(Traffic, COUNTS, COUNTS, COUNTS),
)


def test_a_note_is_read_by_channel_and_sf() -> None:
    told = {"868100000.12": "3/1/4200", "868300000.0": "1/0/5", "noise_floor": "estimated"}
    told |= {"noise_estimated.868100000": -112.4, "noise_measured.868100000": -114.0}
    found = read_picture(told)
    assert found.cells == {(868_100_000, 12): Traffic(3, 1, 4200), (868_300_000, 0): Traffic(1, 0, 5)}
    assert found.noise_dbm == {868_100_000: -114.0}
    assert (found.total(), found.by_sf()) == (Traffic(4, 1, 4205), {12: 3, 0: 1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("868100000.13", "1/0/1"),
        ("868100000.-7", "1/0/1"),
        ("10000000000.7", "1/0/1"),
        ("868100000.7", "1/0"),
        ("868100000.7", f"{COUNT_LIMIT}/0/1"),
        ("868100000.7", "-1/0/1"),
        ("868100000.7", "²/0/1"),
        ("868100000.7", 12),
        ("noise_estimated.868100000", -200.1),
        ("noise_estimated.868100000", float("nan")),
        ("noise_estimated.868100000", "loud"),
        ("noise_estimated.x", -110.0),
    ],
)
def test_what_no_gateway_can_mean_is_passed_over(name: str, value: object) -> None:
    assert read_picture({name: value}) == Picture()


def test_as_many_cells_as_a_gateway_keeps_are_read() -> None:
    told = {f"{number}.7": "1/0/1" for number in range(CELLS_LIMIT + 1)}
    assert len(read_picture(told).cells) == CELLS_LIMIT


@given(before=CELLS, more=CELLS)
def test_what_was_added_is_found_again(before: dict, more: dict) -> None:
    more = {cell: one for cell, one in more.items() if one.frames}
    after = {
        cell: Traffic(*map(sum, zip(before.get(cell, Traffic()), more.get(cell, Traffic()), strict=True)))
        for cell in before | more
    }
    assert growth(Picture(cells=before), Picture(cells=after)).cells == more


def test_after_a_restart_the_later_picture_counts_whole() -> None:
    before = Picture(cells={(1, 7): Traffic(9, 1, 900), (1, 8): Traffic(2, 0, 90)})
    after = Picture(cells={(1, 7): Traffic(3, 0, 300), (1, 8): Traffic(5, 0, 250)}, noise_dbm={1: -110.0})
    assert growth(before, after) == after
    assert growth(None, after) == after
    assert growth(before, Picture(cells={(1, 7): Traffic(10, 1, 950)})).cells == {(1, 7): Traffic(10, 1, 950)}

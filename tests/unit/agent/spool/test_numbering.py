"""Ids: those that the file noted, in order; blind ones where it noted none."""

import pytest

from agent.spool.numbering import BLIND_IDS_FROM, IDS_RESERVED, RESERVE_AHEAD, Numbering, blind_from

BLIND = blind_from(7)


def test_ids_go_on_behind_the_last_of_the_file_and_are_blind_beyond_what_it_noted() -> None:
    numbering = Numbering(next_blind=BLIND)
    numbering.begin(10, reserved=12)
    assert [numbering.new_id() for _ in range(4)] == [11, 12, BLIND, BLIND + 1]


def test_more_is_noted_in_time_and_never_after_a_blind_id() -> None:
    numbering = Numbering(next_blind=BLIND)
    numbering.begin(0, reserved=1)
    numbering.extend(2)
    assert [numbering.new_id() for _ in range(3)] == [1, 2, BLIND]
    numbering.extend(100)
    assert numbering.new_id() == BLIND + 1


def test_a_file_that_noted_none_of_ours_gives_no_ids() -> None:
    fresh = Numbering(next_blind=BLIND)
    assert not fresh.numbered
    fresh.begin(10, reserved=0)
    assert fresh.new_id() == BLIND
    fresh.begin(10, reserved=20)
    fresh.blind()
    assert (fresh.numbered, fresh.new_id()) == (False, BLIND + 1)


@pytest.mark.parametrize(("reserved", "is_low"), [(RESERVE_AHEAD + 1, False), (RESERVE_AHEAD, True)])
def test_more_is_noted_while_half_of_what_is_noted_at_a_time_is_left(reserved: int, is_low: bool) -> None:
    numbering = Numbering(next_blind=BLIND, reserved=reserved)
    assert numbering.low is is_low
    assert RESERVE_AHEAD * 2 == IDS_RESERVED


@pytest.mark.parametrize(
    ("boot", "beyond"), [(0, 0), ((1 << 32) - 1, (1 << 32) - 1), (1 << 32, 0), ((1 << 32) + 5, 5)]
)
def test_a_starts_blind_ids_begin_above_every_id_of_a_file(boot: int, beyond: int) -> None:
    assert blind_from(boot) == BLIND_IDS_FROM + beyond == (1 << 62) + beyond

"""How many stored frames wait for whom: the mirror of the file, and the count that checks it."""

from agent.spool.reserve import Audit, Reserve


def waiting(reserve: Reserve) -> dict[int, int]:
    return {bit: frames for bit, frames in enumerate(reserve.waiting) if frames}


def test_frames_wait_for_each_connector_of_their_mask_until_it_is_cleared() -> None:
    reserve = Reserve()
    reserve.add([0b101, 0b001, 0b101])
    assert (reserve.frames, waiting(reserve)) == (3, {0: 3, 2: 2})
    reserve.clear([(1, 0b101), (2, 0b001)])
    assert (reserve.frames, waiting(reserve)) == (3, {0: 1, 2: 1})


def test_connectors_get_other_bits_and_those_that_are_gone_lose_theirs() -> None:
    reserve = Reserve()
    reserve.add([0b111, 0b100])
    reserve.translate({2: 0, 0: 3})
    assert waiting(reserve) == {0: 2, 3: 1}


def test_an_audit_follows_what_changes_behind_it_and_counts_the_rest_when_it_comes_there() -> None:
    audit = Audit()
    audit.page([])
    assert audit.after == 0
    audit.page([(1, 0, 0, 0b01), (4, 0, 0, 0b11)])
    assert audit.after == 4
    audit.changed(written=[(4, 0b10), (5, 0b10)], cleared=[(4, 0b01), (5, 0b01)])
    assert (audit.counted.frames, waiting(audit.counted)) == (3, {0: 1, 1: 2})
    audit.page([(3, 0, 0, 0b01)])
    assert audit.after == 4, "it never goes back"


def test_an_audit_says_how_many_more_the_file_holds_than_is_thought() -> None:
    audit, thought = Audit(), Reserve()
    audit.page([(1, 0, 0, 0b001), (2, 0, 0, 0b101)])
    thought.add([0b010, 0b101])
    assert audit.differences(thought) == {0: 1, 1: -1}

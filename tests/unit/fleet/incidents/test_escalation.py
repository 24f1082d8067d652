from fleet.incidents.escalation import REPEAT_WAIT_US, ROUNDS_LIMIT, STEP_WAIT_US, first_page_at_us, step
from fleet.oncall.model import Duty, OnCallNow, Person


def one(person_id: int, level: int) -> OnCallNow:
    duty = Duty(person_id=person_id, level=level, from_us=0, until_us=1, source="span")
    return OnCallNow(person=Person(id=person_id, name=str(person_id), email="a@b"), duty=duty)


def who(round_number: int, *on_call: OnCallNow) -> tuple[list[int], int | None]:
    found = step(round_number, on_call)
    return [each.person.id for each in found.people], found.next_in_us


def test_the_whole_table() -> None:
    team = (one(1, 1), one(2, 2), one(3, 3))
    assert who(0, *team) == ([1], STEP_WAIT_US)
    assert who(1, *team) == ([2], STEP_WAIT_US)
    assert who(2, *team) == ([1, 2, 3], REPEAT_WAIT_US)
    assert who(ROUNDS_LIMIT - 2, *team) == ([1, 2, 3], REPEAT_WAIT_US)
    assert who(ROUNDS_LIMIT - 1, *team) == ([1, 2, 3], None)


def test_a_level_of_nobody_falls_through() -> None:
    assert who(0, one(2, 2)) == ([2], STEP_WAIT_US)
    assert who(1, one(1, 1)) == ([1], REPEAT_WAIT_US)
    assert who(0) == ([], REPEAT_WAIT_US)


def test_twice_on_call_is_one_message() -> None:
    assert who(2, one(1, 1), one(1, 2)) == ([1], REPEAT_WAIT_US)
    assert who(0, one(1, 1), one(1, 1)) == ([1], STEP_WAIT_US)


def test_the_first_page_waits_for_calm_and_never_beyond_its_limit() -> None:
    second = 1_000_000
    assert [first_page_at_us(0, grown * second) // second for grown in (0, 5, 15, 16, 60)] == [
        10,
        15,
        25,
        25,
        25,
    ]

import pytest

from fleet.durations import MINUTE_US
from fleet.incidents.policy import DEFAULT_POLICY, EscalationPolicy, first_page_at_us, step
from fleet.oncall.model import Duty, OnCallNow, Person

STEP_WAIT_US, REPEAT_WAIT_US, ROUNDS_LIMIT = 10 * MINUTE_US, 20 * MINUTE_US, DEFAULT_POLICY.rounds


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


def test_a_policy_of_ones_own() -> None:
    policy = EscalationPolicy(step_waits_min=(5, 15, 30), repeat_wait_min=60, rounds=4)
    team = (one(1, 1), one(2, 2), one(3, 3))
    told = [step(number, team, policy) for number in range(4)]
    assert [[each.person.id for each in found.people] for found in told] == [[1], [2], [3], [1, 2, 3]]
    assert [found.next_in_us for found in told] == [5 * MINUTE_US, 15 * MINUTE_US, 30 * MINUTE_US, None]


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"step_waits_min": ()}, "step_waits_min: 1 to 9 steps"),
        ({"step_waits_min": (10, 0)}, "step_waits_min: 0 is not within 1 and 240 minutes"),
        ({"repeat_wait_min": 241}, "repeat_wait_min: 241"),
        ({"rounds": 1}, "rounds: from the number of steps to 100"),
    ],
)
def test_a_policy_out_of_bounds_names_its_field(wrong: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        EscalationPolicy(**wrong)  # type: ignore[arg-type]

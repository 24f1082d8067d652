import pytest

from fleet.oncall.choice import choose
from fleet.oncall.model import Duty, OnCallNow, Person

HERE = frozenset({"37015", "TEV", "37"})


def one(person_id: int, level: int, skills: str = "", territories: tuple[str, ...] = ()) -> OnCallNow:
    duty = Duty(person_id=person_id, level=level, from_us=0, until_us=1, source="span")
    person = Person(
        id=person_id, name="x", email="a@b", skills=tuple(skills.split()), territories=territories
    )
    return OnCallNow(person=person, duty=duty)


@pytest.mark.parametrize(
    ("on_call", "needs", "order", "missing"),
    [
        ((one(1, 1), one(2, 2)), (), [(1, 1), (2, 2)], ()),
        ((one(1, 1), one(2, 2, "lift")), ("key",), [(1, 1), (2, 2)], ()),
        ((one(1, 1), one(2, 2, "lift")), ("lift",), [(2, 2), (1, 3)], ()),
        ((one(1, 1), one(2, 1, "lift")), ("lift",), [(2, 1), (1, 2)], ()),
        ((one(1, 1), one(2, 2)), ("lift",), [(1, 1), (2, 2)], ("lift",)),
        (
            (one(1, 1, "lift"), one(2, 2, "lift electrics")),
            ("lift", "electrics"),
            [(2, 2), (1, 3)],
            (),
        ),
        ((one(1, 1, "lift"),), ("lift", "electrics"), [(1, 1)], ("electrics",)),
        ((one(1, 1, "", ("37",)), one(2, 1, "lift", ("41",))), ("lift",), [(2, 1), (1, 2)], ()),
        ((one(1, 1, "", ("37",)), one(2, 1, "lift", ("41",))), (), [(1, 1)], ()),
        ((one(1, 1), one(2, 1, "", ("37",)), one(3, 1, "", ("41",))), (), [(1, 1), (2, 1)], ()),
        ((one(1, 1, "", ("41",)), one(2, 1, "", ("18",))), (), [(1, 1), (2, 1)], ()),
        ((), ("lift",), [], ("lift",)),
    ],
)
def test_the_whole_table(
    on_call: tuple[OnCallNow, ...],
    needs: tuple[str, ...],
    order: list[tuple[int, int]],
    missing: tuple[str, ...],
) -> None:
    chosen = choose(on_call, HERE, needs)
    assert [(each.person.id, each.duty.level) for each in chosen.on_call] == order
    assert chosen.missing == missing

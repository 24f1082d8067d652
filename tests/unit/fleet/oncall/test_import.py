import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.oncall.store import RowRefused, by_phone, everybody, import_on_call, import_people, on_call_now
from tests.golden.files import GOLDEN
from tests.stories.world import World, new_world

ANNE = {"name": "Anne", "email": "Anne@Example.fr", "phone": "06 12 34 56 78"}
SPAN = {"person": "anne@example.fr", "from": "2026-11-20T08:00", "until": "2026-11-27T08:00"}
TURN = {"rotation": "N1", "period": "weekly", "starts_on": "2026-11-16", "people": ["anne@example.fr"]}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    with made.database.write() as connection:
        import_people(connection, [ANNE])
    yield made
    made.database.close()


def test_twice_is_once_and_the_newer_counts(world: World) -> None:
    with world.database.write() as connection:
        import_people(connection, [ANNE | {"name": "Anne Martin"}])
        for _ in range(2):
            import_on_call(connection, [SPAN, TURN])
        assert [one.name for one in everybody(connection).values()] == ["Anne Martin"]
        assert len(on_call_now(connection, world.clock.at_us)) == 2


def test_a_name_is_a_line_whatever_it_was_pasted_from(world: World) -> None:
    with world.database.write() as connection:
        import_people(connection, [ANNE | {"name": "Anne\u2028Marti\u0302n\u202e"}])
        assert [one.name for one in everybody(connection).values()] == ["Anne Martîn"]


def test_a_number_is_found_however_it_is_written(world: World) -> None:
    with world.reading() as connection:
        for written in ("0612345678", "+33 6 12 34 56 78", "0033612345678"):
            assert by_phone(connection, written) is not None
        assert by_phone(connection, "") is None


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"email": "a@b"}, r"technicians\[0\].name"),
        ({"name": "\u200b\0", "email": "a@b"}, r"technicians\[0\].name"),
        ({"name": "A", "email": "nobody"}, r"technicians\[0\].email"),
        ({"name": "A", "email": "a@b\nBcc: c@d"}, "email"),
        ({"name": "A", "email": "a@b", "language": "de"}, "language"),
        ({"name": "A", "email": "a@b", "phone": "voir Paul"}, r"technicians\[0\].phone"),
    ],
)
def test_a_wrong_person_is_refused_with_its_path(world: World, row: dict[str, object], words: str) -> None:
    with pytest.raises(RowRefused, match=words), world.database.write() as connection:
        import_people(connection, [row])


def test_every_row_with_a_wrong_number_is_named_and_none_is_stored(world: World) -> None:
    rows = json.loads((GOLDEN / "cases" / "10-phone-numbers" / "people.json").read_text())["technicians"]
    with pytest.raises(RowRefused) as caught, world.database.write() as connection:
        import_people(connection, rows)
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == [
        f"technicians[{index}].phone" for index in (1, 2, 3)
    ]
    with world.database.write() as connection:
        import_people(connection, [rows[0], rows[4]])
        assert {one.phone for one in everybody(connection).values()} >= {"+33612345678", "+33612345679"}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (SPAN | {"person": "x@y"}, "nobody"),
        (SPAN | {"until": "2026-11-20T08:00"}, "until"),
        (SPAN | {"from": "soon"}, "from"),
        (TURN | {"people": []}, "people"),
        (TURN | {"period": "yearly"}, "period"),
        (TURN | {"starts_on": "16/11/2026"}, "starts_on"),
        (TURN | {"holidays": "x@y"}, "holidays"),
    ],
)
def test_a_wrong_duty_is_refused_with_its_path(world: World, row: dict[str, object], words: str) -> None:
    with pytest.raises(RowRefused, match=words), world.database.write() as connection:
        import_on_call(connection, [row])

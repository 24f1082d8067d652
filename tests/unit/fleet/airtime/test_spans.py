from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import insert

from fleet.airtime.pictures import Picture, Traffic
from fleet.airtime.spans import READ_LIMIT, Heard, Taken, chosen, load_heard, spans_of
from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.durations import HOUR_US
from fleet.evidence.tables import notes

EUI = "0016c001f1000001"
T0 = 500_000 * HOUR_US


def picture(frames: int) -> Picture:
    return Picture(cells={(868_100_000, 7): Traffic(frames, 0, frames * 50)})


def taken(hour: float, boot: int = 1) -> Taken:
    return Taken(boot=boot, seq=int(hour * 10), at_us=T0 + int(hour * HOUR_US))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(sqlite_url(tmp_path / "fleet.db"))) as found:
        create_schema(found)
        yield found


def row(one: Taken, frames: int, eui: str = EUI, name: str = "rf_picture") -> dict[str, object]:
    told = {"eui": eui, "boot": one.boot, "seq": one.seq, "at_us": one.at_us, "name": name}
    return told | {"fields": {"868100000.7": f"{frames}/0/{frames * 50}"}, "recorded_at_us": one.at_us + 9}


def test_the_last_picture_of_each_step_and_boot_is_chosen() -> None:
    found = chosen([taken(0.5), taken(0.9), taken(1.2), taken(1.3, boot=2), taken(2.0, boot=2)], HOUR_US)
    assert found == [taken(0.9), taken(1.2), taken(1.3, boot=2), taken(2.0, boot=2)]


def test_another_boot_counts_from_nothing_and_for_a_step_at_most() -> None:
    found = spans_of(
        [(taken(0), picture(5)), (taken(1), picture(9)), (taken(7, boot=2), picture(4))], HOUR_US
    )
    assert found == [
        Heard(from_us=T0, until_us=T0 + HOUR_US, picture=picture(4)),
        Heard(from_us=T0 + 6 * HOUR_US, until_us=T0 + 7 * HOUR_US, picture=picture(4)),
    ]


def test_a_gap_is_one_span() -> None:
    found = spans_of([(taken(0), picture(5)), (taken(5), picture(30))], HOUR_US)
    assert [(one.from_us, one.until_us) for one in found] == [(T0, T0 + 5 * HOUR_US)]


def test_what_one_gateway_heard_is_read_from_its_own_pictures(database: Database) -> None:
    rows = [row(taken(hour), 10 * hour) for hour in range(6)]
    rows += [row(taken(3), 999, eui="0016c001f1000002"), row(taken(3.3), 999, name="details")]
    with database.write() as connection:
        connection.execute(insert(notes), rows)
    with database.read() as connection:
        found = load_heard(connection, EUI, T0 + 2 * HOUR_US, T0 + 5 * HOUR_US, HOUR_US)
        assert load_heard(connection, "0016c001f1000003", T0, T0 + HOUR_US, HOUR_US) == []
    assert [(one.from_us, one.picture.total().frames) for one in found] == [
        (T0 + HOUR_US, 10),
        (T0 + 2 * HOUR_US, 10),
        (T0 + 3 * HOUR_US, 10),
    ]


def test_no_more_pictures_are_read_than_one_question_may(database: Database) -> None:
    with database.write() as connection:
        connection.execute(insert(notes), [row(taken(hour), hour) for hour in range(READ_LIMIT + 5)])
    with database.read() as connection:
        found = load_heard(connection, EUI, T0, T0 + 2 * READ_LIMIT * HOUR_US, HOUR_US)
    assert len(found) == READ_LIMIT - 1
    assert found[-1].until_us == T0 + (READ_LIMIT + 4) * HOUR_US

"""Sketches, packed or not, answer every question the same; what is packed takes little space."""

import random
from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from fleet.broker.inbox import Inbox
from fleet.db.connect import Database
from fleet.db.upsert import upsert
from fleet.evidence.sketches import (
    PACKED_AT_ONCE,
    PackDamaged,
    is_any_between,
    oldest_day,
    pack,
    pack_some,
    sketches,
    unpack,
)
from fleet.evidence.tables import heard, heard_packed
from fleet.lang.paris import paris_us
from fleet.months.closer import PACKED_A_LOOK, Closer
from fleet.objects.counting import count_day, next_day
from fleet.objects.coverers import reckon_coverages
from tests.unit.fleet.founded import EUIS, StandingClock, founded_database

NOW_US = paris_us(2026, 11, 10, 12)
DAYS = [f"2026-10-{number:02d}" for number in range(29, 32)] + [
    f"2026-11-{number:02d}" for number in (8, 9, 10)
]
ADDRESSES = ["26000001", "26000002", "ff0000ff", "70b3d57ed0000001"]
SKETCH = {"hours": 1, "frames": 1, "best_snr_db": 1.0, "lowest_sf": 7, "recorded_at_us": 0}

levels = st.dictionaries(st.integers(0, 2**32 - 1), st.integers(-1_000_000, 1_000_000))
heard_messages = st.lists(
    st.tuples(
        st.sampled_from(EUIS), st.sampled_from(DAYS), st.sampled_from(ADDRESSES), st.integers(-120, -60)
    )
)


@pytest.fixture(scope="module")
def databases(tmp_path_factory):
    made = [founded_database(tmp_path_factory.mktemp(name)) for name in ("packed", "whole")]
    yield made
    for database in made:
        database.close()


def hear(database: Database, rows) -> None:
    with database.write() as connection:
        for eui, day, address, rssi_dbm in rows:
            row = SKETCH | {"eui": eui, "day": day, "address": address, "best_rssi_dbm": rssi_dbm}
            upsert(connection, heard, [row], key=("eui", "day", "address"))


def pack_all(database: Database) -> None:
    with database.write() as connection:
        while pack_some(connection, NOW_US):
            pass


def answers(database: Database) -> dict[str, object]:
    """Everything that is asked of sketches."""
    with database.read() as connection:
        return {
            "sketches": list(sketches(connection, DAYS[0], DAYS[-1])),
            "counts": [count_day(connection, day) for day in DAYS],
            "next": next_day(connection, NOW_US),
            "before the month": reckon_coverages(connection, "2026-11", NOW_US),
            "within the month": reckon_coverages(connection, "2026-10", NOW_US),
            "any": [is_any_between(connection, day, day) for day in DAYS],
        }


def by_gateways(known, day: str) -> dict[int, int]:
    """How many DevAddr of a day exactly so many gateways heard, from the messages."""
    heard_by = Counter(address for _, on, address in known if on == day and len(address) == 8)
    return dict(Counter(heard_by.values()))


@given(levels)
def test_what_is_packed_is_unpacked(best_dbm):
    assert unpack(pack(best_dbm)) == best_dbm


@given(st.binary(max_size=64))
def test_other_bytes_are_refused_and_nothing_else_is_raised(content):
    for bytes_ in (content, pack({1: -90, 2: -100})[:-1] + content):
        with suppress(PackDamaged):
            found = unpack(bytes_)
            assert unpack(pack(found)) == found


@settings(max_examples=12, deadline=None)
@given(st.lists(heard_messages, max_size=4))
def test_packed_and_whole_answer_the_same(databases, batches):
    packed, whole = databases
    for database in databases:
        with database.write() as connection:
            for table in (heard, heard_packed):
                connection.execute(table.delete())
    known: dict[tuple[str, str, str], int] = {}
    for batch in batches:
        for database in databases:
            hear(database, batch)
        pack_all(packed)
        known |= {(eui, day, address): rssi_dbm for eui, day, address, rssi_dbm in batch}
        assert answers(packed) == answers(whole)
        with packed.read() as connection:
            for day in DAYS:
                assert count_day(connection, day).whole.addresses_by_gateways == by_gateways(known, day)
    with packed.read() as connection:
        assert connection.scalar(select(func.min(heard.c.day))) in (None, "2026-11-09", "2026-11-10")


def test_a_look_packs_no_more_than_its_limit_and_the_next_goes_on(tmp_path):
    database, days = founded_database(tmp_path), PACKED_A_LOOK // 2 + PACKED_AT_ONCE // 4
    rows = [
        SKETCH | {"eui": eui, "day": f"2025-{number // 28 + 1:02d}-{number % 28 + 1:02d}"}
        for number in range(days)
        for eui in EUIS[:2]
    ]
    with database.write() as connection:
        connection.execute(
            insert(heard), [row | {"address": "26000001", "best_rssi_dbm": -90} for row in rows]
        )
    closer = Closer(database=database, clock=StandingClock(NOW_US), inbox=Inbox(), clock_is_sure=lambda: True)
    assert [closer.pack_sketches() for _ in range(3)] == [PACKED_A_LOOK, PACKED_AT_ONCE // 2, 0]
    with database.read() as connection:
        assert connection.scalar(select(func.count()).select_from(heard_packed)) == len(rows)
        assert oldest_day(connection) == "2025-01-01"
    database.close()


def test_a_damaged_day_holds_nothing_and_a_later_message_mends_it(tmp_path):
    database = founded_database(tmp_path)
    hear(database, [(EUIS[0], DAYS[0], "26000001", -90)])
    pack_all(database)
    with database.write() as connection:
        connection.execute(update(heard_packed).values(content=b"\x02damaged"))
        assert list(sketches(connection, DAYS[0], DAYS[0])) == []
    hear(database, [(EUIS[0], DAYS[0], "26000002", -80)])
    pack_all(database)
    with database.read() as connection:
        (found,) = sketches(connection, DAYS[0], DAYS[0])
    assert found.best_dbm == {0x26000002: -80}
    database.close()


def test_a_row_of_an_older_program_that_is_no_address_is_left_out(tmp_path):
    database = founded_database(tmp_path)
    hear(database, [(EUIS[0], DAYS[0], "not hex!", -90), (EUIS[0], DAYS[0], "26000001", -2_000_000)])
    with database.read() as connection:
        (found,) = sketches(connection, DAYS[0], DAYS[0])
    assert found.best_dbm == {0x26000001: -1_000_000}
    database.close()


def test_an_address_takes_four_bytes_where_a_row_took_165():
    draw = random.Random(12)
    best_dbm = {0x26000000 + draw.randrange(1 << 25): draw.randrange(-125, -60) for _ in range(557)}
    assert len(pack(best_dbm)) < 4 * len(best_dbm)

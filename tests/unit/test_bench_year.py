"""What `passerelle bench year` writes is what the fleet reads, and every byte of the file is counted."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text

from fleet.evidence.sketches import DETAILS_DAYS, pack_some, sketches
from fleet.evidence.tables import heartbeat_runs, journal_records
from fleet.facts.months import Window, month_window
from fleet.retention import Retention
from passerelle.benches.year import data, kept
from passerelle.benches.year.kept import A_DAY, HEARD_BY, fill_sketches
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database


def day_before(days: int) -> str:
    return f"{datetime.fromtimestamp(NOW_US / 1_000_000, UTC) - timedelta(days=days):%Y-%m-%d}"


def test_sketches_lie_there_as_the_fleet_keeps_them(tmp_path):
    database = founded_database(tmp_path)
    fill_sketches(database, NOW_US)
    with database.read() as connection:
        found = list(sketches(connection, day_before(Retention().heard_days), day_before(1)))
    assert {(one.eui, len(one.best_dbm)) for one in found} == {(eui, A_DAY) for eui in EUIS}
    assert len(found) == len(EUIS) * Retention().heard_days
    of_a_day = [set(one.best_dbm) for one in found if one.day == day_before(DETAILS_DAYS + 1)]
    assert len(set().union(*of_a_day)) == -(-len(EUIS) // HEARD_BY) * A_DAY
    with database.write() as connection:
        assert [pack_some(connection, NOW_US) for _ in range(2)] == [len(EUIS), 0], "one day is due"
    database.close()


def test_every_byte_of_the_file_belongs_to_a_table(tmp_path):
    database = founded_database(tmp_path)
    fill_sketches(database, NOW_US)
    with database.write() as connection:
        connection.execute(text("DELETE FROM audit_log"))
    found = {one.table: one for one in kept.sizes(database)}
    with database.read() as connection:
        pages, free, size = (
            connection.scalar(text(f"PRAGMA {name}"))
            for name in ("page_count", "freelist_count", "page_size")
        )
    assert sum(one.bytes_ for one in found.values()) == (pages - free) * size
    packed, counted = found["heard_packed"], found["connectivity_days"]
    assert packed.month_bytes == round(packed.bytes_ * 30 / (Retention().heard_days - DETAILS_DAYS))
    assert (found["heard"].month_bytes, counted.month_bytes) == (0, round(counted.bytes_ / kept.MONTHS))
    database.close()


def test_a_month_that_has_just_begun_is_written_too(tmp_path):
    database, start_us = founded_database(tmp_path), month_window("2026-11").start_us
    data.live_month(database, 0, "2026-11", Window(start_us, start_us + 60_000_000))
    with database.read() as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(table))
            for table in (heartbeat_runs, journal_records)
        ]
    assert counts[0] >= data.GATEWAYS > data.AT_ONCE > counts[1]
    database.close()

"""Who may write: one holder of the locks, and nobody whose number is old."""

from contextlib import closing
from threading import Event

import pytest
from sqlalchemy import insert, select, text

from fleet.db.connect import Database, sqlite_url
from fleet.db.leadership import LOCK_FILE, LOCK_KEY, NUMBER, Leadership, NoLongerLeader, StandBy
from fleet.evidence.tables import counters
from tests.postgresql import postgresql
from tests.unit.fleet.founded import empty_database


def write(database):
    with database.write() as connection:
        connection.execute(insert(counters).values(name="written", value=1))


def number(database):
    with database.read() as connection:
        return connection.scalar(select(counters.c.value).where(counters.c.name == NUMBER))


def test_a_second_process_on_one_folder_stands_by_until_the_first_lets_go(tmp_path):
    with closing(empty_database(tmp_path)) as one, closing(Database(one.url)) as other:
        first, second = Leadership(one, tmp_path), Leadership(other, tmp_path)
        first.take()
        first.begin()
        with pytest.raises(StandBy, match="process"):
            second.take()
        first.release()
        second.take()
        second.begin()
        assert number(other) == 2
        with pytest.raises(NoLongerLeader, match="leadership 1 has ended"):
            write(one)
        write(other)
        second.release()


def test_a_lock_that_cannot_name_its_holder_for_want_of_room_is_held_and_given_back(tmp_path):
    (tmp_path / LOCK_FILE).symlink_to("/dev/full")
    with closing(empty_database(tmp_path)) as one, closing(Database(one.url)) as other:
        first, second = Leadership(one, tmp_path), Leadership(other, tmp_path)
        first.take()
        with pytest.raises(StandBy):
            second.take()
        first.release()
        second.take()
        second.release()


def test_who_leads_nothing_yet_may_write_as_before(tmp_path):
    with closing(empty_database(tmp_path)) as database:
        write(database)
        assert number(database) is None


def test_waiting_says_what_for_and_ends_when_stopped(tmp_path):
    folder = tmp_path / "later"
    with closing(Database(sqlite_url(folder / "fleet.db"))) as database:
        stopping, said = Event(), []

        def says(error):
            said.append(type(error).__name__)
            stopping.set()

        assert not Leadership(database, tmp_path).wait(stopping, says)
        assert said == ["OperationalError"]
        folder.mkdir()
        leadership = Leadership(database, tmp_path)
        assert leadership.wait(Event(), says)
        assert number(database) == 1
        leadership.keep()
        leadership.release()
    assert (tmp_path / LOCK_FILE).exists()


def test_a_mistake_is_no_reason_to_wait(tmp_path):
    (tmp_path / LOCK_FILE).mkdir()
    with closing(empty_database(tmp_path)) as database:
        leadership = Leadership(database, tmp_path)
        with pytest.raises(IsADirectoryError):
            leadership.take()


@pytest.mark.slow
def test_a_former_leader_on_postgresql_can_write_no_more(tmp_path):
    with (
        postgresql() as server,
        closing(Database(server.get_uri())) as one,
        closing(Database(server.get_uri())) as other,
    ):
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        first, second = Leadership(one, tmp_path / "a"), Leadership(other, tmp_path / "b")
        assert first.wait(Event(), print)
        with pytest.raises(StandBy, match="advisory lock"):
            second.take()
        first.keep()
        cut = text(
            "SELECT pg_terminate_backend(pid) FROM pg_locks"
            " WHERE locktype = 'advisory' AND objid = :key AND pid <> pg_backend_pid()"
        )
        with other.write() as connection:
            connection.execute(cut, {"key": LOCK_KEY})
        first.keep()
        first.keep()
        with pytest.raises(StandBy):
            second.take()
        with other.write() as connection:
            connection.execute(cut, {"key": LOCK_KEY})
        assert second.wait(Event(), print)
        with pytest.raises(NoLongerLeader):
            write(one)
        first.keep()
        with pytest.raises(StandBy):
            first.keep()
        write(other)
        first.release()
        second.release()

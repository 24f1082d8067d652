"""The secret that sessions are kept with is replaced, also by a second try after the first was killed."""

import pytest
from sqlalchemy import select, update

from fleet.identity import people, sessions
from fleet.identity.foundation import write_session_secret
from fleet.identity.tables import users
from fleet.identity.totp import KEY_FILE, NEXT_KEY_FILE, TotpError, Vault
from tests.unit.fleet.founded import NOW_US, empty_database

SECRET = b"12345678901234567890"


@pytest.fixture
def fleet(tmp_path):
    database = empty_database(tmp_path)
    write_session_secret(tmp_path)
    account = people.account_of(name="anne", role="viewer", password="x" * 12)
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
        sealed = Vault(tmp_path).seal(SECRET)
        people.set_totp(connection, "anne", sealed, who="test", now_us=NOW_US)
        number = connection.scalar(select(users.c.id))
        key = sessions.begin(connection, number, Vault(tmp_path), NOW_US)
    return database, tmp_path, key


def sealed_in(database):
    with database.read() as connection:
        return connection.scalar(select(users.c.totp_sealed))


def test_sessions_end_and_second_factors_stay(fleet):
    database, keys, key = fleet
    before = (keys / KEY_FILE).read_bytes()
    assert sessions.rotate_key(database, keys, who="test", now_us=NOW_US) == 1
    assert (keys / KEY_FILE).read_bytes() != before
    assert (keys / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert not (keys / NEXT_KEY_FILE).exists()
    assert Vault(keys).open(sealed_in(database)) == SECRET
    with database.read() as connection:
        assert sessions.person_of(connection, key, Vault(keys), NOW_US) is None


def test_killed_between_rows_and_file_it_goes_on(fleet):
    database, keys, _ = fleet
    sessions.rotate_key(database, keys, who="test", now_us=NOW_US)
    (keys / KEY_FILE).rename(keys / NEXT_KEY_FILE)
    write_session_secret(keys)
    sessions.rotate_key(database, keys, who="test", now_us=NOW_US)
    assert Vault(keys).open(sealed_in(database)) == SECRET


def test_a_factor_of_another_key_is_named_and_nothing_changes(fleet):
    database, keys, _ = fleet
    before = (keys / KEY_FILE).read_bytes()
    with database.write() as connection:
        connection.execute(update(users).values(totp_sealed="other"))
    with pytest.raises(TotpError):
        sessions.rotate_key(database, keys, who="test", now_us=NOW_US)
    assert (keys / KEY_FILE).read_bytes() == before

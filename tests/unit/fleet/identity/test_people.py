import hashlib

import pytest
from sqlalchemy import select, update

from fleet.identity import audit, people
from fleet.identity import sessions as opened
from fleet.identity.foundation import write_session_secret
from fleet.identity.login import log_in
from fleet.identity.people import PersonError, Role
from fleet.identity.tables import audit_log, sessions
from fleet.identity.totp import Vault
from tests.unit.fleet.founded import NOW_US, empty_database

PASSWORD = "une phrase assez longue"


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    write_session_secret(folder)
    return Vault(folder)


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = empty_database(tmp_path_factory.mktemp("people"))
    account = people.account_of(name="anne", role="operator", password=PASSWORD)
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
    return database


def test_a_session_tells_who_until_it_expires(database, vault):
    key = log_in(database, "anne", PASSWORD, NOW_US, vault=vault)
    with database.read() as connection:
        person = opened.person_of(connection, key, vault, NOW_US + opened.SESSION_LIFE_US - 1)
        assert (person.name, person.role) == ("anne", Role.OPERATOR)
        assert opened.person_of(connection, key, vault, NOW_US + opened.SESSION_LIFE_US) is None
        assert key not in list(connection.scalars(select(sessions.c.key_sha256)))


def test_logging_out_ends_the_session(database, vault):
    key = log_in(database, "anne", PASSWORD, NOW_US, vault=vault)
    with database.write() as connection:
        opened.log_out(connection, key, vault)
        assert opened.person_of(connection, key, vault, NOW_US) is None


@pytest.mark.parametrize(("name", "password"), [("anne", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_login_is_refused_and_audited(database, vault, name, password):
    assert log_in(database, name, password, NOW_US, vault=vault) is None
    with database.read() as connection:
        newest = select(audit_log.c.action).order_by(audit_log.c.id.desc()).limit(1)
        assert connection.scalar(newest) == "login.refused"


@pytest.mark.parametrize(
    ("name", "role", "password", "field"),
    [
        ("", "viewer", PASSWORD, "name"),
        ("a" * 101, "viewer", PASSWORD, "name"),
        ("a", "king", PASSWORD, "role"),
        ("a", "viewer", "x" * 11, "password"),
        ("a", "viewer", "x" * 1025, "password"),
    ],
)
def test_an_account_that_cannot_be_made_names_the_field(name, role, password, field):
    with pytest.raises(PersonError, match=f"^{field}"):
        people.account_of(name=name, role=role, password=password)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, {Role.VIEWER}),
        (Role.TECHNICIAN, {Role.VIEWER, Role.TECHNICIAN}),
        (Role.OPERATOR, {Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR}),
        (Role.ADMINISTRATOR, set(Role)),
    ],
)
def test_what_each_role_may(role, may):
    assert {other for other in Role if people.Person(name="x", role=role).may(other)} == may


def test_a_row_of_a_session_is_useless_without_the_secret(database, vault, tmp_path):
    key = log_in(database, "anne", PASSWORD, NOW_US, vault=vault)
    write_session_secret(tmp_path)
    with database.write() as connection:
        assert opened.person_of(connection, key, Vault(tmp_path), NOW_US) is None
        digest = hashlib.sha256(b"chosen").hexdigest()
        connection.execute(
            update(sessions).values(key_sha256=digest).where(sessions.c.key_sha256 == vault.digest(key))
        )
        assert opened.person_of(connection, "chosen", vault, NOW_US) is None
        assert opened.person_of(connection, digest, vault, NOW_US) is None


@pytest.mark.parametrize("name", ["anne", "a password typed as a name"])
def test_only_a_name_that_somebody_has_reaches_the_journal(database, vault, name):
    assert log_in(database, name, "wrong", NOW_US, vault=vault) is None
    with database.read() as connection:
        newest = select(audit_log).order_by(audit_log.c.id.desc()).limit(1)
        row = connection.execute(newest).one()
    assert (row.who, row.subject) == ("anne" if name == "anne" else audit.UNKNOWN, "")


def test_a_closed_account_is_out_at_once_and_comes_back_when_set(tmp_path, vault):
    database = empty_database(tmp_path)
    account = people.account_of(name="zoe", role="viewer", password=PASSWORD)
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
    keys = [log_in(database, "zoe", PASSWORD, NOW_US, vault=vault) for _ in range(2)]
    with database.write() as connection:
        assert [each.name for each in opened.load_open(connection, NOW_US)] == ["zoe", "zoe"]
        assert opened.close_account(connection, "zoe", who="test", now_us=NOW_US) == 2
        assert [opened.person_of(connection, key, vault, NOW_US) for key in keys] == [None, None]
        with pytest.raises(PersonError, match="no open account"):
            opened.close_account(connection, "zoe", who="test", now_us=NOW_US)
    assert log_in(database, "zoe", PASSWORD, NOW_US, vault=vault) is None
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
    assert log_in(database, "zoe", PASSWORD, NOW_US, vault=vault)
    with database.write() as connection:
        assert opened.end(connection, "zoe", who="test", now_us=NOW_US) == 1
        assert opened.load_open(connection, NOW_US) == []


def test_the_last_administrator_is_not_closed(tmp_path):
    database = empty_database(tmp_path)
    with database.write() as connection:
        for name in ("one", "two"):
            account = people.Account(name=name, role=Role.ADMINISTRATOR, password_hash="x")
            people.set_user(connection, account, who="test", now_us=NOW_US)
        opened.close_account(connection, "one", who="test", now_us=NOW_US)
        with pytest.raises(PersonError, match="last administrator"):
            opened.close_account(connection, "two", who="test", now_us=NOW_US)

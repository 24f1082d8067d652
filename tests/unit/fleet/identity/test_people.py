import pytest
from sqlalchemy import select

from fleet.identity import people
from fleet.identity.people import PersonError, Role
from fleet.identity.tables import audit_log, sessions
from tests.unit.fleet.founded import NOW_US, empty_database

PASSWORD = "une phrase assez longue"


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    database = empty_database(tmp_path_factory.mktemp("people"))
    account = people.account_of(name="anne", role="operator", password=PASSWORD)
    with database.write() as connection:
        people.set_user(connection, account, who="test", now_us=NOW_US)
    return database


def test_a_session_tells_who_until_it_expires(database):
    key = people.log_in(database, "anne", PASSWORD, NOW_US)
    with database.read() as connection:
        person = people.person_of(connection, key, NOW_US + people.SESSION_LIFE_US - 1)
        assert (person.name, person.role) == ("anne", Role.OPERATOR)
        assert people.person_of(connection, key, NOW_US + people.SESSION_LIFE_US) is None
        assert key not in list(connection.scalars(select(sessions.c.key_sha256)))


def test_logging_out_ends_the_session(database):
    key = people.log_in(database, "anne", PASSWORD, NOW_US)
    with database.write() as connection:
        people.log_out(connection, key)
        assert people.person_of(connection, key, NOW_US) is None


@pytest.mark.parametrize(("name", "password"), [("anne", "wrong"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_login_is_refused_and_audited(database, name, password):
    assert people.log_in(database, name, password, NOW_US) is None
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

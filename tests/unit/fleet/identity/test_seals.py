"""Rows that somebody else than this program wrote open nothing, call nobody, and are named."""

import io
import shutil
from contextlib import closing

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert, select, update

from fleet.broker.address import Broker
from fleet.cli import commands
from fleet.cli.commands import open_fleet
from fleet.cli.main import main
from fleet.db.seals import BrokenRow, SealBroken, broken_rows, sealed_tables
from fleet.identity import login, people, seal_keys, sessions, tokens
from fleet.identity.foundation import broker_files, read_keys
from fleet.identity.keeper import Keeper
from fleet.identity.people import Role, account_of, set_user
from fleet.identity.revocation import BrokerDoor, apply_rights, load_rights
from fleet.identity.revoked_list import MARKED, mark_again
from fleet.identity.seal_watch import LOOK_EVERY_US, SealWatch
from fleet.identity.tables import api_tokens, audit_log, certificates, users
from fleet.identity.tables import sessions as sessions_table
from fleet.identity.totp import Vault
from fleet.oncall import store as oncall
from fleet.oncall.tables import on_call, rotations
from fleet.oncall.tables import people as duty
from tests.unit.fleet.founded import StandingClock

SECRET = "a long password"
EUI = "0016c001f1370001"
NOW_US = 1_764_500_000_000_000
PERSON = {"name": "Anne", "email": "anne@exemple.fr", "phone": "+33612345678"}
TURN = {
    "rotation": "semaine",
    "period": "weekly",
    "starts_on": "2026-11-02",
    "people": ["anne@exemple.fr"],
}
SPAN = {"person": "anne@exemple.fr", "from": "2026-11-23T08:00", "until": "2026-11-24T08:00"}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet") / "original"
    commands.init(folder, public_url="", broker="127.0.0.1:8883")
    roles = (("admin", "administrator"), ("vera", "viewer"))
    accounts = [account_of(name=name, role=role, password=SECRET) for name, role in roles]
    _, database = open_fleet(folder)
    with closing(database), database.write() as connection:
        for account in accounts:
            set_user(connection, account, who="test", now_us=NOW_US)
        oncall.import_people(connection, [PERSON])
        oncall.import_on_call(connection, [TURN, SPAN])
    return folder


@pytest.fixture
def data(original, tmp_path):
    return shutil.copytree(original, tmp_path / "fleet")


@pytest.fixture
def fleet(data):
    settings, database = open_fleet(data)
    yield settings, database
    database.close()


def broken(database):
    with database.read() as connection:
        return broken_rows(connection)


def write(database, statement):
    """Write as somebody would who has the database and no key."""
    with database.engine.begin() as connection:
        connection.execute(statement)


def log_in(fleet, name):
    settings, database = fleet
    return login.log_in(database, name, SECRET, NOW_US, vault=Vault(settings.keys))


def test_what_this_program_writes_is_whole(fleet):
    assert broken(fleet[1]) == []
    assert log_in(fleet, "vera") is not None
    assert broken(fleet[1]) == [], "sessions too"


@pytest.mark.parametrize(
    "values",
    [
        {"role": "administrator"},
        {"password_hash": "x"},
        {"territories": ["37"]},
        {"totp_sealed": "x"},
        {"disabled_at_us": 1, "name": "verena"},
        {"set_by": "admin"},
        {"seal": ""},
        {"seal": "é"},
    ],
)
def test_an_account_that_somebody_else_changed_opens_nothing(fleet, values):
    settings, database = fleet
    key = log_in(fleet, "vera")
    write(database, update(users).where(users.c.name == "vera").values(values))
    assert log_in(fleet, "vera") is None
    with database.read() as connection:
        assert sessions.person_of(connection, key, Vault(settings.keys), NOW_US) is None
    assert [one.table for one in broken(database)] == ["users"]


def test_an_account_that_somebody_else_added_opens_nothing_and_the_refusal_says_why(fleet):
    _, database = fleet
    made = account_of(name="mallory", role="administrator", password=SECRET)
    row = {"name": "mallory", "role": "administrator", "password_hash": made.password_hash}
    write(database, insert(users).values(row | {"created_at_us": 1, "territories": []}))
    assert log_in(fleet, "mallory") is None
    assert not login.agrees(database, "mallory", SECRET)
    with database.read() as connection:
        last = connection.execute(select(audit_log).order_by(audit_log.c.id.desc())).first()
    assert (last.who, last.action, last.after) == ("mallory", "login.refused", {"why": "seal"})


def test_a_row_of_another_account_is_no_seal_of_this_one(fleet):
    _, database = fleet
    with database.read() as connection:
        admin = connection.execute(select(users).where(users.c.name == "admin")).first()
    stolen = {"role": admin.role, "password_hash": admin.password_hash, "seal": admin.seal}
    write(database, update(users).where(users.c.name == "vera").values(stolen))
    assert broken(database) == [BrokenRow("users", "vera")]


def test_the_row_of_before_is_spent(fleet):
    _, database = fleet
    with database.read() as connection:
        before = connection.execute(select(users).where(users.c.name == "vera")).mappings().one()
    with database.write() as connection:
        people.set_territories(connection, "vera", ["37"], who="test", now_us=NOW_US)
    write(database, update(users).where(users.c.name == "vera").values(dict(before)))
    assert broken(database) == [BrokenRow("users", "vera")]


def test_what_was_not_committed_spends_nothing(fleet):
    _, database = fleet

    def fails():
        with database.write() as connection:
            people.set_territories(connection, "vera", ["37"], who="test", now_us=NOW_US)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert broken(database) == []


def test_a_session_cannot_be_given_to_somebody_else(fleet):
    settings, database = fleet
    key = log_in(fleet, "vera")
    with database.read() as connection:
        admin = connection.scalar(select(users.c.id).where(users.c.name == "admin"))
    write(database, update(sessions_table).values(user_id=admin))
    with database.read() as connection:
        assert sessions.person_of(connection, key, Vault(settings.keys), NOW_US) is None


def test_a_token_cannot_be_widened_and_can_be_revoked_all_the_same(fleet):
    _, database = fleet
    told = {"territories": ["37"], "who": "test", "now_us": NOW_US}
    with database.write() as connection:
        token = tokens.create(connection, name="x", scopes=["read"], **told)
    assert tokens.machine_of(database, token, NOW_US) is not None
    write(database, update(api_tokens).values(territories=[]))
    assert tokens.machine_of(database, token, NOW_US) is None
    with database.write() as connection:
        assert tokens.revoke(connection, "x", who="test", now_us=NOW_US)
    assert broken(database) == [BrokenRow("api_tokens", "x")]


def test_a_change_of_a_part_vouches_for_nothing_that_somebody_else_wrote(fleet):
    _, database = fleet
    write(database, update(users).where(users.c.name == "vera").values(role="administrator"))
    with pytest.raises(SealBroken, match="users vera"), database.write() as connection:
        people.set_territories(connection, "vera", [], who="test", now_us=NOW_US)
    with database.write() as connection:
        assert sessions.close_account(connection, "vera", who="test", now_us=NOW_US) == 0
    assert broken(database) == [BrokenRow("users", "vera")]


def test_who_was_added_to_the_duty_by_somebody_else_is_called_by_nobody(fleet):
    _, database = fleet
    at_us = NOW_US - 7 * 86_400_000_000
    with database.read() as connection:
        assert {one.person.name for one in oncall.on_call_now(connection, at_us)} == {"Anne"}
    mallory = {"name": "M", "email": "m@exemple.fr", "phone": "+33600000000", "language": "fr"}
    write(database, insert(duty).values(mallory | {"skills": [], "territories": [], "active": True}))
    write(database, update(rotations).values(person_ids=[2]))
    write(database, update(on_call).values(person_id=2))
    with database.read() as connection:
        assert {one.person.name for one in oncall.on_call_now(connection, at_us)} == {"Anne"}
        assert oncall.by_phone(connection, "0600000000") is None
    assert {one.table for one in broken(database)} == {"people", "rotations", "on_call"}
    with database.write() as connection:
        oncall.import_on_call(connection, [TURN])
    assert {one.table for one in broken(database)} == {"people", "on_call"}, "an import writes the whole row"


def test_an_upgrade_seals_what_is_there_once_and_an_older_archive_too(data):
    keys = data / "keys"
    (keys / seal_keys.FILE_NAME).unlink()
    settings, database = open_fleet(data)
    with closing(database):
        sealed = seal_keys.found(database, settings.seals)
        assert sealed == [one.name for one in sealed_tables()]
        assert broken(database) == []
        write(database, update(users).values(seal=""))
        assert seal_keys.found(database, settings.seals) == []
        assert len(broken(database)) == 2, "a second start seals nothing"


def test_a_rotation_makes_copies_of_before_worthless_and_can_be_killed(fleet):
    settings, database = fleet
    ring = settings.seals
    write(database, update(users).where(users.c.name == "vera").values(role="operator"))
    before = ring.file()
    ring.write(seal_keys.RingFile(salts=("00" * 16, *before.salts), tables=before.tables))
    assert broken(database) == [BrokenRow("users", "vera")], "killed: both keys hold"
    assert seal_keys.rotate(database, ring, who="test", now_us=NOW_US) == 4
    assert (ring.file().salts, ring.spent) == (("00" * 16,), 0)
    assert broken(database) == [BrokenRow("users", "vera")], "a rotation accepts nothing"


def test_the_keeper_says_once_what_is_broken_and_rotates_a_full_ring(fleet):
    settings, database = fleet
    clock = StandingClock(NOW_US)
    watch = SealWatch(database, settings.seals, clock, spent_limit=3)
    door = BrokerDoor(
        broker=Broker(host="127.0.0.1", port=1, tls=False),
        files=broker_files(settings.data),
        authority=read_keys(settings.data).authority,
    )
    keeper = Keeper(database, door, clock, seals=watch)
    write(database, update(users).where(users.c.name == "vera").values(role="operator"))
    for _ in range(3):
        keeper.round()
        clock.now += LOOK_EVERY_US
    assert keeper.broken_seals == (BrokenRow("users", "vera"),)
    with database.read() as connection:
        said = select(audit_log.c.subject).where(audit_log.c.action == "seal.broken")
        assert connection.scalars(said).all() == ["users vera"]
    for count, wanted in ((2, 2), (1, 0)):
        settings.seals.spend([f"{count}{one}" for one in range(count)])
        clock.now += LOOK_EVERY_US
        keeper.round()
        assert settings.seals.spent == wanted


def test_a_mark_that_is_taken_away_from_a_revoked_certificate_is_put_back(fleet):
    settings, database = fleet
    authority = read_keys(settings.data).authority
    issued = authority.issue_client(EUI, ec.generate_private_key(ec.SECP256R1()).public_key(), NOW_US)
    row = {"serial": issued.serial, "eui": EUI, "public_key_sha256": "", "certificate_pem": issued.pem}
    row |= {"issued_at_us": NOW_US, "not_after_at_us": issued.not_after_us, "revoked_at_us": NOW_US}
    files = broker_files(settings.data)
    door = BrokerDoor(broker=settings.broker, files=files, authority=authority)
    write(database, insert(certificates).values(row | {"enforced_at_us": NOW_US}))
    apply_rights(database, door, NOW_US)
    assert mark_again(database, files.revoked, NOW_US) == ()
    write(database, update(certificates).values(revoked_at_us=None))
    apply_rights(database, door, NOW_US + 1)
    assert load_rights(database, NOW_US).unconfirmed == ((issued.serial, EUI),), "enforced anew"
    assert EUI in files.acl.read_text()
    with database.read() as connection:
        said = select(audit_log.c.subject).where(audit_log.c.action == MARKED)
        assert connection.scalars(said).all() == [EUI]


@pytest.fixture
def run(data, capsys, monkeypatch):
    def one(*words, typed=SECRET):
        monkeypatch.setattr("sys.stdin", io.StringIO(typed + "\n"))
        status = main([*words, "--data", str(data)])
        told = capsys.readouterr()
        return status, told.out + told.err

    return one


ACCEPT = ("seals", "accept", "--row", "users vera", "--reason", "vu avec Vera")


def test_an_administrator_seals_again_what_is_right(run, fleet):
    _, database = fleet
    assert run("seals", "list")[0] == 0
    write(database, update(users).where(users.c.name == "vera").values(role="operator"))
    status, out = run("seals", "list")
    assert (status, "users vera: password_hash=…, role=operator" in out) == (1, True)
    assert run("check")[0] == 1
    assert run(*ACCEPT, "--as", "vera")[0] == 2, "no administrator"
    assert run(*ACCEPT, "--as", "admin", typed="wrong")[0] == 2
    assert run("seals", "accept", "--row", "users rené", "--reason", "x", "--as", "admin")[0] == 2
    assert run(*ACCEPT, "--as", "admin")[0] == 0
    assert (run("check")[0], run("seals", "list")[0]) == (0, 0)
    assert log_in(fleet, "vera") is not None
    assert run("seals", "rotate")[0] == 0
    assert broken(database) == []


def test_an_administrator_whose_own_seal_is_broken_confirms_only_when_no_other_is_whole(run, fleet):
    _, database = fleet
    other = account_of(name="other", role=Role.ADMINISTRATOR, password=SECRET)
    with database.write() as connection:
        set_user(connection, other, who="test", now_us=NOW_US)
    write(database, update(users).where(users.c.name == "admin").values(seal=""))
    everything = ("seals", "accept", "--row", "all", "--reason", "sauvegarde", "--as", "admin")
    assert run(*everything)[0] == 2
    write(database, update(users).values(seal=""))
    assert run(*everything)[0] == 0
    assert broken(database) == []

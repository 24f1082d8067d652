"""The restore drill: a fleet is backed up while it is written to, lost, and comes back on a bare folder."""

import json
import os
import threading
from contextlib import closing

import pytest
from cryptography import x509
from sqlalchemy import create_engine, make_url, select, text

from fleet.backup import archive, rows
from fleet.cli import commands
from fleet.cli.main import main
from fleet.clock import SystemClock
from fleet.db import migrate
from fleet.db.seals import broken_rows
from fleet.identity import audit, people
from fleet.identity.enrolments import enrol, store_token
from fleet.identity.foundation import read_keys
from fleet.identity.revocation import RevocationUnconfirmed
from fleet.identity.tables import audit_log
from fleet.registry import document, store
from fleet.settings import read_settings
from tests.postgresql import postgresql
from tests.unit.fleet.founded import DOCUMENT, EUIS
from tests.unit.fleet.identity.certificates import enrolment

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
DIALECTS = ("sqlite", "postgresql")
AUDIT_AFTER_SNAPSHOT = "written.during.backup"


@pytest.fixture(scope="module")
def server():
    with postgresql() as running:
        yield running.get_uri()


@pytest.fixture
def fleets(server, tmp_path, monkeypatch):
    """Give folders whose database is empty, of either kind."""
    address = make_url(server).set(drivername="postgresql+psycopg")
    numbers = iter(range(100))

    def use(dialect, name):
        url = ""
        if dialect == "postgresql":
            database = f"drill_{abs(hash(tmp_path))}_{next(numbers)}"
            administrator = create_engine(address, isolation_level="AUTOCOMMIT")
            with administrator.connect() as connection:
                connection.execute(text(f"CREATE DATABASE {database}"))
            administrator.dispose()
            url = address.set(database=database).render_as_string(hide_password=False)
        monkeypatch.setenv("PASSERELLE_DATABASE_URL", url)
        return tmp_path / name

    return use


@pytest.fixture
def key(tmp_path, capsys):
    path = tmp_path / "backup.key"
    assert main(["backup-key", "--output", str(path)]) == 0
    return path, capsys.readouterr().out.strip()


def found_fleet(data, recipient):
    """Found a fleet with two gateways that were enrolled, one of them revoked, and a person."""
    commands.init(data, public_url="https://fleet.example.fr", broker="broker.example.fr:8883")
    written = json.loads((data / "fleet.json").read_text()) | {"backup": {"recipients": [recipient]}}
    (data / "fleet.json").write_text(json.dumps(written))
    now_us = SystemClock().now_us()
    _, database = commands.open_fleet(data)
    authority = read_keys(data).authority
    account = people.account_of(name="claire", role="administrator", password="x" * 12)
    with database.write() as connection:
        read = document.read_document(json.dumps(DOCUMENT).encode(), store.known_keys(connection))
        store.apply_document(connection, read, who="test", now_us=now_us)
        for eui in EUIS[:2]:
            store_token(
                connection,
                authority,
                token=eui,
                eui=eui,
                valid_until_us=now_us + 9_000_000,
                who="test",
                now_us=now_us,
            )
        people.set_user(connection, account, who="test", now_us=now_us)
    for eui in EUIS[:2]:
        assert enrol(database, authority, enrolment(eui, eui), now_us).issued.serial
    database.close()
    with pytest.raises(RevocationUnconfirmed):  # no broker runs here that could prove it
        commands.revoke(data, EUIS[0], "stolen")


def content(data):
    """Return every row of a fleet, as an archive would hold it, sorted by table."""
    _, database = commands.open_fleet(data)
    found: dict[str, list[tuple[object, ...]]] = {}
    with closing(database), rows.snapshot(database) as connection:
        for chunk in rows.chunks(connection):
            order = sorted(range(len(chunk.columns)), key=lambda index: chunk.columns[index])
            found.setdefault(chunk.table, []).extend(
                tuple(row[index] for index in order) for row in chunk.rows
            )
    return {table: sorted(some, key=repr) for table, some in found.items()}


def revoked_serials(data):
    listed = x509.load_pem_x509_crl((data / "mosquitto" / "revoked.crl").read_bytes())
    return {one.serial_number for one in listed}


def files(data):
    return {path.name: path.read_bytes() for path in (data / "keys").iterdir()}


@pytest.mark.parametrize(
    ("source", "target"), [("sqlite", "sqlite"), ("postgresql", "postgresql"), ("sqlite", "postgresql")]
)
def test_a_fleet_comes_back_on_a_bare_folder(fleets, key, tmp_path, capsys, source, target):
    path, recipient = key
    old = fleets(source, "old")
    found_fleet(old, recipient)
    archive = tmp_path / "fleet.backup"
    assert main(["backup", "--data", str(old), "--output", str(archive)]) == 0
    before, revoked = content(old), revoked_serials(old)
    assert len(revoked) == 2, "the gateway's, and the trial certificate that proves the list"
    assert before["users"]
    assert before["certificates"]

    new = fleets(target, "new")
    assert main(["restore", "--data", str(new), str(archive), "--identity", str(path)]) == 0
    assert content(new) == before
    assert files(new) == files(old)
    assert json.loads((new / "fleet.json").read_text()) == json.loads((old / "fleet.json").read_text())
    assert revoked_serials(new) & revoked, "the gateway's; the trial certificate is another"
    rights = (new / "mosquitto" / "acl").read_text()
    assert f"user {EUIS[0]}\ntopic deny" in rights
    assert f"user {EUIS[1]}" not in rights
    configuration = (new / "mosquitto" / "mosquitto.conf").read_text()
    assert f"{new}/keys/ca.pem" in configuration
    assert f"{old}/" not in configuration
    assert (new / "keys").stat().st_mode & 0o777 == 0o700
    assert all(one.stat().st_mode & 0o077 == 0 for one in (new / "keys").iterdir())

    commands.add_user(new, "anne", "viewer", "y" * 12)
    assert main(["restore", "--data", str(new), str(archive), "--identity", str(path)]) == 2
    assert "bare folder" in capsys.readouterr().err


def test_a_fleet_whose_file_names_its_database_comes_back_into_it(fleets, key, tmp_path, monkeypatch):
    path, recipient = key
    old = fleets("postgresql", "old")
    url = os.environ["PASSERELLE_DATABASE_URL"]
    monkeypatch.delenv("PASSERELLE_DATABASE_URL")
    commands.init(old, public_url="", broker="", database_url=url)
    found_fleet(old, recipient)
    assert main(["backup", "--data", str(old), "--output", str(tmp_path / "a")]) == 0
    before = content(old)
    assert before["users"]
    assert not (old / "fleet.db").exists()
    administrator = create_engine(url)
    with administrator.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    administrator.dispose()

    new = tmp_path / "new"
    assert main(["restore", "--data", str(new), str(tmp_path / "a"), "--identity", str(path)]) == 0
    assert read_settings(new).database_url == url
    assert content(new) == before
    assert not (new / "fleet.db").exists()


def test_rows_are_never_elsewhere_than_the_file_says(fleets, key, tmp_path, monkeypatch, capsys):
    path, recipient = key
    old, elsewhere = fleets("sqlite", "old"), f"sqlite:///{tmp_path}/elsewhere.db"
    monkeypatch.delenv("PASSERELLE_DATABASE_URL")
    found_fleet(old, recipient)
    assert main(["settings", "set", "--data", str(old), f"database_url={elsewhere}"]) == 0
    assert main(["backup", "--data", str(old), "--output", str(tmp_path / "a")]) == 0
    with (
        archive.reading(tmp_path / "a", archive.read_identities(path)) as members,
        archive.writing(tmp_path / "before", ()) as tar,
    ):
        for name, found in members:
            whole = json.loads(found) if name == archive.MANIFEST else {}
            assert whole.pop("database_url", elsewhere) == elsewhere
            archive.add(tar, name, json.dumps(whole).encode() if whole else found)
    new = tmp_path / "new"
    assert main(["restore", "--data", str(new), str(tmp_path / "before")]) == 2
    assert "PASSERELLE_DATABASE_URL" in capsys.readouterr().err
    assert list(new.iterdir()) == []


@pytest.mark.parametrize("source", DIALECTS)
def test_a_backup_is_one_state_while_the_fleet_is_written_to(fleets, key, tmp_path, source):
    path, recipient = key
    old = fleets(source, "old")
    found_fleet(old, recipient)
    _, database = commands.open_fleet(old)
    going = threading.Event()

    def write():
        number = 0
        while not going.is_set():
            number += 1
            with database.write() as connection:
                for _ in range(2):
                    audit.record(
                        connection,
                        now_us=number,
                        who="test",
                        action=AUDIT_AFTER_SNAPSHOT,
                        subject=str(number),
                    )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert main(["backup", "--data", str(old), "--output", str(tmp_path / "a")]) == 0
    finally:
        going.set()
        writer.join()
    with database.read() as connection:
        assert connection.scalar(select(audit_log.c.id).where(audit_log.c.action == AUDIT_AFTER_SNAPSHOT))
    database.close()
    new = fleets("sqlite", "new")
    assert main(["restore", "--data", str(new), str(tmp_path / "a"), "--identity", str(path)]) == 0
    _, restored = commands.open_fleet(new)
    with closing(restored), restored.read() as connection:
        subjects = select(audit_log.c.subject).where(audit_log.c.action == AUDIT_AFTER_SNAPSHOT)
        found = list(connection.scalars(subjects))
    assert all(found.count(subject) == 2 for subject in found)


@pytest.mark.parametrize("target", DIALECTS)
def test_an_archive_that_is_refused_leaves_nothing(fleets, key, tmp_path, capsys, target):
    path, recipient = key
    old = fleets("sqlite", "old")
    found_fleet(old, recipient)
    assert main(["backup", "--data", str(old), "--output", str(tmp_path / "a")]) == 0
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-100])
    new = fleets(target, "new")
    for wrong in (["cut", "--identity", str(path)], ["a"]):
        assert main(["restore", "--data", str(new), str(tmp_path / wrong[0]), *wrong[1:]]) == 2
        assert list(new.iterdir()) == []
    assert "--identity" in capsys.readouterr().err
    assert main(["restore", "--data", str(new), str(tmp_path / "a"), "--identity", str(path)]) == 0


def test_an_archive_of_an_older_schema_is_brought_forwards(fleets, key, tmp_path):
    path, recipient = key
    old = fleets("sqlite", "old")
    found_fleet(old, recipient)
    _, database = commands.open_fleet(old)
    with closing(database), database.write() as connection:
        older = migrate.revisions(connection)[-2]
        migrate.downgrade(connection, older)
    assert main(["backup", "--data", str(old), "--output", str(tmp_path / "a")]) == 0
    new = fleets("postgresql", "new")
    assert main(["restore", "--data", str(new), str(tmp_path / "a"), "--identity", str(path)]) == 0
    _, restored = commands.open_fleet(new)
    with closing(restored), restored.read() as connection:
        assert migrate.current(connection) == migrate.revisions(connection)[-1]
    assert len(content(new)["gateways"]) == 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_way_back_and_forwards_again_keeps_what_both_know(fleets, key, capsys, dialect):
    _, recipient = key
    data = fleets(dialect, "fleet")
    found_fleet(data, recipient)
    before = content(data)
    _, database = commands.open_fleet(data)
    with closing(database):
        with database.read() as connection:
            newest, previous = migrate.revisions(connection)[:-3:-1]
        assert main(["db", "downgrade", "--data", str(data), "--to", previous]) == 0
        assert f"{newest} taken back to {previous}" in capsys.readouterr().out
        with database.read() as connection:
            assert migrate.current(connection) == previous
        assert migrate.upgrade(database) == newest
    assert content(data).keys() == before.keys()
    assert content(data)["gateways"] == before["gateways"]
    commands.init(data, public_url="", broker="")
    _, database = commands.open_fleet(data)
    with closing(database), database.read() as connection:
        assert broken_rows(connection) == [], "sealed again at the next start"
    assert main(["db", "downgrade", "--data", str(data), "--to", newest]) == 2


def test_nobody_to_encrypt_to_is_refused(fleets, tmp_path, capsys):
    data = fleets("sqlite", "fleet")
    commands.init(data, public_url="", broker="127.0.0.1:8883")
    assert main(["backup", "--data", str(data), "--output", str(tmp_path / "a")]) == 2
    assert "backup.recipients" in capsys.readouterr().err
    assert main(["backup", "--data", str(data), "--output", str(tmp_path / "a"), "--plain"]) == 0
    assert main(["restore", "--data", str(tmp_path / "new"), str(tmp_path / "a")]) == 0
    assert content(tmp_path / "new") == content(data)

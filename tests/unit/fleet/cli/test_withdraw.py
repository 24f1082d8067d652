"""Withdrawals at the command line: two people and a listed reason, or 72 hours."""

import msgspec
import pytest
from sqlalchemy import select

from fleet.cli import commands
from fleet.cli.commands import open_fleet
from fleet.facts.model import WithdrawalReason
from fleet.identity.people import PersonError, account_of, set_user
from fleet.registry import document, store
from fleet.registry.tables import commissioning
from fleet.settings import read_settings
from tests.unit.fleet.founded import DOCUMENT, EUIS, NOW_US

SECRET = "a long password"


@pytest.fixture
def folder(tmp_path):
    commands.init(tmp_path, public_url="", broker="127.0.0.1:8883")
    _, database = open_fleet(tmp_path)
    roles = (("berthe", "operator"), ("rené", "viewer"))
    accounts = [account_of(name=name, role=role, password=SECRET) for name, role in roles]
    with database.write() as connection:
        read = document.read_document(msgspec.json.encode(DOCUMENT), store.known_keys(connection))
        store.apply_document(connection, read, who="test", now_us=NOW_US)
        for account in accounts:
            set_user(connection, account, who="test", now_us=NOW_US)
    database.close()
    return tmp_path


def newest(folder):
    assert read_settings(folder)
    _, database = open_fleet(folder)
    with database.read() as connection:
        query = select(commissioning.c.second, commissioning.c.reason).where(
            commissioning.c.kind == "withdrawn"
        )
        rows = [tuple(row) for row in connection.execute(query)]
    database.close()
    return rows


def test_a_second_person_agrees_with_its_password(folder):
    commands.withdraw(folder, [EUIS[0]], reason=WithdrawalReason.HAZARD, second="berthe", password=SECRET)
    commands.withdraw(folder, [EUIS[1]])
    assert newest(folder) == [("berthe", "hazard"), ("", "")]


@pytest.mark.parametrize(
    ("reason", "second", "password"),
    [
        (WithdrawalReason.HAZARD, "berthe", "another password"),
        (WithdrawalReason.HAZARD, "rené", SECRET),
        (WithdrawalReason.HAZARD, "nobody", SECRET),
        (WithdrawalReason.HAZARD, "", ""),
        (None, "berthe", SECRET),
    ],
)
def test_without_a_second_person_and_a_reason_nothing_is_written(folder, reason, second, password):
    with pytest.raises(PersonError):
        commands.withdraw(folder, [EUIS[0]], reason=reason, second=second, password=password)
    assert newest(folder) == []

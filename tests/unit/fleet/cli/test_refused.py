"""What cannot be used is kept with its reason, and whoever is on duty can read it."""

import json

import pytest
from sqlalchemy import select

from agent.wire.messages import JournalBatch
from fleet.cli.main import main
from fleet.evidence import tables
from fleet.evidence.ingest import Sorter
from fleet.facts.settings import DEFAULTS
from tests.unit.fleet.evidence.test_ingest import record
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, heartbeat, received, store_rows

SORTER = Sorter({}, set(EUIS), DEFAULTS)
UNKNOWN = "0016c001ffffffff"


def kept(database, *messages):
    with database.write() as connection:
        store_rows(connection, SORTER.sort(messages))
    with database.read() as connection:
        refused = connection.execute(
            select(tables.refused_messages.c.topic, tables.refused_messages.c.reason)
        )
        journal = connection.execute(select(tables.journal_records.c.value)).scalars().all()
        return refused.all(), journal


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_another_record_with_the_same_number_is_told_apart_from_a_repeated_one(tmp_path, together):
    database = founded_database(tmp_path)
    first, same, other = (
        received(EUIS[0], "journal", JournalBatch((record(1, value=value),)))
        for value in ("RECEIVING", "RECEIVING", "DEAF")
    )
    if together:
        refused, journal = kept(database, first, same, other)
    else:
        for message in (first, same):
            assert kept(database, message)[0] == []
        refused, journal = kept(database, other)
    assert journal == ["RECEIVING"]
    ((topic, reason),) = refused
    assert topic == f"vdl/1/{EUIS[0]}/journal"
    assert reason == "journal_seq: 7/1 was stored with other content; two boxes or a copied disk"


def test_the_command_lists_the_newest_first_with_the_reason(tmp_path, capsys):
    data = tmp_path / "fleet"
    assert main(["init", "--data", str(data)]) == 0
    database = founded_database(data)
    kept(database, received(UNKNOWN, "health", heartbeat(1)), received(EUIS[0], "health", b"\x01"))
    database.close()
    capsys.readouterr()
    assert main(["refused", "--data", str(data)]) == 0
    newest, older, total = capsys.readouterr().out.splitlines()
    assert f"vdl/1/{EUIS[0]}/health (1 bytes): " in newest
    assert f"no gateway {UNKNOWN} in the registry" in older
    assert total == "2 shown of 2 refused since installation"
    assert main(["refused", "--data", str(data), "--json", "--limit", "1"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["recorded_at_us"] == NOW_US

"""`passerelle fleet check` finds what was changed behind our back, and nothing else."""

import zlib

import pytest
from sqlalchemy import delete, insert, select, update

from fleet.availability import document
from fleet.cli.main import main
from fleet.evidence.tables import blindness, heartbeat_runs, journal_records
from fleet.facts.settings import DEFAULTS
from fleet.months.check_store import check_month
from fleet.months.checking import differs_today
from fleet.months.closing import Version, close, seal_of
from fleet.months.inputs import load_month
from fleet.months.tables import month_versions
from fleet.months.versions import newest_version
from tests.unit.fleet.months.closed import CLOSED_US, EUI, MONTH, SAID_US, closed_month

RECORD, RUN = journal_records.c.journal_seq, heartbeat_runs.c.first_seq


@pytest.fixture
def database(tmp_path):
    found = closed_month(tmp_path)
    yield found
    found.close()


def findings(database, now_us=CLOSED_US):
    with database.read() as connection:
        return list(check_month(connection, MONTH, DEFAULTS, now_us=now_us))


def plant(database, statement):
    with database.write() as connection:
        assert connection.execute(statement).rowcount == 1


def stored(database):
    with database.read() as connection:
        return connection.execute(select(month_versions)).mappings().one()


def test_a_month_that_nobody_touched_has_none(database):
    assert findings(database) == []


def test_a_figure_that_was_changed(database):
    figures = stored(database)["figures"]
    figures["communes"][0]["served"] += 1
    plant(database, update(month_versions).values(figures=figures))
    found = findings(database)
    assert {(one.what, one.is_fault) for one in found} >= {("figures", True), ("seal", True)}
    assert "commune 37015" in found[0].text


def test_a_month_that_another_program_closed_is_named_and_no_fault(database):
    row = stored(database)
    facts = zlib.decompress(row["facts"]).replace(document.CODE.encode(), b"passerelle availability 2")
    lines = facts.splitlines(keepends=True)
    figures = row["figures"] | {"code": "passerelle availability 2"}
    figures["communes"][0]["served"] += 1
    version = Version(
        month=MONTH,
        number=1,
        hash=document.digest_of_lines(lines),
        facts=tuple(lines),
        figures=figures,
        difference={},
    )
    values = {
        "facts": zlib.compress(facts),
        "figures": figures,
        "hash": version.hash,
        "seal": seal_of(version),
    }
    plant(database, update(month_versions).values(**values))
    (one,) = findings(database)
    assert (one.what, one.is_fault) == ("code", False)
    assert "CLOSED BY passerelle availability 2" in one.text
    assert "commune 37015" in one.text
    with database.read() as connection:
        kept = newest_version(connection, MONTH)
        assert close(load_month(connection, MONTH, DEFAULTS, CLOSED_US), kept, CLOSED_US) is None
    assert differs_today(kept) == ["commune 37015"]


def test_stored_figures_and_hash_changed_together_break_the_seal(database):
    figures = stored(database)["figures"] | {"code": "passerelle availability 2"}
    plant(database, update(month_versions).values(figures=figures))
    assert ("seal", True) in {(one.what, one.is_fault) for one in findings(database)}


def test_a_timeline_that_was_shortened(database):
    figures = stored(database)["figures"]
    (mine,) = (one for one in figures["gateways"] if one["eui"] == EUI)
    mine["exceptions"].pop()
    plant(database, update(month_versions).values(figures=figures))
    assert f"gateway {EUI}" in findings(database)[0].text


def test_a_hash_that_was_changed(database):
    plant(database, update(month_versions).values(hash="0" * 64))
    assert findings(database)[0].what == "hash"


def test_a_fact_taken_out_of_a_version(database):
    lines = zlib.decompress(stored(database)["facts"]).splitlines(keepends=True)
    less = [line for line in lines if b'"type":"journal"' not in line]
    plant(database, update(month_versions).values(facts=zlib.compress(b"".join(less))))
    assert {one.what for one in findings(database)} >= {"hash", "figures"}


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (delete(journal_records).where(journal_records.c.journal_seq == 5), f"journal {EUI} 7/5"),
        (
            update(journal_records).where(journal_records.c.journal_seq == 4).values(value="UP"),
            f"journal {EUI} 7/4",
        ),
        (
            update(heartbeat_runs).where(heartbeat_runs.c.first_seq == 0).values(lns_up=False),
            f"run {EUI} 7/0",
        ),
    ],
    ids=["deleted", "changed", "run"],
)
def test_evidence_that_was_changed_or_deleted(database, statement, name):
    plant(database, statement)
    found = findings(database)
    assert found[0].what == "facts"
    assert name in found[0].text


def test_a_fact_that_was_known_and_is_not_in_it(database):
    row = {"from_at_us": SAID_US, "until_at_us": SAID_US + 10**9, "path": "broker", "reason": "x"}
    plant(database, insert(blindness).values(row | {"recorded_at_us": SAID_US}))
    assert [one.what for one in findings(database)] == ["evidence"]


def test_a_fact_that_came_late_is_no_fault(database):
    row = {"from_at_us": SAID_US, "until_at_us": SAID_US + 10**9, "path": "broker", "reason": "x"}
    plant(database, insert(blindness).values(row | {"recorded_at_us": CLOSED_US + 1}))
    assert [(one.what, one.is_fault) for one in findings(database)] == [("late", False)]


def test_a_version_that_is_missing(database):
    plant(database, update(month_versions).values(version=2))
    assert findings(database)[0].what == "numbers"


def test_the_command_ends_with_one_when_something_differs(tmp_path, capsys):
    data = tmp_path / "fleet"
    assert main(["init", "--data", str(data)]) == 0
    assert main(["check", "--data", str(data)]) == 0
    closed_month(data).close()
    assert main(["check", "--data", str(data)]) == 0
    assert "1 closed months checked, 0 faults" in capsys.readouterr().out
    broken = closed_month(data)
    plant(broken, update(month_versions).values(hash="0" * 64))
    broken.close()
    assert main(["check", "--data", str(data), "--month", MONTH]) == 1
    assert f"{MONTH} v1 hash: stored 000" in capsys.readouterr().out

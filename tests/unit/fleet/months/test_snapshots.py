"""Snapshots: taken once, what is edited later holds from the next month, corrections name two people."""

import pytest
from sqlalchemy import insert, update

from fleet.broker.inbox import Inbox
from fleet.clock import Clock
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.months import snapshots
from fleet.months.closer import Closer
from fleet.months.inputs import load_month
from fleet.months.snapshots import Correction, CorrectionRefused
from fleet.months.tables import month_snapshots
from fleet.registry.tables import communes, memberships
from tests.unit.fleet.founded import EUIS, StandingClock, founded_database

MONTH = "2026-11"
WINDOW = month_window(MONTH)
DAY = 86_400_000_000
BOTH = Correction(author="A", second="B", reason="mistyped")


@pytest.fixture
def database(tmp_path):
    made = founded_database(tmp_path, WINDOW.start_us - DAY)
    yield made
    made.close()


def closer(database, clock: Clock, settings=DEFAULTS) -> Closer:
    return Closer(
        database=database, clock=clock, inbox=Inbox(), clock_is_sure=lambda: True, settings=settings
    )


def month(database, settings=DEFAULTS, name=MONTH):
    with database.read() as connection:
        return load_month(connection, name, settings, WINDOW.end_us)


def edit(database, at_us):
    """A gateway added as if it had served from the 1st, another population."""
    row = {"commune_insee": "37281", "eui": EUIS[1], "valid_from_at_us": WINDOW.start_us}
    with database.write() as connection:
        connection.execute(insert(memberships).values(row | {"approved_by": "x", "recorded_at_us": at_us}))
        connection.execute(update(communes).where(communes.c.insee == "37281").values(population=1))


def test_what_is_edited_in_a_month_holds_from_the_next(database):
    clock = StandingClock(WINDOW.start_us)
    looking = closer(database, clock)
    assert looking.take_snapshot()
    assert not looking.take_snapshot()
    before = month(database)
    edit(database, WINDOW.start_us + 29 * DAY)
    lenient = ContractSettings(unknown_is_charged=False)
    after = month(database, lenient)
    assert (after.facts.memberships, after.communes, after.settings) == (
        before.facts.memberships,
        before.communes,
        DEFAULTS,
    )
    clock.now = WINDOW.end_us
    assert closer(database, clock, lenient).take_snapshot()
    following = month(database, name="2026-12")
    assert len(following.facts.memberships) == len(before.facts.memberships) + 1
    assert following.settings == lenient
    assert {one.insee: one.population for one in following.communes}["37281"] == 1


def test_a_late_snapshot_leaves_out_what_was_recorded_since(database):
    edit(database, WINDOW.start_us + DAY)
    with database.write() as connection:
        mine = memberships.c.eui == EUIS[0]
        ended = {"valid_until_at_us": WINDOW.start_us + DAY, "ended_at_us": WINDOW.start_us + DAY}
        connection.execute(update(memberships).where(mine).values(**ended))
    assert closer(database, StandingClock(WINDOW.start_us + 2 * DAY)).take_snapshot()
    kept = month(database).facts.memberships
    assert [(one.eui, one.valid_to_us) for one in kept] == [(eui, None) for eui in EUIS]


def test_a_month_that_began_before_anybody_was_a_member_has_none(tmp_path):
    made = founded_database(tmp_path, WINDOW.start_us + DAY)
    assert not closer(made, StandingClock(WINDOW.start_us + 2 * DAY)).take_snapshot()
    assert month(made).snapshots == ()
    made.close()


@pytest.mark.parametrize(
    "by",
    [
        Correction(author="A", second="", reason="x"),
        Correction(author="A", second="A", reason="x"),
        Correction(author="A", second="B", reason=" "),
        Correction(author="A", second="B", reason="x" * 301),
        BOTH,  # nothing changed
    ],
)
def test_a_correction_needs_two_people_a_reason_and_a_change(database, by):
    closer(database, StandingClock(WINDOW.start_us)).take_snapshot()
    with database.write() as connection, pytest.raises(CorrectionRefused):
        snapshots.correct(connection, MONTH, DEFAULTS, by, now_us=WINDOW.start_us + DAY)


def test_a_correction_is_a_version_and_names_both(database):
    closer(database, StandingClock(WINDOW.start_us)).take_snapshot()
    edit(database, WINDOW.start_us + DAY)
    with database.write() as connection:
        snapshots.correct(connection, MONTH, DEFAULTS, BOTH, now_us=WINDOW.start_us + DAY)
        with pytest.raises(CorrectionRefused):
            snapshots.correct(connection, "2026-10", DEFAULTS, BOTH, now_us=WINDOW.start_us + DAY)
    found = month(database)
    assert [(one.version, one.author, one.second) for one in found.snapshots] == [
        (1, "passerelle", ""),
        (2, "A", "B"),
    ]
    assert len(found.facts.memberships) == 4


def test_a_snapshot_that_was_changed_in_the_database_is_found(database):
    closer(database, StandingClock(WINDOW.start_us)).take_snapshot()
    with database.write() as connection:
        assert snapshots.wrong_hashes(connection, MONTH) == []
        connection.execute(update(month_snapshots).values(hash="0" * 64))
        assert snapshots.wrong_hashes(connection, MONTH) == [1]

"""What the store gives for a window decides it as every fact that it has would (one rule: ``relevance``)."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as moved_to
from sqlalchemy import delete, insert
from sqlalchemy import event as sql_event

from agent.wire.messages import JournalRecord
from fleet.availability.history import FOR_EVER_US
from fleet.availability.timeline import timeline
from fleet.db.upsert import insert_new
from fleet.evidence import facts as sight
from fleet.evidence import store
from fleet.evidence.ingest import Sorted
from fleet.evidence.load import load_gateways
from fleet.evidence.tables import blindness, heartbeat_runs, journal_records, latest
from fleet.facts.model import GatewayFacts
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.live.restore import restore_memory, restore_unsure
from tests.unit.fleet.availability.scenes import EUI, START, torn
from tests.unit.fleet.founded import founded_database

pytestmark = pytest.mark.slow
quick = settings(
    max_examples=settings.default.max_examples // 5, deadline=None, suppress_health_check=list(HealthCheck)
)
HOURS = 8
LENGTH_MS = HOURS * 3_600_000
END_US = START + LENGTH_MS * 1000
LATE = END_US + 10_000_000_000
DELAY_LIMIT_US = 40_000_000_000
S = 1_000_000


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    found = founded_database(tmp_path_factory.mktemp("load"))
    yield found
    found.close()


@st.composite
def lives(draw):
    """A gateway's facts, sometimes of two boxes; records came when they were written, or hours later."""
    facts, _ = draw(torn(LENGTH_MS, 12))
    if draw(st.booleans()):
        other, _ = draw(torn(LENGTH_MS, 4))
        boots = {run.boot for run in facts.runs}
        moved = {fact.boot: fact.boot ^ 1 for fact in (*other.runs, *other.journal)}
        facts = replace(
            facts,
            runs=(*facts.runs, *(replace(one, boot=moved[one.boot]) for one in other.runs)),
            journal=(*facts.journal, *(moved_to(one, boot=moved[one.boot]) for one in other.journal)),
        )
        event(f"two boxes, {len(boots)} boots")
    late_us = draw(st.sampled_from((0, DELAY_LIMIT_US // 10, DELAY_LIMIT_US)))
    journal = tuple(
        moved_to(fact, recorded_at_us=fact.at_us + draw(st.integers(0, late_us))) for fact in facts.journal
    )
    return replace(facts, journal=_first_of(journal), runs=_longest_of(facts.runs), maintenances=())


def _first_of(journal):
    return tuple({(fact.boot, fact.journal_seq): fact for fact in reversed(journal)}.values())


def _longest_of(runs):
    return tuple(
        {(run.boot, run.first_seq): run for run in sorted(runs, key=lambda one: one.last_seq)}.values()
    )


def keep(connection, facts: GatewayFacts):
    for table in (heartbeat_runs, journal_records, latest):
        connection.execute(delete(table))
    connection.execute(insert(latest).values(eui=facts.eui))
    if facts.runs:
        connection.execute(insert(heartbeat_runs), [store.run_row(run) for run in facts.runs])
    if facts.journal:
        connection.execute(insert(journal_records), [store.journal_row(fact) for fact in facts.journal])


def reported(facts, window):
    return timeline(facts, (), window, DEFAULTS, LATE)


@given(lives(), st.integers(0, LENGTH_MS), st.integers(0, LENGTH_MS))
@quick
def test_a_window_from_the_store_is_told_as_by_every_fact(database, facts, one, other):
    window = Window(START + min(one, other) * 1000, START + max(one, other) * 1000)
    with database.write() as connection:
        keep(connection, facts)
        (some,) = load_gateways(connection, window, DEFAULTS)
    event(f"left out: {len(some.runs) < len(facts.runs)}")
    some = replace(some, commissioning=facts.commissioning)
    assert reported(some, window) == reported(facts, window)


@given(lives(), st.integers(0, LENGTH_MS), st.data())
@quick
def test_the_memory_that_grows_tells_what_the_store_tells(database, facts, from_ms, data):
    """The engine starts with what the store has, and hears the rest in order of arrival."""
    from_us = START + from_ms * 1000
    started_us = data.draw(st.integers(from_us, END_US))
    early = replace(
        facts,
        runs=tuple(run for run in facts.runs if run.recorded_at_us <= started_us),
        journal=tuple(fact for fact in facts.journal if fact.recorded_at_us <= started_us),
    )
    rest = sorted(
        {*facts.runs, *facts.journal} - {*early.runs, *early.journal}, key=lambda one: one.recorded_at_us
    )
    window = Window(from_us, END_US)
    with database.write() as connection:
        keep(connection, early)
        memory = restore_memory(connection, from_us)
        for fact in rest:
            memory = _hear(connection, memory, fact, from_us)
    mine = replace(memory.of(EUI).facts(), commissioning=facts.commissioning)
    assert reported(mine, window) == reported(facts, window)


def _hear(connection, memory, fact, from_us):
    rows = Sorted()
    if hasattr(fact, "first_seq"):
        rows.runs[EUI, fact.boot, fact.first_seq] = fact
        connection.execute(insert(heartbeat_runs).values(store.run_row(fact)))
    else:
        fields = {name: getattr(fact, name) for name in JournalRecord.__struct_fields__}
        rows.journal.append((EUI, JournalRecord(**fields), fact.recorded_at_us))
        insert_new(connection, journal_records, [store.journal_row(fact)])
    return restore_unsure(connection, memory.with_batch(rows), memory.unsure(rows), from_us)


def test_our_blindness_before_the_window_reaches_into_it(database):
    tail_us = DEFAULTS.blindness_tail_us
    row = {"from_at_us": START, "path": "broker", "reason": "away", "recorded_at_us": START}
    with database.write() as connection:
        connection.execute(insert(blindness).values(row | {"until_at_us": START + S}))
        assert len(sight.load_blindness(connection, START + tail_us)) == 1
        assert sight.load_blindness(connection, START + S + tail_us) == ()


def test_a_month_without_news_costs_a_handful_of_queries(database):
    """However many gateways fit into one query, and however many boots there were before."""
    with database.write() as connection:
        keep(connection, GatewayFacts(eui=EUI))
        asked = []
        sql_event.listen(connection, "before_cursor_execute", lambda *given_: asked.append(given_[2]))
        assert [one.runs for one in load_gateways(connection, Window(START, FOR_EVER_US), DEFAULTS)] == [()]
    assert len(asked) <= 12

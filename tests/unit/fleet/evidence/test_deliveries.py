"""Proofs of delivery kept as runs give every figure that the single ones give."""

from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select

from agent.wire.messages import Delivered
from fleet.availability.figures import made_good
from fleet.db import migrate
from fleet.db.connect import Database, sqlite_url
from fleet.db.upsert import write
from fleet.evidence.deliveries import SLOT_US, extended, row_of, rows_of
from fleet.evidence.load import load_deliveries
from fleet.evidence.tables import delivered_frames, deliveries
from fleet.facts.model import DeliveredFact, GatewayFacts
from fleet.facts.months import Window, month_window
from fleet.facts.settings import DEFAULTS, PROMPT_US, ContractSettings
from tests.unit.fleet.availability.making import run
from tests.unit.fleet.founded import EUIS, empty_database

EUI = EUIS[0]
START, END = month_window("2026-10").start_us, month_window("2026-10").end_us
STEP = 300_000_000
"""Microseconds of a gateway's own span."""
DAY_OF_START = START // 86_400_000_000
REVISION = "0025"
"""The migration that joins the spans of an older release."""
HEARD = replace(run(0, 0, 30), eui=EUI, boot=7)


def span(number, *, from_us=None, length_us=STEP, waited_us=None, **fields):
    begin_us = START + number * STEP if from_us is None else from_us
    values = {
        "boot": 7,
        "seq": 10 * number + 10,
        "connector": "lns",
        "received_from_us": begin_us,
        "received_until_us": begin_us + length_us,
        "acked_at_us": begin_us + (length_us if waited_us is None else waited_us),
        "frames": 2,
    }
    return Delivered(**(values | fields))


def facts_of(rows):
    """Return the facts of rows, as ``load_deliveries`` does."""
    return tuple(
        DeliveredFact(
            eui=row["eui"],
            boot=row["boot"],
            seq=row["seq"],
            connector=row["connector"],
            received_from_us=row["received_from_at_us"],
            received_until_us=row["received_until_at_us"],
            acked_at_us=row["acked_at_us"],
            frames=row["frames"],
            dropped=sum(row["dropped"].values()),
            recorded_at_us=row["recorded_at_us"],
        )
        for row in rows
    )


def runs_of(spans):
    """Return the runs that spans become, one after the other."""
    rows = []
    for one in spans:
        row = row_of(EUI, one, one.acked_at_us)
        grown = extended(rows[-1] if rows else None, row)
        if grown is None:
            continue
        if rows and grown["seq"] == rows[-1]["seq"]:
            rows[-1] = grown
        else:
            rows.append(grown)
    return rows


def good(rows, limit_us=DEFAULTS.deferred_limit_us):
    facts = GatewayFacts(eui=EUI, runs=(HEARD,), delivered=facts_of(rows))
    return made_good(facts, ContractSettings(deferred_limit_us=limit_us))


def store(database, *spans):
    with database.write() as connection:
        write(connection, rows_of(connection, [(EUI, one, one.acked_at_us) for one in spans]))


def stored(database):
    with database.read() as connection:
        rows = connection.execute(select(deliveries).order_by(deliveries.c.boot, deliveries.c.seq))
        return [dict(row) for row in rows.mappings()]


def frames(database):
    with database.read() as connection:
        return {
            (row.day_number, slot): count
            for row in connection.execute(select(delivered_frames))
            for slot, count in enumerate(row.slots)
            if count
        }


def test_a_day_of_a_gateway_is_one_row():
    (run_,) = runs_of([span(number) for number in range(288)])
    assert (run_["seq"], run_["last_seq"], run_["frames"]) == (10, 2880, 576)
    assert (run_["received_from_at_us"], run_["received_until_at_us"]) == (START, START + 288 * STEP)
    assert run_["acked_at_us"] == START + STEP


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (span(0), span(1, from_us=START + STEP + 1)),
        (span(0), span(1, connector="other")),
        (span(0), span(1, dropped={"full": 1})),
        (span(0, dropped={"full": 1}), span(1)),
        (span(0), span(1, waited_us=PROMPT_US + 1)),
        (span(0, waited_us=PROMPT_US + 1), span(1)),
        (span(0, from_us=END - STEP), span(1, from_us=END)),
        (span(0, from_us=END - STEP), span(1, from_us=END - 1, length_us=2)),
    ],
)
def test_what_differs_is_a_run_of_its_own(first, second):
    assert len(runs_of([first, second])) == 2


@pytest.mark.parametrize("waited_us", [PROMPT_US - 1, PROMPT_US])
def test_what_was_acknowledged_soon_joins(waited_us):
    (run_,) = runs_of([span(0), span(1, waited_us=waited_us)])
    assert run_["acked_at_us"] == START + waited_us


def test_losses_that_follow_join_with_their_reasons():
    (run_,) = runs_of([span(0, dropped={"full": 1}), span(1, dropped={"full": 2, "old": 1})])
    assert run_["dropped"] == {"full": 3, "old": 1}
    assert good([run_]) == []


CASES = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, STEP]),
        st.sampled_from([1, STEP, STEP, 10 * STEP]),
        st.sampled_from([1, STEP, PROMPT_US, PROMPT_US + 1, 30 * PROMPT_US, 60 * PROMPT_US]),
        st.sampled_from([{}, {}, {}, {"full": 1}]),
        st.sampled_from(["lns", "lns", "lns", "other"]),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(CASES, st.sampled_from([PROMPT_US, 2 * PROMPT_US, 48 * PROMPT_US]))
def test_runs_make_good_what_their_spans_make_good(cases, limit_us):
    spans, at_us = [], END - 20 * STEP
    for number, (gap_us, length_us, waited_us, dropped, connector) in enumerate(cases):
        spans.append(
            span(
                number,
                from_us=at_us + gap_us,
                length_us=length_us,
                waited_us=waited_us,
                dropped=dropped,
                connector=connector,
            )
        )
        at_us = spans[-1].received_until_us
    single = [row_of(EUI, one, one.acked_at_us) for one in spans]
    runs = runs_of(spans)
    assert good(runs, limit_us) == good(single, limit_us)
    assert sum(row["frames"] for row in runs) == sum(one.frames for one in spans)
    assert len(runs) <= len(spans)


def test_a_contract_that_asks_for_less_than_what_runs_tell_is_refused():
    assert ContractSettings(deferred_limit_us=PROMPT_US)
    with pytest.raises(ValueError, match="deferred_limit_us"):
        ContractSettings(deferred_limit_us=PROMPT_US - 1)


def test_batches_grow_one_row_and_repetition_changes_nothing(tmp_path):
    with closing(empty_database(tmp_path)) as database:
        store(database, span(0), span(1))
        store(database, span(2))
        once, counted = stored(database), frames(database)
        store(database, span(2), span(0))
        store(database, span(1))
        assert (stored(database), frames(database)) == (once, counted)
        assert len(once) == 1
        assert sum(counted.values()) == 6
        assert len(counted) == 3


def test_a_span_that_comes_before_its_predecessor_keeps_its_own_row(tmp_path):
    with closing(empty_database(tmp_path)) as database:
        store(database, span(0))
        store(database, span(2))
        store(database, span(1))
        assert [(row["seq"], row["last_seq"]) for row in stored(database)] == [(10, 20), (30, 30)]
        assert good(stored(database)) == [(START, START + 3 * STEP)]
        assert sum(frames(database).values()) == 6


def test_two_boots_and_two_gateways_stay_apart(tmp_path):
    with closing(empty_database(tmp_path)) as database:
        events = [(EUI, span(0), 1), (EUI, span(1, boot=8), 1), (EUIS[1], span(1), 1)]
        with database.write() as connection:
            write(connection, rows_of(connection, events))
        assert len(stored(database)) == 3


def test_frames_stand_where_they_were_received(tmp_path):
    with closing(empty_database(tmp_path)) as database:
        store(database, span(0), span(1))
        slot = START % 86_400_000_000 // SLOT_US
        assert frames(database) == {(DAY_OF_START, slot + 1): 2, (DAY_OF_START, slot + 2): 2}


def test_rows_of_an_older_release_become_runs_with_the_same_figures(tmp_path):
    spans = [span(number) for number in range(40)]
    spans += [span(50, dropped={"full": 1}), span(51, waited_us=60 * PROMPT_US), span(52)]
    spans += [span(9_000 + number, from_us=END - STEP + number * STEP) for number in range(2)]
    old = [row_of(EUI, one, one.acked_at_us) for one in spans]
    with closing(Database(sqlite_url(tmp_path / "fleet.db"))) as database:
        with database.write() as connection:
            known = migrate.revisions(connection)
            migrate.migrate_to(connection, known[known.index(REVISION) - 1])
            for row in old:
                del row["last_seq"]
            connection.execute(insert(deliveries), old)
        assert migrate.upgrade(database) == known[-1]
        assert stored(database)[0]["last_seq"] == 400
        assert len(stored(database)) == 6
        assert good(stored(database)) == good(old)
        assert sum(frames(database).values()) == sum(row["frames"] for row in old)
        with database.read() as connection:
            assert len(load_deliveries(connection, Window(START, END))) == 5
        with database.write() as connection:
            migrate.downgrade(connection, known[known.index(REVISION) - 1])
            assert migrate.current(connection) != known[-1]

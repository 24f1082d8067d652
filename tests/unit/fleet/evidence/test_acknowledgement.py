"""How far a journal is settled: numbers, gaps, what is given up, and how often a gateway is asked."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.messages import Change, Gone, JournalBatch, JournalRecord, PreviousBoot, SeqSpan, TimeQuality
from fleet.evidence import vitals
from fleet.evidence.acknowledgement import (
    ASK_AFTER_US,
    ASK_EVERY_LIMIT_US,
    ASKS_LIMIT,
    SPANS_LIMIT,
    Progress,
    advance,
    missing,
    next_question,
    open_progress,
    settle,
)
from fleet.evidence.ingest import Nothing, Sorter
from fleet.evidence.store import store_batch
from fleet.facts.settings import DEFAULTS
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, heartbeat, received

EUI = EUIS[0]


def progress(through=0, expected=0, gone=0, boot=7):
    return Progress(eui=EUI, boot=boot, through_seq=through, expected_seq=expected, gone=gone)


def record(seq, boot=7, change=Change.RADIO, previous=None):
    return JournalRecord(
        boot, seq, seq * 1000, NOW_US, TimeQuality.NTP, change, "radio", "RECEIVING", "", previous=previous
    )


@pytest.fixture
def store(tmp_path):
    database = founded_database(tmp_path)

    def take(*messages, known=None):
        sorter = Sorter(known or {}, set(EUIS), DEFAULTS)
        with database.write() as connection:
            rows = sorter.sort(messages)
            store_batch(connection, rows, vitals.rows_of(connection, rows.vitals))
            return settle(connection, rows)

    def still_open():
        with database.read() as connection:
            return open_progress(connection)

    return SimpleNamespace(take=take, open=still_open)


def journal(*records, gone=()):
    return received(EUI, "journal", JournalBatch(records, gone))


def test_a_journal_in_order_is_settled_as_it_comes(store):
    assert store.take(journal(record(1), record(2))) == (progress(2, 2),)
    assert store.take(journal(record(3))) == (progress(3, 3),)
    assert store.open() == []


def test_a_gap_holds_the_prefix_until_it_is_filled(store):
    store.take(journal(record(1)))
    assert store.take(journal(record(3), record(5))) == (progress(1, 5),)
    assert store.take(journal(record(2))) == (progress(3, 5),)
    assert store.take(journal(record(4))) == (progress(5, 5),)


def test_a_record_twice_is_acknowledged_again(store):
    store.take(journal(record(1), record(2)))
    assert store.take(journal(record(2))) == (progress(2, 2),)


def test_what_the_gateway_has_no_more_is_settled_and_counted(store):
    store.take(journal(record(1), record(6)))
    (known,) = store.take(journal(gone=(Gone(7, 2, 4),)))
    assert known == progress(4, 6, gone=3)
    (known,) = store.take(journal(gone=(Gone(7, 5, 2**40),)))
    assert known == progress(6, 6, gone=4)


def test_a_heartbeat_that_speaks_of_more_opens_its_boot(store):
    beat = received(EUI, "health", heartbeat(1, at_us=NOW_US, journal_seq=3))
    assert store.take(journal(record(1)), beat) == (progress(1, 3),)
    assert store.open() == [progress(1, 3)]
    (run,) = Sorter({}, set(EUIS), DEFAULTS).sort([beat]).runs.values()
    known = {EUI: Nothing(newest_run=run)}
    later = received(EUI, "health", heartbeat(2, at_us=NOW_US, journal_seq=3))
    assert store.take(later, known=known) == ()
    more = received(EUI, "health", heartbeat(3, at_us=NOW_US, journal_seq=5))
    assert store.take(more, known=known) == ()
    assert store.open() == [progress(1, 5)]


def test_the_next_boot_tells_how_long_the_journal_before_was(store):
    store.take(journal(record(1, boot=5)))
    previous = PreviousBoot(5, 9_000, NOW_US, TimeQuality.NTP, False, 4)
    found = store.take(journal(record(1, boot=6, change=Change.BOOT, previous=previous)))
    assert found == (progress(1, 1, boot=6),)
    assert store.open() == [progress(1, 4, boot=5)]


def test_records_that_nobody_can_use_are_not_asked_for_for_ever(store):
    bad = JournalRecord(7, 2, -5, NOW_US, TimeQuality.NTP, Change.RADIO, "radio", "OFF", "")
    store.take(journal(record(1), record(3)))
    assert store.take(journal(bad)) == (progress(3, 3, gone=1),)


def test_a_boot_that_was_stored_before_progress_was_known_is_counted_from_its_rows(store):
    store.take(journal(*(record(seq) for seq in range(1, 50))))
    from_rows = advance(progress(0, 49), set(range(1, 50)), ())
    assert from_rows.through_seq == 49


SPANS = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)).map(sorted).map(tuple), max_size=6)


@given(st.integers(0, 20), st.integers(0, 40), st.sets(st.integers(1, 60)), SPANS)
def test_the_prefix_ends_before_the_first_number_that_nobody_knows(through, expected, stored, spans):
    known = progress(min(through, expected), expected)
    given_up = {seq for first, last in spans for seq in range(first, last + 1)}
    unknown = [
        seq for seq in range(known.through_seq + 1, expected + 1) if seq not in stored and seq not in given_up
    ]
    after = advance(known, stored, spans)
    assert after.through_seq == (unknown[0] - 1 if unknown else expected)
    settled = range(known.through_seq + 1, after.through_seq + 1)
    assert after.gone == sum(seq not in stored for seq in settled)


@given(st.integers(0, 20), st.integers(0, 80), st.sets(st.integers(1, 90)))
def test_missing_spans_are_what_is_expected_and_not_stored(through, expected, stored):
    known = progress(min(through, expected), expected)
    stored = {seq for seq in stored if known.through_seq < seq <= expected}
    spans = missing(known, stored)
    named = [seq for span in spans for seq in range(span.first_seq, span.last_seq + 1)]
    absent = [seq for seq in range(known.through_seq + 1, expected + 1) if seq not in stored]
    assert named == absent[: len(named)]
    assert len(spans) <= SPANS_LIMIT
    assert named == absent or len(spans) == SPANS_LIMIT


def test_no_more_spans_than_fit_one_question():
    spans = missing(progress(0, 99), range(2, 99, 2))
    assert spans == tuple(SeqSpan(seq, seq) for seq in range(1, 2 * SPANS_LIMIT, 2))


def test_a_gateway_is_asked_less_and_less_often_and_at_last_not_at_all():
    due, asked = next_question(None, progress(1, 3), 0)
    assert not due
    waits, now_us = [], 0
    for _ in range(ASKS_LIMIT):
        waits.append(asked.due_us - now_us)
        assert next_question(asked, progress(1, 3), asked.due_us - 1) == (False, asked)
        now_us = asked.due_us
        due, asked = next_question(asked, progress(1, 3), now_us)
        assert due
    assert waits[:4] == [ASK_AFTER_US, ASK_AFTER_US, 2 * ASK_AFTER_US, 4 * ASK_AFTER_US]
    assert max(waits) == ASK_EVERY_LIMIT_US
    assert next_question(asked, progress(1, 3), 2**60) == (False, asked)
    due, asked = next_question(asked, progress(2, 3), 2**60)
    assert (due, asked.tries) == (False, 0)

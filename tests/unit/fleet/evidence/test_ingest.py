import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    Delivered,
    Heard,
    JournalBatch,
    JournalRecord,
    Noted,
    Presence,
    PreviousBoot,
    Reply,
    TimeQuality,
    encode,
)
from agent.wire.topics import topic
from fleet.availability.history import FOR_EVER_US
from fleet.broker.received import Received
from fleet.evidence import load, store, tables
from fleet.evidence.allowance import PACES, MessageKind
from fleet.evidence.coherence import INTEGER_LIMIT, TEXT_LIMIT_CHARACTERS
from fleet.evidence.ingest import JOURNAL_BATCH_LIMIT, Sorter
from fleet.evidence.quarantine import QuarantineBound
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.live.restore import restore_memory
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database, heartbeat, received, store_rows

STEP_US = 30_000_000
SORTER = Sorter({}, set(EUIS), DEFAULTS)


def record(seq=1, **fields):
    told = {"uptime_ms": 5, "at_us": NOW_US, "time_quality": TimeQuality.NTP, "change": Change.RADIO}
    told |= {"subject": "", "value": "RECEIVING", "reason": ""}
    return JournalRecord(boot=7, journal_seq=seq, **(told | fields))


def beats(count, eui=EUIS[0]):
    return [
        received(
            eui,
            "health",
            heartbeat(seq, at_us=NOW_US + seq * STEP_US),
            at_us=NOW_US + seq * STEP_US,
        )
        for seq in range(1, count + 1)
    ]


def test_heartbeats_that_say_the_same_are_one_run():
    rows = SORTER.sort(beats(10))
    assert len(rows.runs) == 1
    run = rows.newest_runs[EUIS[0]]
    assert (run.first_seq, run.last_seq, len(rows.vitals)) == (1, 10, 10)


def test_a_repeated_heartbeat_is_counted_and_changes_nothing():
    rows = SORTER.sort([*beats(3), *beats(3)])
    assert (len(rows.vitals), rows.repeated) == (3, 3)


@pytest.mark.parametrize(
    ("topic", "payload", "words"),
    [
        ("vdl/1", b"", "topic"),
        ("elsewhere/1/x/health", b"", "topic"),
        (f"vdl/1/{EUIS[0]}/health", b"\xc1", "health"),
        (f"vdl/1/{EUIS[0]}/health", b"", "health"),
        (f"vdl/1/{EUIS[0]}/weather", b"\x90", "weather"),
        ("vdl/1/0016c001f1999999/health", b"\x90", "registry"),
        (f"vdl/1/{EUIS[0].upper()}/health", b"\x90", "registry"),
        (f"vdl/1/{EUIS[0]}/health", b"x" * 70_000, "at most"),
        (f"vdl/1/{EUIS[0]}/presence", encode(Presence(True, INTEGER_LIMIT + 1)), "63 bits"),
        (
            f"vdl/1/{EUIS[0]}/reply/a",
            encode(Reply("a", True, "x" * (TEXT_LIMIT_CHARACTERS + 1))),
            "text: 501",
        ),
        (f"vdl/1/{EUIS[0]}/reply/a", encode(Reply("a", True, "a\0b")), "NUL"),
        (
            f"vdl/1/{EUIS[0]}/journal",
            encode(JournalBatch(tuple(record(seq) for seq in range(1, JOURNAL_BATCH_LIMIT + 2)))),
            "records: 201",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_reason_and_stops_nothing(topic, payload, words):
    bad = Received(topic=topic, payload=payload, retained=False, received_at_us=NOW_US)
    rows = SORTER.sort([bad, *beats(1)])
    assert [(message, words in reason) for message, reason in rows.refused] == [(bad, True)]
    assert len(rows.vitals) == 1


def test_what_the_broker_remembers_is_a_presence_and_no_edge():
    """After a restart of ours the broker repeats each gateway's last presence: nothing happened then."""
    live = received(EUIS[0], "presence", Presence(True, 7))
    remembered = received(EUIS[1], "presence", Presence(False, 7), retained=True)
    rows = SORTER.sort([live, remembered])
    assert {eui: presence.online for eui, (presence, _) in rows.presence.items()} == {
        EUIS[0]: True,
        EUIS[1]: False,
    }
    assert rows.presence_edges == [{"eui": EUIS[0], "online": True, "boot": 7, "recorded_at_us": NOW_US}]


@pytest.mark.parametrize("leaf", ["presence", "config/reported"])
def test_an_empty_retained_message_only_clears(leaf):
    assert SORTER.sort([received(EUIS[0], leaf, b"")]).refused == []


def test_what_we_published_ourselves_is_passed_over():
    rows = SORTER.sort([received(EUIS[0], "config/desired", b"x"), received(EUIS[0], "command/1", b"x")])
    assert rows.refused == []


@given(st.binary(max_size=200), st.sampled_from(["health", "journal", "event", "presence", "reply/x"]))
def test_no_bytes_stop_the_ingest(payload, leaf):
    rows = SORTER.sort([received(EUIS[0], leaf, payload), *beats(1)])
    assert len(rows.vitals) >= 1


def everything():
    previous = PreviousBoot(boot=6, uptime_ms=9, at_us=NOW_US - 1, time_quality=TimeQuality.NTP, clean=False)
    return [
        *beats(4),
        received(EUIS[0], "journal", JournalBatch((record(1, previous=previous), record(2)))),
        received(EUIS[0], "event", Delivered(7, 1, "lns", NOW_US, NOW_US + 1, NOW_US + 2, 5, {"too_old": 2})),
        received(EUIS[0], "event", Noted(7, 2, NOW_US, "agc_lost", {"rf": 1})),
        received(EUIS[0], "event", Heard("2026-11-18", "26011bda", 3, 12, -91, 7.5, 7)),
        received(EUIS[0], "presence", Presence(True, 7)),
        received(EUIS[0], "config/reported", ConfigReported(1, "aa", ConfigState.CONFIRMED, 1, "")),
    ]


def stored_rows(database):
    names = ("heartbeat_runs", "journal_records", "deliveries", "notes", "heard", "reported_configurations")
    found = {}
    with database.read() as connection:
        for name in names:
            table = getattr(tables, name, None)
            if table is None:
                from fleet.evidence.tables import reported_configurations as table
            found[name] = sorted(map(tuple, connection.execute(select(table)).all()), key=repr)
    return found


def test_storing_again_changes_nothing(tmp_path):
    database = founded_database(tmp_path)
    for _ in range(2):
        with database.write() as connection:
            store_rows(connection, SORTER.sort(everything()))
    once = stored_rows(database)
    assert [len(rows) for rows in once.values()] == [1, 2, 1, 1, 1, 1]
    with database.read() as connection:
        counted = dict(connection.execute(select(tables.counters)).all())
    assert (counted["journal_records"], counted["repeated"]) == (2, 2)


def test_what_was_stored_is_remembered_after_a_restart(tmp_path):
    database = founded_database(tmp_path)
    rows = SORTER.sort(everything())
    with database.write() as connection:
        store_rows(connection, rows)
    with database.read() as connection:
        memory = restore_memory(connection, 0).of(EUIS[0])
        delivered = load.load_deliveries(connection, Window(0, 2 * NOW_US))
    assert list(memory.runs) == list(rows.runs.values())
    assert memory.heartbeat == heartbeat(4, at_us=NOW_US + 4 * STEP_US)
    assert memory.journal[7, 1].previous.boot == 6
    assert [one.dropped for one in delivered] == [2]
    assert memory.presence.online


def test_refused_messages_are_kept_up_to_the_limit_and_cut(tmp_path):
    database = founded_database(tmp_path)
    limit = store.REFUSED_KEPT
    message = received(EUIS[0], "health", b"x" * 5000)
    with database.write() as connection:
        store.store_refused(connection, [(message, "bad")] * (limit - 1))
        store.store_refused(connection, [(message, "bad")] * 3)
        rows = connection.execute(select(tables.refused_messages)).mappings().all()
    assert len(rows) == limit
    assert len(rows[0]["payload"]) == store.REFUSED_PAYLOAD_BYTES
    assert rows[0]["payload_bytes"] == 5000


def test_a_run_reads_back_as_it_was_written(tmp_path):
    database = founded_database(tmp_path)
    rows = SORTER.sort(beats(2))
    with database.write() as connection:
        store_rows(connection, rows)
        for at_us in (0, NOW_US * 2):
            (one,) = load.load_gateways(connection, Window(at_us, FOR_EVER_US), DEFAULTS)
            assert list(one.runs) == list(rows.runs.values())


def test_payloads_are_what_the_wire_says():
    assert msgspec.msgpack.decode(encode(heartbeat()))[0] == 7


def undecodable(eui, count, size_bytes):
    payload = b"x" * size_bytes
    one = Received(topic=topic(eui, "journal"), payload=payload, retained=False, received_at_us=NOW_US)
    return [one] * count


def test_what_cannot_be_decoded_costs_its_gateway_too_until_nobody_listens_to_it():
    size_bytes = 1_000_000
    burst = PACES[MessageKind.BYTE].burst // size_bytes
    within = SORTER.sort(undecodable(EUIS[0], burst, size_bytes))
    assert (len(within.refused), within.quarantines) == (burst, {})
    beyond = SORTER.sort(undecodable(EUIS[0], burst + 3, size_bytes))
    assert beyond.quarantines[EUIS[0]].budget == MessageKind.BYTE
    assert beyond.unheard == {EUIS[0]: (2, NOW_US)}


def test_where_too_many_go_beyond_a_budget_the_limit_is_suspected_and_they_are_spared():
    size_bytes = PACES[MessageKind.BYTE].burst + 1
    sorter = Sorter({}, set(EUIS), DEFAULTS, bound=QuarantineBound(least=1, share_max_ppm=0))
    rows = sorter.sort([*undecodable(EUIS[0], 1, size_bytes), *undecodable(EUIS[1], 2, size_bytes)])
    assert list(rows.quarantines) == [EUIS[0]]
    assert rows.recent.suspects(NOW_US) == {EUIS[1]: NOW_US}
    assert rows.unheard == {}

"""A child does what this process would do, within its bounds, and its failure is known and harmless."""

import os
import resource
import sys
import threading
import time

import pytest
from sqlalchemy import insert

from fleet.broker.inbox import Inbox
from fleet.child.jobs import WriteContest, WriteOpenData, WriteReport
from fleet.child.process import WAITING_LIMIT, Child, ChildBusy, ChildFailed
from fleet.child.work import MEMORY_LIMIT_BYTES, NICENESS
from fleet.evidence.tables import heard, journal_records
from fleet.facts.months import closes_at_us, month_window
from fleet.facts.settings import DEFAULTS
from fleet.months.closer import Closer
from fleet.months.closing import NotYetError
from fleet.months.reckoner import ReckonsHere
from fleet.months.versions import next_version
from fleet.reports.signature import Signature, SignatureError
from fleet.reports.store import Form, contest_bundle, file_of, monthly_report, opendata
from fleet.reports.terms import DEFAULT_TERMS
from tests.unit.fleet.founded import EUIS, StandingClock, founded_database
from tests.unit.fleet.months.closed import closed_by_another, closed_month

MONTH = "2026-10"
WINDOW, DUE = month_window(MONTH), closes_at_us(MONTH)
FOR_EVER = "import time; time.sleep(600)"


@pytest.fixture
def database(tmp_path):
    database = founded_database(tmp_path, now_us=WINDOW.start_us)
    row = {"eui": EUIS[0], "boot": 7, "journal_seq": 1, "uptime_ms": 0, "time_quality": 2, "change": 1}
    row |= {"subject": "", "value": "", "reason": "", "at_us": WINDOW.start_us}
    with database.write() as connection:
        connection.execute(insert(journal_records).values(row | {"recorded_at_us": WINDOW.start_us}))
    yield database
    database.close()


def python(program, **limits):
    """A child that runs another program than ours."""
    return Child("sqlite://", DEFAULTS, command=(sys.executable, "-c", program), **limits)


def report(**fields):
    return WriteReport(month=MONTH, now_us=DUE, form=Form.JSON, terms=DEFAULT_TERMS, **fields)


def test_a_version_is_what_this_process_would_reckon(database):
    version = Child(database.url, DEFAULTS).next_version(MONTH, DUE)
    with database.read() as connection:
        assert version == next_version(connection, MONTH, DEFAULTS, now_us=DUE)
    assert version.number == 1


ASKED = {
    "the next version": lambda one: one.next_version(MONTH, DUE),
    "an open month": lambda one: one.open_month("2026-11", DUE),
    "differences": lambda one: one.differences(MONTH, 1),
    "coverages": lambda one: one.coverages("2026-11", DUE),
    "a day": lambda one: one.count_day("2026-10-05"),
}
"""Everything that a reckoner is asked (``fleet.months.reckoner``)."""


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_a_child_answers_what_this_process_would(tmp_path, ask):
    closed = closed_month(tmp_path)
    sketch = {"eui": EUIS[0], "address": "26000001", "hours": 1, "frames": 1, "best_rssi_dbm": -90}
    sketch |= {"best_snr_db": 1.0, "lowest_sf": 7, "recorded_at_us": 0}
    with closed.write() as connection:
        connection.execute(insert(heard), [sketch | {"day": f"2026-10-0{day}"} for day in (5, 6)])
    closed_by_another(closed)
    answer = ask(Child(closed.url, DEFAULTS))
    assert answer == ask(ReckonsHere(closed, DEFAULTS))
    closed.close()


def test_a_report_is_what_this_process_would_write(database):
    made = Child(database.url, DEFAULTS).report(report())
    with database.read() as connection:
        ours = monthly_report(connection, MONTH, DEFAULTS, DUE, terms=DEFAULT_TERMS)
    assert made == file_of(ours, Form.JSON)


def test_bundles_and_open_data_are_what_this_process_would_write(database):
    child = Child(database.url, DEFAULTS)
    bundle = child.report(WriteContest(month=MONTH, now_us=DUE, terms=DEFAULT_TERMS))
    with database.read() as connection:
        assert bundle == contest_bundle(connection, MONTH, DEFAULTS, DUE, DEFAULT_TERMS, epci="")
        ours = opendata(connection, MONTH, DEFAULTS, DUE)
    assert child.report(WriteOpenData(month=MONTH, now_us=DUE)) == ours


def test_what_is_refused_here_is_refused_there(database):
    child = Child(database.url, DEFAULTS)
    with pytest.raises(NotYetError):
        child.next_version(MONTH, DUE - 1)
    with pytest.raises(ValueError, match="elsewhere"):
        child.report(report(epci="elsewhere"))
    nothing = Signature(key="/nowhere/key.pem", certificate="/nowhere/chain.pem")
    with pytest.raises(SignatureError, match="is not there"):
        child.report(
            WriteReport(month=MONTH, now_us=DUE, form=Form.PDF, terms=DEFAULT_TERMS, signature=nothing)
        )
    assert child.failures == 0


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("import sys; print('no such table', file=sys.stderr); sys.exit(3)", "ended with 3: no such table"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended with -9: no word"),
        ("print('hello')", "an answer that is none"),
        ("", "an answer that is none"),
    ],
)
def test_a_child_without_an_answer_failed_and_says_how(program, reason):
    child = python(program)
    with pytest.raises(ChildFailed, match=reason):
        child.next_version(MONTH, DUE)
    assert child.failures == 1


def test_a_child_that_never_answers_is_killed():
    with pytest.raises(ChildFailed, match=r"no answer within 0\.2 s"):
        python(FOR_EVER, time_limit_s=0.2).next_version(MONTH, DUE)


def test_a_child_is_bounded_in_memory_and_gives_way():
    program = "import sys; from fleet.child.work import bound; bound(); import os, resource\n"
    program += "print(os.nice(0), resource.getrlimit(resource.RLIMIT_DATA)[0], file=sys.stderr)\n"
    program += f"bytearray({MEMORY_LIMIT_BYTES})"
    with pytest.raises(ChildFailed, match="MemoryError") as caught:
        python(program).next_version(MONTH, DUE)
    nicest = min(os.nice(0) + NICENESS, 19)  # nice(2) adds to what this process has, up to 19
    assert f"{nicest} {MEMORY_LIMIT_BYTES}" in str(caught.value)
    assert resource.getrlimit(resource.RLIMIT_DATA)[0] != MEMORY_LIMIT_BYTES


def test_orders_beyond_the_limit_are_refused_and_a_stop_ends_those_at_work():
    child, ended = python(FOR_EVER), []

    def ask():
        try:
            child.next_version(MONTH, DUE)
        except ChildFailed:
            ended.append("failed")
        except ChildBusy:
            ended.append("busy")

    threads = [threading.Thread(target=ask) for _ in range(WAITING_LIMIT + 1)]
    for thread in threads:
        thread.start()
    while "busy" not in ended:
        time.sleep(0.01)
    child.stop()
    for thread in threads:
        thread.join(60)
    assert sorted(ended) == ["busy"] + ["failed"] * WAITING_LIMIT


def test_an_order_waits_for_those_before_it_no_longer_than_its_limit():
    child, started = python(FOR_EVER, turn_limit_s=0.2), threading.Event()

    def count_a_day():
        started.set()
        with pytest.raises(ChildFailed):
            child.count_day("2026-10-05")

    before = threading.Thread(target=count_a_day)
    before.start()
    started.wait()
    while child._running is None:
        time.sleep(0.01)
    with pytest.raises(ChildBusy, match="takes long"):
        child.report(report())
    child.stop()
    before.join(60)
    assert child.failures == 1


def test_a_month_that_a_child_did_not_close_closes_at_the_next_look(database, tmp_path):
    first = tmp_path / "first"
    program = f"import pathlib, runpy\nfirst = pathlib.Path({str(first)!r})\nif not first.exists():\n"
    program += "    first.touch()\n    raise SystemExit('out of memory')\n"
    program += "runpy.run_module('fleet.child', run_name='__main__')"
    closer = Closer(
        database=database,
        clock=StandingClock(DUE),
        inbox=Inbox(),
        clock_is_sure=lambda: True,
        reckoner=Child(database.url, DEFAULTS, command=(sys.executable, "-c", program)),
    )
    with pytest.raises(ChildFailed, match="out of memory"):
        closer.look()
    assert closer.look().number == 1
    assert closer.look() is None

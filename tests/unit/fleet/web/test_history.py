"""What pages read of the engine is what the evidence in the database gives."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.timelines import clipped
from fleet.web.history import History, compute, from_engine
from tests.unit.fleet.engine.test_engine import SECOND, beat, bench
from tests.unit.fleet.founded import EUIS, NOW_US

__all__ = ["bench"]


def both(bench):
    with bench.database.read() as connection:
        mine = from_engine(connection, DEFAULTS, bench.engine.timelines)
        theirs = compute(connection, DEFAULTS, bench.engine.timelines.at_us)
    return mine, theirs


@pytest.mark.parametrize("silent_s", [0, 45, 500])
def test_the_engine_tells_what_the_evidence_tells(bench, silent_s):
    for seq in range(1, 6):
        beat(bench, seq)
    bench.clock.now += silent_s * SECOND
    bench.engine.cycle()
    mine, theirs = both(bench)
    assert (mine.month, mine.gateways, mine.communes) == (theirs.month, theirs.gateways, theirs.communes)
    lost = mine.month.commune_figures["37281"].by_state_us[CommuneState.LOST]
    assert lost == (30 + (silent_s if silent_s >= 90 else 0)) * SECOND


class Unread:
    """A database that nobody may ask for evidence."""

    def __init__(self, database):
        self.database = database
        self.asked = []

    @contextmanager
    def read(self):
        with self.database.read() as connection:
            event.listen(connection, "before_cursor_execute", lambda *given: self.asked.append(given[2]))
            yield connection


def test_a_page_reads_no_evidence_while_an_engine_tells(bench):
    beat(bench, 1)
    database = Unread(bench.database)
    past = History().past(database, bench.clock, DEFAULTS, bench.engine.timelines)
    assert past.at_us == bench.clock.now
    assert [asked for asked in database.asked if "month_snapshots" not in asked] == []


def test_what_was_told_does_not_change_with_the_next_cycle(bench):
    beat(bench, 1)
    told = bench.engine.timelines
    window = Window(NOW_US, told.at_us)
    before = told.lines(window)
    bench.clock.now += 500 * SECOND
    bench.engine.cycle()
    assert told.lines(window) == before
    assert bench.engine.timelines.lines(Window(NOW_US, bench.clock.now))[EUIS[0]].exceptions


def test_a_clipped_line_keeps_what_lies_in_the_window(bench):
    beat(bench, 1)
    bench.clock.now += 500 * SECOND
    bench.engine.cycle()
    line = bench.engine.timelines.known[EUIS[0]].line
    last = line.exceptions[-1]
    cut = clipped(line, Window(last.start_us + SECOND, last.end_us - SECOND))
    assert [(one.start_us, one.end_us, one.state) for one in cut.exceptions] == [
        (last.start_us + SECOND, last.end_us - SECOND, GatewayState.DOWN)
    ]

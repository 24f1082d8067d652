"""Wherever a batch or a cycle breaks off, memory, pages and the month are as if it had not been disturbed.

The SQL statements of a day fail in turn; the process is killed at them; commits fail; commits succeed and
nobody knows it.  `make test` breaks at every ``FAIL_EVERY``-th or ``KILL_EVERY``-th statement, `make soak` at
each.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from fleet.db.connect import CommitUnsure, Database
from tests.unit.fleet.engine.crash_points import (
    EngineBench,
    Fault,
    Step,
    broken,
    committed_version,
    cycle,
    day,
    die,
    facts,
    fail,
    later,
    pages,
    rows,
    scene_in,
    view,
)
from tests.unit.fleet.founded import EUIS

pytestmark = pytest.mark.slow
FAIL_EVERY, KILL_EVERY = 5, 29
POINTS_LEAST = 400
"""Statements of the day; fewer would be another day."""
REPEATED = ("counters", "refused_messages")
"""A batch that is stored, and comes again because nobody knew, is counted as repeated, its refused messages
are kept twice; nothing else differs."""
BEGUN = ("clock_events",)
"""Who begins anew says so, and looks at the clocks at once."""


@dataclass(frozen=True)
class Left:
    """What a step leaves behind."""

    step: Step
    rows: dict[str, Any]
    pages: Any
    facts: dict[str, Any]
    view: dict[str, Any]
    statements: int
    """As many as it took, those after its commit too."""


def undisturbed(folder: Any, *, cycles: int = 1, settled: bool = False, steps: bool = True) -> list[Left]:
    """Return, for each step, what it leaves behind; ``cycles`` are done at each instant that has one."""
    bench, found = scene_in(folder), []
    for step in day(steps=steps):
        step.begin(bench)
        with broken(bench.database, Fault()) as counted:
            step.work(bench)
        for _ in range(cycles - 1 if step.work is cycle else 0):
            step.work(bench)
        if settled:
            settle(bench)
        state = bench.engine.state()
        found.append(Left(step, rows(bench), pages(bench), facts(state), view(state), counted.seen))
    bench.database.close()
    return found


def settle(bench: EngineBench) -> None:
    """Let the cycles that follow catch up with what a restart puts off."""
    for _ in range(2):
        later(bench, 2)
        bench.engine.cycle()


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> list[Left]:
    return undisturbed(tmp_path_factory.mktemp("undisturbed"))


def attempt(bench: EngineBench, work: Callable[[EngineBench], None], fault: Fault) -> Fault:
    """Do the work while ``fault`` breaks it."""
    with broken(bench.database, fault):
        try:
            work(bench)
        except (OperationalError, CommitUnsure):
            assert fault.struck
    return fault


def same(bench: EngineBench, left: Left, *, but: tuple[str, ...] = ()) -> None:
    """Fail unless rows, pages and memory are as the day without faults left them."""
    found, shown = rows(bench), left.pages
    for name in left.rows.keys() - set(but):
        assert found[name] == left.rows[name], f"{left.step.name}: {name}"
    assert facts(bench.engine.state()) == left.facts
    now = pages(bench)
    assert now.month == shown.month
    if shown.network is not None:
        assert now.network.gateways == shown.network.gateways
        assert now.network.communes == shown.network.communes
        assert now.past.month == shown.past.month
        assert now.past.gateways == shown.past.gateways


def statement_by_statement(bench: EngineBench, left: Left, every: int) -> int:
    """Fail the step at every ``every``-th statement, then do it; return how many failed."""
    version, at, fault, points = committed_version(bench), 1, Fault(struck=True), 0
    while fault.struck:
        before, latest = bench.engine.state(), bench.feed.latest
        kept = (version(), len(bench.broker.acknowledged), facts(before), view(before))
        fault = attempt(bench, left.step.work, Fault(fail, at=at))
        if fault.struck:
            assert bench.engine.state() is before, f"{left.step.name}, statement {at}"
            assert (version(), len(bench.broker.acknowledged), facts(before), view(before)) == kept
            assert bench.feed.latest is latest
        points += fault.struck
        at += every
    return points


def failing_day(bench: EngineBench, reference: list[Left], every: int) -> int:
    """Fail every step of the day at its statements; return how many failed."""
    points = 0
    for left in reference:
        left.step.begin(bench)
        points += statement_by_statement(bench, left, every)
        same(bench, left)
        assert view(bench.engine.state()) == left.view
    return points


def test_a_statement_that_fails_leaves_memory_pages_and_month_as_they_were(
    tmp_path: Any, reference: list[Left]
) -> None:
    assert failing_day(scene_in(tmp_path), reference, FAIL_EVERY) >= POINTS_LEAST // FAIL_EVERY


@pytest.mark.soak
def test_every_statement_that_fails_leaves_memory_pages_and_month_as_they_were(
    tmp_path: Any, reference: list[Left]
) -> None:
    points = failing_day(scene_in(tmp_path), reference, 1)
    print(f"statements that failed: {points}")
    assert points >= POINTS_LEAST


def test_what_fails_after_the_commit_takes_nothing_back(tmp_path: Any, reference: list[Left]) -> None:
    """Envelopes that wait go out with the next cycle."""
    bench = scene_in(tmp_path)
    for left in reference:
        left.step.begin(bench)
        if left.step.name == "cycle that publishes":
            break
        left.step.work(bench)
    before = bench.engine.state()
    with broken(bench.database, Fault(fail, after_all=True)), pytest.raises(OperationalError):
        bench.engine.cycle()
    assert bench.engine.state() is not before
    assert bench.feed.latest.network is bench.engine.state().view.network
    assert bench.broker.published == []
    bench.engine.cycle()
    envelopes = [topic for topic in bench.broker.published if not topic.endswith("/journal/ack")]
    assert envelopes == [f"vdl/1/{EUIS[0]}/config/desired"]


def test_a_commit_that_fails_is_done_again(tmp_path: Any, reference: list[Left]) -> None:
    bench = scene_in(tmp_path)
    for left in reference:
        left.step.begin(bench)
        assert attempt(bench, left.step.work, Fault(fail, before_commit=True)).struck
        left.step.work(bench)
        same(bench, left)


def test_a_commit_that_succeeds_and_nobody_knows_it_is_found(tmp_path_factory: Any) -> None:
    """The batch is known already; a cycle is another one at the same instant."""
    bench = scene_in(tmp_path_factory.mktemp("unsure"))
    for left in undisturbed(tmp_path_factory.mktemp("twice"), cycles=2, settled=True):
        left.step.begin(bench)
        assert attempt(bench, left.step.work, Fault(fail, after_commit=True)).struck
        left.step.work(bench)
        settle(bench)
        same(bench, left, but=REPEATED + BEGUN)


def killed(bench: EngineBench, step: Step, fault: Fault) -> bool:
    """Do the step in a process of its own that ``fault`` kills; return whether it was killed."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            bench.continue_with(Database(bench.database.url))
            with broken(bench.database, fault):
                step.work(bench)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"{step.name}: failed by itself"
    return os.WIFSIGNALED(status)


def killing_day(folders: Any, every: int) -> int:
    """Kill the process at statements of every step, and before its commit; return how often."""
    bench, points = scene_in(folders.mktemp("killed")), 0
    version = committed_version(bench)
    for left in undisturbed(folders.mktemp("settled"), settled=True, steps=False):
        left.step.begin(bench)
        before = version()
        for at in (*range(1, left.statements + 1, every), 0):
            assert killed(bench, left.step, Fault(die, at=at, before_commit=True))
            assert version() == before, f"{left.step.name}, statement {at}"
            points += 1
        bench.restart()
        left.step.work(bench)
        settle(bench)
        same(bench, left, but=BEGUN)
    return points


def test_a_process_that_is_killed_leaves_nothing_half_done(tmp_path_factory: Any) -> None:
    assert killing_day(tmp_path_factory, KILL_EVERY) >= POINTS_LEAST // KILL_EVERY


@pytest.mark.soak
def test_a_process_that_is_killed_at_any_statement_leaves_nothing_half_done(tmp_path_factory: Any) -> None:
    points = killing_day(tmp_path_factory, 1)
    print(f"statements at which the process was killed: {points}")
    assert points >= POINTS_LEAST


def test_a_process_that_is_killed_between_commit_and_acknowledgement_takes_the_batch_once(
    tmp_path_factory: Any,
) -> None:
    bench = scene_in(tmp_path_factory.mktemp("killed"))
    for left in undisturbed(tmp_path_factory.mktemp("twice"), cycles=2, settled=True, steps=False):
        left.step.begin(bench)
        assert killed(bench, left.step, Fault(die, after_commit=True))
        bench.restart()
        left.step.work(bench)
        settle(bench)
        same(bench, left, but=REPEATED + BEGUN)

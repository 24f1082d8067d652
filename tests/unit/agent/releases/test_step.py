"""The A/B machine of releases: every state with every event."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.releases.model import (
    BASE,
    GOOD_STARTS_LIMIT,
    STARTS_LIMIT,
    Command,
    Confirmed,
    Damaged,
    Emptied,
    Event,
    Filled,
    Kept,
    Ledger,
    Lived,
    Refuse,
    Restart,
    Start,
    Starting,
    Wanted,
)
from agent.releases.step import step
from agent.wire import reasons

X, Y = Filled(name="x", slot="a"), Filled(name="y", slot="b")
Z = Filled(name="z", slot="a")
CRASHED_X = reasons.release.crashed(name="x", starts=GOOD_STARTS_LIMIT)
EMPTY = Ledger()
READY = Ledger(filled=(X,))
GOOD_X = Ledger(good="x", filled=(X, Y))
TRIAL_X = Ledger(trial="x", filled=(X,))
STARTED = Ledger(trial="x", starts=2, filled=(X,))
CRASHING = Ledger(good="x", starts=GOOD_STARTS_LIMIT, filled=(X, Y))
GIVEN_UP = Ledger(given_up="x", filled=(Y,))
SPENT = Ledger(trial="x", starts=STARTS_LIMIT, filled=(X,))
TRIAL_Y = Ledger(good="x", trial="y", starts=1, filled=(X, Y))
BACK_TO_BASE = Ledger(good="x", trial=BASE, filled=(X, Y))


def wanted(name: str, running: str = BASE, *, on_trial: bool = True) -> Wanted:
    return Wanted(name=name, running=running, on_trial=on_trial)


def refused(why: object) -> Refuse:
    return Refuse(why=why)  # type: ignore[arg-type]


TABLE: list[tuple[Ledger, Event, Ledger, Command | None]] = [
    (EMPTY, Starting(), EMPTY, Start(name=BASE)),
    (READY, Starting(), READY, Start(name=BASE)),
    (GOOD_X, Starting(), Ledger(good="x", starts=1, filled=(X, Y)), Start(name="x")),
    (CRASHING, Starting(), GIVEN_UP, Start(name=BASE)),
    (CRASHING, Lived(), GOOD_X, None),
    (CRASHING, wanted("x", running="x", on_trial=False), CRASHING, None),
    (GIVEN_UP, Starting(), GIVEN_UP, Start(name=BASE)),
    (GIVEN_UP, wanted("x", on_trial=False), GIVEN_UP, refused(CRASHED_X)),
    (GIVEN_UP, Kept(name="x", slot="a"), Ledger(filled=(Y, X)), None),
    (GIVEN_UP, Kept(name="z", slot="a"), Ledger(given_up="x", filled=(Y, Z)), None),
    (STARTED, Lived(), STARTED, None),
    (EMPTY, Lived(), EMPTY, None),
    (TRIAL_X, Starting(), Ledger(trial="x", starts=1, filled=(X,)), Start(name="x")),
    (STARTED, Starting(), SPENT, Start(name="x")),
    (SPENT, Starting(), READY, Start(name=BASE)),
    (TRIAL_Y, Starting(), Ledger(good="x", trial="y", starts=2, filled=(X, Y)), Start(name="y")),
    (BACK_TO_BASE, Starting(), Ledger(good="x", trial=BASE, starts=1, filled=(X, Y)), Start(name=BASE)),
    (EMPTY, Emptied(slot="a"), EMPTY, None),
    (READY, Emptied(slot="a"), EMPTY, None),
    (GOOD_X, Emptied(slot="a"), GOOD_X, refused(reasons.release.slot_needed(slot="a"))),
    (GOOD_X, Emptied(slot="b"), Ledger(good="x", filled=(X,)), None),
    (TRIAL_X, Emptied(slot="a"), TRIAL_X, refused(reasons.release.slot_needed(slot="a"))),
    (TRIAL_Y, Emptied(slot="b"), TRIAL_Y, refused(reasons.release.slot_needed(slot="b"))),
    (EMPTY, Kept(name="x", slot="a"), READY, None),
    (READY, Kept(name="y", slot="b"), Ledger(filled=(X, Y)), None),
    (READY, Kept(name="x", slot="b"), Ledger(filled=(Filled(name="x", slot="b"),)), None),
    (GOOD_X, Kept(name="z", slot="a"), GOOD_X, refused(reasons.release.slot_needed(slot="a"))),
    (EMPTY, wanted(BASE), EMPTY, None),
    (EMPTY, wanted("x"), EMPTY, refused(reasons.release.not_here(name="x"))),
    (READY, wanted("x"), TRIAL_X, Restart()),
    (READY, wanted("x", on_trial=False), Ledger(good="x", filled=(X,)), Restart()),
    (STARTED, wanted("x", running="x"), STARTED, None),
    (STARTED, wanted("x", running="x", on_trial=False), Ledger(good="x", filled=(X,)), None),
    (STARTED, wanted(BASE, running="x", on_trial=False), READY, Restart()),
    (SPENT, wanted("x"), TRIAL_X, Restart()),
    (GOOD_X, wanted("y", running="x"), Ledger(good="x", trial="y", filled=(X, Y)), Restart()),
    (GOOD_X, wanted(BASE, running="x"), BACK_TO_BASE, Restart()),
    (TRIAL_Y, wanted("x", running="y", on_trial=False), GOOD_X, Restart()),
    (EMPTY, Confirmed(), EMPTY, None),
    (GOOD_X, Confirmed(), GOOD_X, None),
    (STARTED, Confirmed(), Ledger(good="x", filled=(X,)), None),
    (TRIAL_Y, Confirmed(), Ledger(good="y", filled=(X, Y)), None),
    (BACK_TO_BASE, Confirmed(), Ledger(filled=(X, Y)), None),
    (EMPTY, Damaged(name=BASE), EMPTY, None),
    (GOOD_X, Damaged(name="x"), Ledger(filled=(Y,)), None),
    (TRIAL_Y, Damaged(name="y"), Ledger(good="x", filled=(X,)), None),
    (STARTED, Damaged(name="x"), EMPTY, None),
]


@pytest.mark.parametrize(("before", "event", "after", "command"), TABLE)
def test_the_table(before: Ledger, event: Event, after: Ledger, command: Command | None) -> None:
    assert step(before, event) == (after, command)


LEDGERS = [EMPTY, READY, GOOD_X, CRASHING, GIVEN_UP, TRIAL_X, STARTED, SPENT, TRIAL_Y, BACK_TO_BASE]
EVENTS: list[Event] = [
    Starting(),
    Confirmed(),
    Lived(),
    *(Emptied(slot=slot) for slot in ("a", "b")),  # type: ignore[arg-type]
    *(Kept(name=name, slot=slot) for name, slot in product(("x", "z"), ("a", "b"))),  # type: ignore[arg-type]
    *(Damaged(name=name) for name in (BASE, "x", "y")),
    *(
        Wanted(name=name, running=running, on_trial=on_trial)
        for name, running, on_trial in product((BASE, "x", "y", "z"), (BASE, "x", "y"), (True, False))
    ),
]


@given(st.lists(st.sampled_from(EVENTS), max_size=30))
def test_whatever_happens_what_shall_run_is_there(events: list[Event]) -> None:
    ledger = EMPTY
    for event in events:
        if isinstance(event, Wanted) and event.name == event.running and not ledger.has(event.name):
            continue  # what runs is there, or was
        ledger, command = step(ledger, event)
        assert ledger.has(ledger.good)
        assert ledger.trial is None or ledger.has(ledger.trial)
        assert ledger.starts <= (GOOD_STARTS_LIMIT if ledger.trial is None else STARTS_LIMIT)
        assert len({each.slot for each in ledger.filled}) == len(ledger.filled)
        assert not isinstance(command, Start) or ledger.has(command.name)


@pytest.mark.parametrize(("before", "event"), list(product(LEDGERS, EVENTS)))
def test_no_slot_that_is_needed_is_ever_lost(before: Ledger, event: Event) -> None:
    after, _ = step(before, event)
    gives_up = before == CRASHING and isinstance(event, Starting)
    if not isinstance(event, Damaged) and not gives_up:
        assert after.has(before.good)
    assert after.good == before.good or gives_up or isinstance(event, Confirmed | Damaged | Wanted)


@pytest.mark.parametrize("ledger", LEDGERS)
def test_a_release_that_crashes_at_every_start_is_left_after_so_many(ledger: Ledger) -> None:
    started = []
    for _ in range(STARTS_LIMIT + GOOD_STARTS_LIMIT + 3):
        ledger, command = step(ledger, Starting())
        assert isinstance(command, Start)
        started.append(command.name)
    assert started[-2:] == [BASE] * 2
    assert len([name for name in started if name != BASE]) <= STARTS_LIMIT + GOOD_STARTS_LIMIT


def test_what_runs_from_a_slot_that_the_ledger_forgot_is_not_good() -> None:
    assert step(Ledger(), Wanted(name="x", running="x", on_trial=False)) == (Ledger(), None)

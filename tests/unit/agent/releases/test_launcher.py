"""The launcher: what it starts, whatever the card did; and a power cut at every write of a whole change."""

import fcntl
import os
import sys
from pathlib import Path

import msgspec
import pytest

from agent.durable import write_durably
from agent.host.machine import LAUNCHER, RELEASE
from agent.releases.launcher import start
from agent.releases.model import (
    BASE,
    GOOD_STARTS_LIMIT,
    STARTS_LIMIT,
    Confirmed,
    Emptied,
    Event,
    Filled,
    Kept,
    Ledger,
    Starting,
    Wanted,
)
from agent.releases.store import ReleaseStore

X = Filled(name="x", slot="a")


class PowerCut(Exception):
    pass


class Machine:
    """A state folder, and what the launcher became."""

    def __init__(self, state: Path, ledger: Ledger) -> None:
        self.state, self.store = state, ReleaseStore(state)
        self.store.folder.mkdir(exist_ok=True)
        write_durably(self.store.folder / "ledger.json", msgspec.json.encode(ledger))
        self.broken: set[str] = set()
        self.became: list[tuple[str, str]] = []

    def become(self, program: str, arguments: list[str], environment: dict[str, str]) -> None:
        assert arguments[-2:] == ["--state", str(self.state)]
        assert environment[LAUNCHER] == sys.executable
        if environment[RELEASE] in self.broken:
            raise OSError(8, "Exec format error")
        self.became.append((environment[RELEASE], program))

    def start(self) -> str:
        start(self.state, ["--state", str(self.state)], become=self.become)
        return self.became[-1][0]


def test_the_base_runs_where_there_is_no_release(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger())
    (machine.store.folder / "ledger.json").unlink()
    assert machine.start() == BASE
    assert machine.became == [(BASE, sys.executable)]
    assert not (machine.store.folder / "ledger.json").exists()


def test_a_trial_is_counted_before_it_starts_and_left_after_its_last_start(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger(trial="x", filled=(X,)))
    started = []
    for index in range(STARTS_LIMIT + 2):
        started.append(machine.start())
        assert machine.store.ledger().starts == (index + 1 if index < STARTS_LIMIT else 0)
    assert started == ["x"] * STARTS_LIMIT + [BASE] * 2
    assert machine.became[0][1] == str(tmp_path / "releases" / "a" / "bin" / "python3")


def test_a_slot_that_cannot_be_started_is_left_at_once(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger(good="x", filled=(X,)))
    machine.broken = {"x"}
    assert machine.start() == BASE
    assert machine.store.ledger() == Ledger()


def test_a_good_release_that_no_slot_holds_gives_way_to_the_base(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger(good="x"))
    assert machine.start() == BASE
    assert machine.store.ledger() == Ledger()


@pytest.mark.parametrize("content", [b"", b"{}x", b"\xff\xff", b'{"good": 3}'])
def test_a_damaged_ledger_is_an_empty_one(tmp_path: Path, content: bytes) -> None:
    machine = Machine(tmp_path, Ledger(good="x", filled=(X,)))
    (machine.store.folder / "ledger.json").write_bytes(content)
    assert machine.start() == BASE


def test_on_a_card_that_refuses_the_good_one_runs_without_a_trial(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger(trial="x", filled=(X,)))
    (machine.store.folder / "ledger.json.new").mkdir()
    assert machine.start() == BASE
    assert machine.store.ledger().starts == 0


def test_a_second_start_beside_a_running_agent_counts_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path, Ledger(trial="x", filled=(X,)))
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        assert machine.start() == BASE
        assert machine.store.ledger().starts == 0
    finally:
        os.close(lock)
    assert machine.start() == "x"


CHANGE: list[Event] = [
    Emptied(slot="a"),
    Kept(name="x", slot="a"),
    Wanted(name="x", running=BASE, on_trial=True),
    Starting(),
    Starting(),
    Confirmed(),
    Emptied(slot="b"),
    Kept(name="y", slot="b"),
    Wanted(name="y", running="x", on_trial=True),
    Starting(),
    Wanted(name="x", running="y", on_trial=False),
    Starting(),
]


@pytest.mark.parametrize("cut", range(len(CHANGE)))
@pytest.mark.parametrize("torn", [False, True], ids=["before", "after"])
def test_a_power_cut_at_any_write_of_two_changes_leaves_what_can_start(
    tmp_path: Path, cut: int, torn: bool
) -> None:
    """Before or after the bytes are on the card; then the machine starts, for ever if need be."""

    def write(path: Path, content: bytes) -> None:
        nonlocal writes
        writes += 1
        if writes == cut + 1 and not torn:
            raise PowerCut
        write_durably(path, content)
        if writes == cut + 1:
            raise PowerCut

    writes = 0
    store = ReleaseStore(tmp_path, write=write)
    done: list[Event] = []
    try:
        for event in CHANGE:
            store.event(event)
            done.append(event)
    except PowerCut:
        pass
    left = ReleaseStore(tmp_path).ledger()
    assert left.has(left.good)
    assert left.good in {BASE, "x"}
    machine = Machine(tmp_path, left)
    started = [machine.start() for _ in range(STARTS_LIMIT + 2)]
    assert started[-1] == left.good
    assert set(started) <= {left.good, left.trial}
    started = [machine.start() for _ in range(GOOD_STARTS_LIMIT)]
    assert started[-1] == BASE

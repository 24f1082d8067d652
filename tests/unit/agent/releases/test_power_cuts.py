"""A power cut at every write of a whole change of release, before or after the bytes are on the card.

Configuration, releases, launcher and boot together, over a disk that a test cuts off.  Whatever the instant,
the machine starts again; what runs in the end is what its good configuration wants.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.configuration.boot import open_state
from agent.configuration.control import ConfigurationControl
from agent.configuration.model import Booted, Ledger, Slot, Tick
from agent.configuration.slots import Slots
from agent.durable import write_durably
from agent.host.machine import RELEASE
from agent.journal_port import MemoryJournal
from agent.releases.control import ReleaseControl
from agent.releases.launcher import start
from agent.releases.model import BASE, Emptied, Kept
from agent.releases.store import ReleaseStore
from agent.supervisor.leaving import Leave
from agent.wire.configuration import Configuration, ReleaseConfig
from agent.wire.envelope import decode_envelope
from agent.wire.messages import ConfigState
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, configuration

FLEET = SigningFleet()
OLD = configuration()
NEW = configuration(release=ReleaseConfig(wanted="x", root_sha256="0" * 64))
SENT_NEW = FLEET.configuration(2, NEW)
SHA_NEW = decode_envelope(SENT_NEW).sha256
WRITES_LIMIT = 60


class PowerCut(Exception):
    """The disk is gone from here on."""


class Disk:
    """Counts writes; at one of them the power fails, before or after it."""

    def __init__(self, cut: int | None, *, after: bool) -> None:
        self.cut, self.after, self.writes = cut, after, 0

    def write(self, path: Path, content: bytes) -> None:
        self._at(lambda: write_durably(path, content))

    def _at(self, write: Callable[[], None]) -> None:
        self.writes += 1
        if self.writes != self.cut:
            write()
            return
        if self.after:
            write()
        raise PowerCut


class CutSlots(Slots):
    """The configuration's slots on such a disk."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        super().__init__(folder, device=EUI, key=FLEET.public)
        self.disk = disk

    def keep(self, slot: Slot, envelope: bytes) -> None:
        self.disk._at(lambda: super(CutSlots, self).keep(slot, envelope))

    def save(self, ledger: Ledger) -> None:
        self.disk._at(lambda: super(CutSlots, self).save(ledger))


class Process:
    """One run of the agent, as far as releases and configurations go."""

    def __init__(self, state: Path, disk: Disk, release: str) -> None:
        self.left: list[Leave] = []
        self.clock = VirtualClock()
        journal = MemoryJournal(self.clock)
        order = FLEET.order(OLD)
        slots = CutSlots(state / "configuration", disk)
        found, good, _ = open_state(slots, order)
        self.releases = ReleaseControl(
            state=state,
            order=order,
            clock=self.clock,
            journal=journal,
            leave=self.left.append,
            write=disk.write,
        )
        self.releases.running = release
        self.control = ConfigurationControl(
            found,
            good,
            slots=slots,
            clock=self.clock,
            device=EUI,
            key=FLEET.public,
            apply=self.apply,
            journal=journal,
            changed=lambda: None,
            releases=self.releases,
        )
        asyncio.run(self.control.event(Booted()))
        self.releases.settle(self.control.running.release.wanted, on_trial=self.on_trial)

    @property
    def on_trial(self) -> bool:
        return self.control.state.ledger.trial is not None

    async def apply(self, content: Configuration) -> None:
        self.releases.want(content.release.wanted, on_trial=self.on_trial)


class Machine:
    """Starts the agent by its launcher, as often as it ends."""

    def __init__(self, state: Path, disk: Disk) -> None:
        self.state, self.disk = state, disk
        self.started: list[str] = []
        self.process = self.start()

    def start(self) -> Process:
        start(self.state, ["--state", str(self.state)], become=self.become)
        self.process = Process(self.state, self.disk, self.started[-1])
        return self.process

    def become(self, program: str, arguments: list[str], environment: dict[str, str]) -> None:
        self.started.append(environment[RELEASE])

    def settled(self) -> Process:
        """Start again while a process gives way to another."""
        for _ in range(5):
            if not self.process.left:
                return self.process
            self.start()
        raise AssertionError("it never comes to rest")


def bring(state: Path, disk: Disk) -> None:
    store = ReleaseStore(state, write=disk.write)
    store.event(Emptied(slot="a"))
    store.event(Kept(name="x", slot="a"))


def change(state: Path, disk: Disk, *, confirmed: bool) -> None:
    """Bring the release, try it, and confirm it or let the trial end."""
    machine = Machine(state, disk)
    bring(state, disk)
    machine.start()
    asyncio.run(machine.process.control.arrived(SENT_NEW))
    process = machine.settled()
    if confirmed:
        asyncio.run(process.control.arrived(FLEET.confirmation(1, SHA_NEW)))
    else:
        process.clock.advance(NEW.release.trial_s)
        asyncio.run(process.control.event(Tick()))
    machine.settled()


def whole(confirmed: bool, folder: Path) -> int:
    disk = Disk(None, after=False)
    change(folder, disk, confirmed=confirmed)
    return disk.writes


@pytest.mark.parametrize("confirmed", [True, False], ids=["confirmed", "not confirmed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_power_cut_at_any_write_ends_in_a_release_that_its_configuration_wants(
    tmp_path: Path, confirmed: bool, after: bool
) -> None:
    writes = whole(confirmed, tmp_path / "whole")
    assert 8 <= writes <= WRITES_LIMIT
    outcomes = set()
    for cut in range(1, writes + 1):
        state = tmp_path / str(cut)
        with pytest.raises(PowerCut):
            change(state, Disk(cut, after=after), confirmed=confirmed)
        process = Machine(state, Disk(None, after=False)).settled()
        if process.on_trial:  # nobody confirms: it goes back by itself
            process.clock.advance(NEW.release.trial_s)
            machine = Machine(state, Disk(None, after=False))
            machine.settled().clock.advance(NEW.release.trial_s)
            asyncio.run(machine.process.control.event(Tick()))
            process = machine.settled()
        wanted = process.control.running.release.wanted
        assert process.releases.running == wanted, cut
        assert not process.on_trial
        outcomes.add(wanted)
        if not confirmed:
            assert process.control.reported().state in {ConfigState.CONFIRMED, ConfigState.ROLLED_BACK}
    assert outcomes == ({BASE, "x"} if confirmed and after else {BASE}), "the last write is the confirmation"

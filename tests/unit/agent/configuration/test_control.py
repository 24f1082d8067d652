import asyncio
from pathlib import Path

import pytest

from agent.configuration.control import ConfigurationControl
from agent.configuration.model import Ledger, Slot, State, Tick
from agent.configuration.slots import Slots
from agent.journal_port import MemoryJournal
from agent.wire import reasons
from agent.wire.configuration import Configuration, Intervals
from agent.wire.envelope import decode_envelope
from agent.wire.messages import ConfigReported, ConfigState
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, VirtualReleases, configuration

FLEET = SigningFleet()
ONE, TWO = configuration(), configuration(intervals=Intervals(config_trial_s=20))
SENT_TWO = FLEET.configuration(2, TWO)


class FullDisk(Slots):
    """Slots on a disk that can be full."""

    full = False

    def keep(self, slot: Slot, envelope: bytes) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().keep(slot, envelope)

    def save(self, ledger: Ledger) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        super().save(ledger)


class World:
    def __init__(self, folder: Path) -> None:
        self.clock = VirtualClock()
        self.slots = FullDisk(folder, device=EUI, key=FLEET.public)
        self.told: list[ConfigReported] = []
        self.journal = MemoryJournal(self.clock)
        self.applied: list[Configuration] = []
        self.version_while_applying: list[int] = []
        self.control = ConfigurationControl(
            State(ledger=self.slots.begin(FLEET.configuration(1, ONE))),
            ONE,
            slots=self.slots,
            clock=self.clock,
            device=EUI,
            key=FLEET.public,
            apply=self.apply,
            journal=self.journal,
            changed=lambda: self.told.append(self.control.reported()),
            releases=VirtualReleases(),
        )

    async def apply(self, content: Configuration) -> None:
        self.applied.append(content)
        self.version_while_applying.append(self.control.version)

    def arrive(self, payload: bytes) -> None:
        asyncio.run(self.control.arrived(payload))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_configuration_that_cannot_be_kept_is_not_tried(world: World) -> None:
    world.slots.full = True
    world.arrive(SENT_TWO)
    assert world.applied == []
    assert (world.told[-1].state, world.told[-1].version) == (ConfigState.REFUSED, 1)
    assert world.told[-1].why == reasons.card.not_written(cause=reasons.system.no_space())
    assert [(change.subject, change.value) for change in world.journal.changes()] == [("v1", "REFUSED")]
    world.slots.full = False
    world.arrive(SENT_TWO)
    assert world.applied == [TWO]


def test_no_heartbeat_names_a_version_that_is_still_being_applied(world: World) -> None:
    world.arrive(SENT_TWO)
    assert world.version_while_applying == [1]
    assert world.control.version == 2


def test_going_back_needs_no_disk(world: World) -> None:
    world.arrive(SENT_TWO)
    world.slots.full = True
    world.clock.advance(301)
    asyncio.run(world.control.event(Tick()))
    assert world.applied == [TWO, ONE]
    assert world.told[-1].state is ConfigState.ROLLED_BACK
    assert world.control.running == ONE
    assert world.control.disk_refusals == 1


def test_the_trial_time_is_that_of_the_good_one(world: World) -> None:
    world.arrive(SENT_TWO)
    world.clock.advance(299)
    asyncio.run(world.control.event(Tick()))
    assert world.control.running == TWO
    world.arrive(FLEET.confirmation(1, decode_envelope(SENT_TWO).sha256))
    world.arrive(FLEET.configuration(3, ONE))
    world.clock.advance(20)
    asyncio.run(world.control.event(Tick()))
    assert world.control.running == TWO
    assert world.control.version == 2

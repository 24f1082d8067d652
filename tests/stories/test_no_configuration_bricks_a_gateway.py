"""100 random bad configurations, the power cut at a random instant of the trial: the last good one runs.

The disk is real; the power cut is an exception out of a random write of it, before, in the middle of or
after that write.  What the next boot finds is judged.
"""

import asyncio
import contextlib
import random
from pathlib import Path

import pytest

from agent.configuration.control import ConfigurationControl
from agent.configuration.model import Booted, Ledger, Slot, State, Tick
from agent.configuration.slots import Slots
from agent.journal_port import MemoryJournal
from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig, RadioConfig
from agent.wire.envelope import EnvelopeKind
from agent.wire.messages import ConfigReported, ConfigState
from tests.controlpath.virtual import EUI, SigningFleet, VirtualClock, VirtualReleases, configuration

pytestmark = pytest.mark.slow
FLEET, OTHER = SigningFleet(), SigningFleet()
GOOD = configuration()
SEEDS = range(100)
BOOTS_LIMIT = 2
"""A configuration that kills the process may do so once more after the cut: its marker was not on disk."""


class PowerCut(BaseException):
    """Nothing after this instant happens."""


class DyingSlots(Slots):
    """Slots on a machine that loses power at write ``dies_at``."""

    def __init__(self, folder: Path, rng: random.Random, *, dies_at: int) -> None:
        super().__init__(folder, device=EUI, key=FLEET.public)
        self.left, self.rng, self.folder = dies_at, rng, folder

    def _write(self, name: str, content: bytes, write: object) -> None:
        self.left -= 1
        if self.left != 0:
            write()  # type: ignore[operator]
            return
        match self.rng.choice(("before", "torn", "after")):
            case "torn":
                (self.folder / f"{name}.new").write_bytes(content[: self.rng.randrange(len(content))])
            case "after":
                write()  # type: ignore[operator]
        raise PowerCut

    def keep(self, slot: Slot, envelope: bytes) -> None:
        parent = super()
        self._write(f"{slot}.envelope", envelope, lambda: parent.keep(slot, envelope))

    def save(self, ledger: Ledger) -> None:
        parent = super()
        self._write("ledger.json", b"{}", lambda: parent.save(ledger))


def bad_envelope(rng: random.Random) -> bytes:
    """A configuration that must not last: refused, crashing, or never confirmed."""
    unreachable = configuration(fleet=FleetConfig(host=f"10.0.0.{rng.randrange(255)}", port=1, tls=True))
    wrong_lns = configuration(
        connectors=(
            ConnectorConfig(name="x", host="192.0.2.1", port=rng.randrange(1, 65535), contractual=True),
        )
    )
    no_board = configuration(radio=RadioConfig(board="crashes-the-radio"))
    garbage = rng.randbytes(rng.randrange(300))
    return rng.choice(
        (
            lambda: FLEET.configuration(2, unreachable),
            lambda: FLEET.configuration(2, wrong_lns),
            lambda: FLEET.configuration(2, no_board),
            lambda: FLEET.configuration(2, configuration(radio=RadioConfig(board="kills-the-process"))),
            lambda: OTHER.configuration(2, unreachable),
            lambda: FLEET.configuration(2, unreachable, device="0016c001f12a3b4d"),
            lambda: FLEET.configuration(2, unreachable, expires_at_us=1),
            lambda: FLEET.configuration(0, unreachable),
            lambda: FLEET.envelope(EnvelopeKind.CONFIGURATION, 2, garbage),
            lambda: garbage,
        )
    )()


class Gateway:
    """One boot of the control path over what is on disk."""

    def __init__(self, slots: Slots, rng: random.Random) -> None:
        self.clock = VirtualClock()
        self.rng = rng
        self.told: list[ConfigReported] = []
        self.journal = MemoryJournal(self.clock)
        ledger = slots.ledger()
        assert ledger is not None
        self.control = ConfigurationControl(
            State(ledger=ledger),
            slots.load(ledger.good),
            slots=slots,
            clock=self.clock,
            device=EUI,
            key=FLEET.public,
            apply=self.apply,
            journal=self.journal,
            changed=lambda: self.told.append(self.control.reported()),
            releases=VirtualReleases(),
        )

    async def apply(self, content: Configuration) -> None:
        if content.radio.board == "kills-the-process":
            raise PowerCut
        if content.radio.board == "crashes-the-radio":
            raise ValueError("no board of that name")

    async def live(self, sent: bytes) -> None:
        await self.control.event(Booted())
        await self.control.arrived(sent)
        for _ in range(self.rng.randrange(400)):
            self.clock.advance(1)
            await self.control.event(Tick())


def lives_on(folder: Path, rng: random.Random, sent: bytes) -> Gateway:
    """Return the first boot that nothing kills; the broker sends its retained message at each."""
    for _ in range(BOOTS_LIMIT):
        after = Gateway(Slots(folder, device=EUI, key=FLEET.public), rng)
        with contextlib.suppress(PowerCut):
            asyncio.run(after.live(sent))
            return after
    raise AssertionError("a restart loop")


@pytest.mark.parametrize("block", range(10))
def test_every_seed_ends_in_the_last_good_one(tmp_path: Path, block: int) -> None:
    for seed in SEEDS[block * 10 : block * 10 + 10]:
        rng = random.Random(seed)
        folder = tmp_path / str(seed)
        Slots(folder, device=EUI, key=FLEET.public).begin(FLEET.configuration(1, GOOD))
        sent = bad_envelope(rng)
        slots = DyingSlots(folder, rng, dies_at=rng.randrange(1, 6))
        with contextlib.suppress(PowerCut):
            asyncio.run(Gateway(slots, rng).live(sent))
        after = lives_on(folder, rng, sent)
        after.clock.advance(3600)
        asyncio.run(after.control.event(Tick()))
        assert after.control.running == GOOD, seed
        assert after.control.version == 1, seed
        assert after.control.state.ledger.trial is None, seed
        assert after.control.reported().state is not ConfigState.TRIAL, seed

"""The ledger of releases on one gateway, and what happens to it.

A release is named; the empty name is the base, what the card or the package installed, which is never written
over.  Two slots hold two more.  The ledger is on disk, whole, before anything that follows from it is done.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from agent.wire.reasons import Reason

Slot = Literal["a", "b"]
BASE = ""
STARTS_LIMIT = 3
"""Starts of a release on trial, power cuts and crashes among them; then the good one runs again."""
GOOD_STARTS_LIMIT = 8
"""Starts of the good release in a row, none of which lived ``control.LIVED_S``; then the base runs."""
FETCH_WAIT_S = 4 * 3600
"""For one try to bring a release; at 256 kbit/s a whole one takes seven minutes."""


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """A whole release in a slot: verified, unpacked, and begun once without serving."""

    name: str
    slot: Slot


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, what is on trial, what is there."""

    good: str = BASE
    trial: str | None = None
    starts: int = 0
    """Starts of the trial, or without one of the good release, since it last lived; written before each."""
    given_up: str | None = None
    """The release that crashed as the good one; it is not started again before it is fetched anew."""
    filled: tuple[Filled, ...] = ()

    def slot_of(self, name: str) -> Slot | None:
        """Return where a release is; None: it is not in a slot."""
        return next((each.slot for each in self.filled if each.name == name), None)

    def has(self, name: str) -> bool:
        """Return whether a release can be started."""
        return name == BASE or self.slot_of(name) is not None

    @property
    def free_slot(self) -> Slot:
        """The slot that neither the good release nor the trial needs."""
        used = {self.slot_of(self.good), self.slot_of(self.trial or BASE)}
        return "a" if "a" not in used else "b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Starting:
    """The service begins; nothing of the agent runs yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Emptied:
    """A slot is about to be written."""

    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A release is whole in a slot."""

    name: str
    slot: Slot


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The configuration that runs, or goes on trial, asks for a release."""

    name: str
    running: str
    on_trial: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """The fleet saw the configuration on trial working: reception and delivery are proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What runs has run for long enough to be no crash loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damaged:
    """A release cannot be started from its slot."""

    name: str


Event: TypeAlias = Starting | Emptied | Kept | Wanted | Confirmed | Lived | Damaged


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Become this release."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """End in good order; the next start is another release."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Change nothing; say why."""

    why: Reason


Command: TypeAlias = Start | Restart | Refuse


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be brought, from where, into which slot, at which cost."""

    url: str
    ca_pem: str
    anchor_sha256: str
    name: str
    slot: Slot
    rate_kbit_per_s: int
    month_budget_bytes: int
    now_us: int
    """The later of the agent's clock and the fleet's signature that asks for it."""

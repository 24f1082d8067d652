"""States, events and commands of the configuration on one gateway.

The ``Ledger`` is what is on disk, whole, at every instant; ``trial`` in it is the fsynced marker.  A boot
that finds one rolls back.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import msgspec

from agent.wire.configuration import Configuration
from agent.wire.messages import ConfigReported
from agent.wire.reasons import Reason

Slot = Literal["a", "b"]
FAILED_LIMIT = 64
"""Hashes remembered as failed; the oldest makes room."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A configuration in a slot."""

    version: int
    sha256: str
    slot: Slot


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """What runs, what is on trial, and what was seen."""

    good: Held
    trial: Held | None = None
    waiting: Held | None = None
    """Believed, in the slot that is not good, and waiting for a permit."""
    seen_version: int
    """Highest version of any configuration that was believed."""
    word_version: int = 0
    """Highest version of any confirmation that was believed."""
    permit_version: int = 0
    newest_issued_at_us: int = 0
    """The latest UTC in a believed envelope: the fleet's clock was at least there, whatever ours says."""
    failed: tuple[str, ...] = ()
    last: Literal["confirmed", "refused", "rolled_back"] = "confirmed"
    reason: str = ""
    """The English sentence of an agent that knew no codes; empty since."""
    why: Reason | None = None

    @property
    def runs(self) -> Held:
        """The configuration that runs."""
        return self.trial or self.good


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """An envelope of kind CONFIGURATION, CONFIRMATION or PERMIT, as bytes, not yet believed."""

    payload: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """The agent starts with the ledger that it found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFailed:
    """The configuration that was to be applied made a part of the agent refuse."""

    sha256: str
    why: Reason


Event: TypeAlias = Arrived | Booted | Tick | ApplyFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepEnvelope:
    """Write the envelope into a slot, durably."""

    slot: Slot
    envelope: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveLedger:
    """Write the ledger, durably, before anything that follows it."""

    ledger: Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Run this configuration."""

    configuration: Configuration
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyGood:
    """Run the good configuration again, from its slot."""

    held: Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Tell the fleet (retained) and the journal."""

    reported: ConfigReported


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepRelease:
    """Keep the release that was on trial with the configuration."""


Command: TypeAlias = KeepEnvelope | SaveLedger | Apply | ApplyGood | KeepRelease | Report


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The ledger, and when the trial ends on the monotonic clock."""

    ledger: Ledger
    trial_until_us: int | None = None
    waiting: Configuration | None = None
    """What ``ledger.waiting`` holds."""
    trial: Configuration | None = None
    """What ``ledger.trial`` holds, where a boot found it."""
    fetching: bool = False
    """``waiting`` waits for a release that is not here yet; only then is a permit asked for."""
    counts: tuple[tuple[str, int], ...] = ()
    """Envelopes not believed, by reason, since boot."""

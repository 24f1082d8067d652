"""What the engine decides from, as of the newest commit: one value, replaced whole after a transaction."""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from fleet.durations import DAY_US
from fleet.evidence import facts, quarantines
from fleet.evidence.blindness import restart_gap
from fleet.evidence.clock_events import ClockChange, ClockEvent, newest_number, note_event
from fleet.evidence.quarantine import RecentQuarantines
from fleet.evidence.timekeeping import Timekeeping, begun
from fleet.facts.model import Blindness
from fleet.facts.months import month_of, month_window
from fleet.facts.settings import ContractSettings
from fleet.live.memory import Memory
from fleet.live.network import NetworkView
from fleet.live.restore import restore_memory
from fleet.live.timelines import Timelines
from fleet.registry.store import Registry, load_registry

LOOK_BACK_US = 8 * DAY_US
"""Timelines reach back to the month's start and at least so long: a page shows a week."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EngineState:
    """A batch or a cycle makes the next state from this one; a transaction that fails makes none."""

    registry: Registry
    memory: Memory
    view: NetworkView
    sight: tuple[Blindness, ...]
    """Our own blindness since ``from_us``."""
    month: str
    from_us: int
    """Timelines are known from here on."""
    seen_since_monotonic_us: int
    """Until the first canary comes back we count as seeing since then."""
    timekeeping: Timekeeping
    clock_event: int
    """Number of the newest event of our clock."""
    recent: RecentQuarantines
    """The quarantines of the last hour, and who was spared."""
    refresh_due_us: int = 0
    """On the monotonic clock: when what people change is looked for again; 0: at once."""
    sweep_due_us: int = 0
    """On the monotonic clock: when retention deletes again."""
    clocks_due_us: int = 0
    """On the monotonic clock: when gateways are asked again what our clock is worth."""
    permits_due_us: int = 0
    """On the monotonic clock: when changes that wait for a permit are looked at again."""

    @property
    def blind(self) -> Blindness | None:
        """Our present blindness; None while we see."""
        return next((one for one in self.sight if one.end_us is None and not one.euis), None)

    def timelines(self, now_us: int) -> Timelines:
        """Return what pages read of the newest cycle."""
        return Timelines(
            at_us=now_us,
            from_us=self.from_us,
            registry=self.registry,
            sight=self.sight,
            known={eui: one.known for eui, one in self.view.entries.items()},
        )


def first_state(
    connection: Connection, settings: ContractSettings, *, now_us: int, monotonic_us: int, past_us: int | None
) -> EngineState:
    """Return the state of a process that begins; ``past_us`` is the last cycle of the one before.

    We were blind since then if that is long ago.
    """
    gap = restart_gap(past_us, now_us)
    blind = any(one.end_us is None and not one.euis for one in facts.load_blindness(connection, now_us))
    if gap is not None and not blind:
        facts.store_sight(connection, gap, now_us)
    keeping = begun(now_us=now_us, monotonic_us=monotonic_us, past_us=past_us)
    event = ClockEvent(at_us=now_us, change=ClockChange.BEGAN, quality=keeping.quality, from_us=past_us)
    return EngineState(
        **_stored(connection, settings, now_us),
        view=NetworkView(settings),
        seen_since_monotonic_us=monotonic_us,
        timekeeping=keeping,
        clock_event=note_event(connection, event),
    )


def restored_state(
    connection: Connection, settings: ContractSettings, before: EngineState, now_us: int
) -> EngineState:
    """Return the state that the stored rows prove: in a new month, after an unsure commit, by another clock.

    Of the state ``before`` it keeps what was shown last, since when we see, who was spared a quarantine, and
    what our clock is worth.
    """
    stored = _stored(connection, settings, now_us)
    stored["recent"] = replace(stored["recent"], spared=before.recent.spared)
    return EngineState(
        **stored,
        view=NetworkView(settings, network=before.view.network),
        seen_since_monotonic_us=before.seen_since_monotonic_us,
        timekeeping=before.timekeeping,
        clock_event=newest_number(connection),
    )


def _stored(connection: Connection, settings: ContractSettings, now_us: int) -> dict[str, Any]:
    month = month_of(now_us)
    from_us = min(month_window(month).start_us, now_us - LOOK_BACK_US)
    return {
        "registry": load_registry(connection),
        "memory": restore_memory(connection, from_us, settings),
        "sight": facts.load_blindness(connection, from_us, settings),
        "recent": quarantines.load_recent(connection, now_us),
        "month": month,
        "from_us": from_us,
    }

"""What the engine decides from, as of the newest commit: one value, replaced whole after a transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection

from fleet.durations import DAY_US
from fleet.evidence import facts
from fleet.evidence.blindness import restart_gap
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
    seen_since_us: int
    """Until the first canary comes back we count as seeing since then."""
    refresh_due_us: int = 0
    """On the monotonic clock: when what people change is looked for again; 0: at once."""
    sweep_due_us: int = 0
    """On the monotonic clock: when retention deletes again."""

    @property
    def blind(self) -> Blindness | None:
        """Our present blindness; None while we see."""
        return next((one for one in self.sight if one.end_us is None), None)

    def timelines(self, now_us: int) -> Timelines:
        """Return what pages read of the newest cycle."""
        return Timelines(
            at_us=now_us,
            from_us=self.from_us,
            registry=self.registry,
            sight=self.sight,
            known={eui: one.known for eui, one in self.view.entries.items()},
        )


def note_restart(connection: Connection, now_us: int) -> None:
    """Write that we were blind since the last cycle of the process before, if that is long ago."""
    gap = restart_gap(facts.marked(connection, facts.LAST_CYCLE), now_us)
    blind = any(one.end_us is None for one in facts.load_blindness(connection, now_us))
    if gap is not None and not blind:
        facts.store_sight(connection, gap, now_us)


def restore_state(
    connection: Connection, settings: ContractSettings, before: EngineState | None, now_us: int
) -> EngineState:
    """Return the state that the stored rows prove: at start, in a new month, after an unsure commit.

    Of the state ``before`` in this process it keeps what was shown last, and since when we see.
    """
    month = month_of(now_us)
    from_us = min(month_window(month).start_us, now_us - LOOK_BACK_US)
    return EngineState(
        registry=load_registry(connection),
        memory=restore_memory(connection, from_us, settings),
        view=NetworkView(settings, network=before.view.network if before else None),
        sight=facts.load_blindness(connection, from_us, settings),
        month=month,
        from_us=from_us,
        seen_since_us=before.seen_since_us if before else now_us,
    )

"""The state of each gateway, computed when something happened and kept while nothing did; pure.

Two steps keep a cycle cheap: a gateway of which nothing arrived is passed over, and one whose newest run
only grew keeps the state that it had.  ``Known.line`` is its timeline up to the computation; ``line_at``
carries it on to a later instant.
"""

from dataclasses import dataclass, replace

from msgspec import structs

from fleet.availability.commissioning import effective_us
from fleet.availability.history import FOR_EVER_US, history
from fleet.availability.timeline import Span, Timeline, paint, present
from fleet.durations import DAY_US
from fleet.evidence.facts import BEGINS_WITHIN_US
from fleet.facts.model import Blindness, Maintenance
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.facts.states import LOST_STATES, Cause, GatewayState
from fleet.live.memory import GatewayMemory
from fleet.live.model import GatewayNow
from fleet.registry.store import Gateway

INCOHERENT_SHOWN_US = DAY_US
"""After the newest impossible number: a shift and its handover."""
UNMOVED = (GatewayState.SERVING, GatewayState.OUT)
"""States that one more heartbeat of the same kind does not change."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The state of one gateway as it was computed; equal only to itself."""

    version: int
    stamp: int
    sight: tuple[Blindness, ...]
    good_until_us: int
    """Without new facts: the next instant at which something that people or our eyes said begins or ends.

    What begins at the very instant of the computation is not in its line, which ends there.
    """
    line: Timeline
    span: Span
    """The present state, since when and why."""
    works: tuple[Maintenance, ...] = ()
    """What was announced for it, all revisions."""

    def cause_at(self, began_us: int) -> Cause:
        """Return the cause of the loss that began about then; late facts may have moved its beginning."""
        about = Window(began_us - BEGINS_WITHIN_US, began_us + BEGINS_WITHIN_US)
        lost = (one for one in self.line.exceptions if one.state in LOST_STATES)
        return next((one.cause for one in lost if about.start_us <= one.start_us < about.end_us), Cause.NONE)

    def line_at(self, now_us: int) -> Timeline:
        """Return the timeline up to ``now_us``, the present state going on."""
        line = self.line
        if now_us <= line.end_us:
            return line
        if self.span.state is GatewayState.SERVING or not line.exceptions:
            return replace(line, end_us=now_us)
        last = structs.replace(line.exceptions[-1], end_us=now_us)
        return replace(line, end_us=now_us, exceptions=(*line.exceptions[:-1], last))


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """One gateway as the newest cycle shows it, and until when nothing need be looked at."""

    known: Known
    now: GatewayNow
    stamp: int
    good_until_us: int

    def is_current(self, memory: GatewayMemory, now_us: int) -> bool:
        """Return whether nothing arrived and no instant has come that could change anything."""
        return self.stamp == memory.stamp and now_us < self.good_until_us


def refreshed(
    entry: Entry | None,
    gateway: Gateway,
    memory: GatewayMemory,
    sight: tuple[Blindness, ...],
    settings: ContractSettings,
    *,
    now_us: int,
) -> Entry:
    """Return one gateway at ``now_us``; its ``known`` is that of ``entry`` where the state still holds."""
    known = None if entry is None else entry.known
    if known is None or not _holds(known, memory, sight, settings, now_us):
        known = _computed(memory, sight, settings, now_us)
    return Entry(
        known=known,
        now=_gateway_now(gateway, memory, known, now_us),
        stamp=memory.stamp,
        good_until_us=_shown_until_us(known, memory, settings, now_us),
    )


def _shown_until_us(known: Known, memory: GatewayMemory, settings: ContractSettings, now_us: int) -> int:
    until_us, marked_until_us = _good_until_us(known, memory, settings), _incoherent_until_us(memory)
    return min(until_us, marked_until_us) if marked_until_us > now_us else until_us


def _incoherent_until_us(memory: GatewayMemory) -> int:
    """Return until when a gateway that gave impossible numbers is shown as such; 0: never was."""
    return 0 if memory.incoherent_at_us is None else memory.incoherent_at_us + INCOHERENT_SHOWN_US


def _good_until_us(known: Known, memory: GatewayMemory, settings: ContractSettings) -> int:
    if known.span.state is GatewayState.SERVING and memory.newest_run is not None:
        silent_us = memory.newest_run.last_at_us + settings.silence_confirmed_us
        return min(silent_us, known.good_until_us)
    return known.good_until_us


def _holds(
    known: Known,
    memory: GatewayMemory,
    sight: tuple[Blindness, ...],
    settings: ContractSettings,
    now_us: int,
) -> bool:
    """Return whether nothing happened that could have changed the state."""
    if known.version != memory.version or known.sight is not sight:
        return False
    if known.span.state not in UNMOVED and known.stamp != memory.stamp:
        return False
    return now_us < _good_until_us(known, memory, settings)


def _computed(
    memory: GatewayMemory, sight: tuple[Blindness, ...], settings: ContractSettings, now_us: int
) -> Known:
    facts = memory.facts()
    proved = history(facts, settings)
    line = paint(facts, proved, sight, Window(0, now_us), settings, now_us=now_us)
    newest, since_us = present(line.spans) or (Span(0, now_us, GatewayState.OUT), 0)
    last = structs.replace(newest, start_us=since_us)
    edges = _edges(memory, sight, settings)
    if proved.last_us is not None and last.state is not GatewayState.SERVING:
        edges.append(proved.last_us + settings.silence_confirmed_us)
    return Known(
        version=memory.version,
        stamp=memory.stamp,
        sight=sight,
        good_until_us=min((edge for edge in edges if edge >= now_us), default=FOR_EVER_US),
        line=line,
        span=last,
        works=facts.maintenances,
    )


def _edges(memory: GatewayMemory, sight: tuple[Blindness, ...], settings: ContractSettings) -> list[int]:
    """Return the instants at which the state may change by what people or our own eyes said."""
    edges = [effective_us(fact, settings) for fact in memory.commissioning]
    edges += [at_us for works in memory.maintenances for at_us in (works.start_us, works.end_us)]
    edges += [at_us for stated in memory.statements for at_us in (stated.start_us, stated.end_us)]
    tail_us = settings.blindness_tail_us
    return edges + [blind.end_us + tail_us for blind in sight if blind.end_us is not None]


def is_suspect(memory: GatewayMemory, state: GatewayState) -> bool:
    """Return whether the broker saw this boot's socket close after its last heartbeat."""
    presence, run = memory.presence, memory.newest_run
    if presence is None or presence.online or state in (GatewayState.OUT, GatewayState.DOWN):
        return False
    if run is not None and presence.boot != run.boot:
        return False
    return memory.heartbeat_at_us is None or (memory.presence_at_us or 0) >= memory.heartbeat_at_us


def _gateway_now(gateway: Gateway, memory: GatewayMemory, known: Known, now_us: int) -> GatewayNow:
    span = known.span
    return GatewayNow(
        eui=gateway.eui,
        name=gateway.name,
        site_id=gateway.site_id,
        commune_insee=gateway.commune_insee,
        state=span.state,
        since_us=span.start_us,
        proved=span.proved,
        suspect=is_suspect(memory, span.state),
        incoherent=memory.skipped > 0 or _incoherent_until_us(memory) > now_us,
        quarantine="" if memory.quarantine is None else memory.quarantine.budget.value,
        quarantine_since_us=None if memory.quarantine is None else memory.quarantine.since_us,
        cause=span.cause,
        reason=span.reason,
        last_word_us=memory.heartbeat_at_us,
        backhaul_operator=gateway.backhaul_operator,
        power_feeder=gateway.power_feeder,
        config_version=None if memory.heartbeat is None else memory.heartbeat.config_version,
    )

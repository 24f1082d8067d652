"""The state of each gateway, computed when something happened and kept while nothing did.

Two steps keep a cycle cheap: a gateway of which nothing was heard is passed over, and one whose newest run
only grew keeps the state that it had.  ``Known.line`` is its timeline up to the computation; ``line_at``
carries it on to a later instant.
"""

from dataclasses import dataclass, field, replace

from fleet.availability.history import FOR_EVER_US
from fleet.availability.timeline import Span, Timeline, paint, present
from fleet.facts.model import Blindness
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings
from fleet.facts.states import GatewayState
from fleet.live.memory import GatewayMemory
from fleet.live.model import GatewayNow
from fleet.registry.store import Gateway

UNMOVED = (GatewayState.SERVING, GatewayState.OUT)
"""States that one more heartbeat of the same kind does not change."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The state of one gateway as it was computed; equal only to itself."""

    version: int
    stamp: int
    sight: tuple[Blindness, ...]
    good_until_us: int
    """Without new facts: the next instant at which something that people or our eyes said begins or ends."""
    line: Timeline
    span: Span
    """The present state, since when and why."""

    def line_at(self, now_us: int) -> Timeline:
        """Return the timeline up to ``now_us``, the present state going on."""
        line = self.line
        if now_us <= line.end_us:
            return line
        if self.span.state is GatewayState.SERVING or not line.exceptions:
            return replace(line, end_us=now_us)
        last = replace(line.exceptions[-1], end_us=now_us)
        return replace(line, end_us=now_us, exceptions=(*line.exceptions[:-1], last))


@dataclass(slots=True, eq=False)
class Entry:
    """One gateway as the newest cycle shows it, and until when nothing need be looked at."""

    known: Known
    now: GatewayNow
    stamp: int
    good_until_us: int


@dataclass(slots=True)
class GatewayView:
    """Keeps what was computed of each gateway."""

    settings: ContractSettings
    entries: dict[str, Entry] = field(default_factory=dict)

    def refresh(
        self, gateway: Gateway, memory: GatewayMemory, sight: tuple[Blindness, ...], now_us: int
    ) -> bool:
        """Bring one gateway to ``now_us``; return whether its state was computed anew."""
        entry = self.entries.get(gateway.eui)
        known = entry.known if entry is not None else None
        if known is None or not self._stands(known, memory, sight, now_us):
            known = self._compute(memory, sight, now_us)
        self.entries[gateway.eui] = Entry(
            known=known,
            now=_gateway_now(gateway, memory, known),
            stamp=memory.stamp,
            good_until_us=self._good_until_us(known, memory),
        )
        return entry is None or known is not entry.known

    def _good_until_us(self, known: Known, memory: GatewayMemory) -> int:
        if known.span.state is GatewayState.SERVING and memory.newest_run is not None:
            silent_us = memory.newest_run.last_at_us + self.settings.silence_confirmed_us
            return min(silent_us, known.good_until_us)
        return known.good_until_us

    def _stands(self, known: Known, memory: GatewayMemory, sight: tuple[Blindness, ...], now_us: int) -> bool:
        """Return whether nothing happened that could have changed the state."""
        if known.version != memory.version or known.sight is not sight:
            return False
        if known.span.state not in UNMOVED and known.stamp != memory.stamp:
            return False
        return now_us < self._good_until_us(known, memory)

    def _compute(self, memory: GatewayMemory, sight: tuple[Blindness, ...], now_us: int) -> Known:
        told = memory.history(self.settings)
        line = paint(memory.facts(), told, sight, Window(0, now_us), self.settings, now_us=now_us)
        newest, since_us = present(line.spans) or (Span(0, now_us, GatewayState.OUT), 0)
        last = replace(newest, start_us=since_us)
        return Known(
            version=memory.version,
            stamp=memory.stamp,
            sight=sight,
            good_until_us=self._next_edge_us(memory, sight, last, now_us),
            line=line,
            span=last,
        )

    def _next_edge_us(
        self, memory: GatewayMemory, sight: tuple[Blindness, ...], span: Span, now_us: int
    ) -> int:
        """Return when the state may change by time alone."""
        edges = [edge.at_us for edge in memory.commissioning]
        edges += [at_us for told in memory.maintenances for at_us in (told.start_us, told.end_us)]
        edges += [at_us for told in memory.statements for at_us in (told.start_us, told.end_us)]
        tail_us = self.settings.blindness_tail_us
        edges += [blind.end_us + tail_us for blind in sight if blind.end_us is not None]
        last_us = memory.history(self.settings).last_us
        if last_us is not None and span.state is not GatewayState.SERVING:
            edges.append(last_us + self.settings.silence_confirmed_us)
        return min((edge for edge in edges if edge > now_us), default=FOR_EVER_US)


def is_suspect(memory: GatewayMemory, state: GatewayState) -> bool:
    """Return whether the broker saw this boot's socket close after its last heartbeat."""
    presence, run = memory.presence, memory.newest_run
    if presence is None or presence.online or state in (GatewayState.OUT, GatewayState.DOWN):
        return False
    if run is not None and presence.boot != run.boot:
        return False
    return memory.heartbeat_at_us is None or (memory.presence_at_us or 0) >= memory.heartbeat_at_us


def _gateway_now(gateway: Gateway, memory: GatewayMemory, known: Known) -> GatewayNow:
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
        cause=span.cause,
        reason=span.reason,
        last_word_us=memory.heartbeat_at_us,
        backhaul_operator=gateway.backhaul_operator,
        power_feeder=gateway.power_feeder,
        config_version=None if memory.heartbeat is None else memory.heartbeat.config_version,
    )

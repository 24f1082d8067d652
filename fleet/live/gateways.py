"""The state of each gateway, computed when something happened and kept while nothing did.

Two steps keep a cycle cheap: a gateway of which nothing was heard is passed over, and one whose newest run
only grew keeps the state that it had.  ``Known.line`` is its timeline up to the computation; ``line_at``
carries it on to a later instant.
"""

from dataclasses import dataclass, field, replace

from fleet.availability.facts import Blindness
from fleet.availability.months import Window
from fleet.availability.settings import ContractSettings
from fleet.availability.states import GatewayState
from fleet.availability.timeline import Span, Timeline, paint
from fleet.live.memory import GatewayMemory
from fleet.live.model import GatewayNow
from fleet.registry.store import Gateway

RECOMPUTE_US = 5_000_000
"""How long a state other than SERVING stands without new facts: maintenance windows begin and end by time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """The state of one gateway as it was computed; equal only to itself."""

    version: int
    sight: tuple[Blindness, ...]
    good_until_us: int
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
            return memory.newest_run.last_at_us + self.settings.silence_confirmed_us
        return known.good_until_us

    def _stands(self, known: Known, memory: GatewayMemory, sight: tuple[Blindness, ...], now_us: int) -> bool:
        """Return whether nothing happened that could have changed the state."""
        if known.version != memory.version or known.sight is not sight:
            return False
        return now_us < self._good_until_us(known, memory)

    def _compute(self, memory: GatewayMemory, sight: tuple[Blindness, ...], now_us: int) -> Known:
        told = memory.history(self.settings)
        line = paint(memory.facts(), told, sight, Window(0, now_us), self.settings, now_us=now_us)
        spans = line.spans
        last = spans[-1] if spans else Span(0, now_us, GatewayState.OUT)
        for span in reversed(spans):
            if span.state is not last.state:
                break
            last = replace(last, start_us=span.start_us)
        return Known(
            version=memory.version,
            sight=sight,
            good_until_us=now_us + RECOMPUTE_US,
            line=line,
            span=last,
        )


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

"""The state of each commune and its month's budget, computed when a member changed and carried on between.

Sources: AVAILABILITY §3 (states), §7 (budget, breach ETA).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from fleet.availability.burn import breach_at_us, budget
from fleet.availability.communes import commune_timeline
from fleet.availability.figures import commune_figures
from fleet.availability.reckoning import commune_budget
from fleet.availability.timeline import present
from fleet.facts.model import Membership
from fleet.facts.months import Window, month_of, month_window, next_month
from fleet.facts.settings import ContractSettings
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.gateways import Entry
from fleet.live.model import CommuneNow
from fleet.registry.store import Commune

_WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """One commune as it was computed at ``at_us``."""

    at_us: int
    state: CommuneState
    since_us: int
    budget_left_us: int
    charging: bool
    """Whether the budget shrinks while this state lasts."""
    members: tuple[str, ...]
    serving: tuple[str, ...]


@dataclass(slots=True)
class CommuneView:
    """Keeps what was computed of each commune."""

    settings: ContractSettings
    charging: set[str] = field(default_factory=set)
    """Communes whose budget shrinks: they differ at every cycle."""
    _reckoned: dict[str, Reckoned] = field(default_factory=dict)

    def reckon(
        self,
        commune: Commune,
        members: tuple[Membership, ...],
        entries: Mapping[str, Entry],
        now_us: int,
    ) -> CommuneNow:
        """Compute one commune anew and return it at ``now_us``."""
        told = self._reckoned[commune.insee] = self._compute(commune.insee, members, entries, now_us)
        if told.charging:
            self.charging.add(commune.insee)
        else:
            self.charging.discard(commune.insee)
        return self.carry_on(commune, now_us)

    def carry_on(self, commune: Commune, now_us: int) -> CommuneNow:
        """Return a commune of which no member changed since it was computed."""
        told = self._reckoned[commune.insee]
        left_us = told.budget_left_us - (now_us - told.at_us if told.charging else 0)
        return CommuneNow(
            insee=commune.insee,
            name=commune.name,
            epci=commune.epci,
            population=commune.population,
            state=told.state,
            since_us=told.since_us,
            members=told.members,
            serving=told.serving,
            budget_left_us=left_us,
            breach_at_us=self._breach(left_us, now_us) if told.charging else None,
        )

    def _breach(self, left_us: int, now_us: int) -> int | None:
        following = month_window(next_month(month_of(now_us))).length_us
        whole_us = budget(following, 0, 0, self.settings.objective_commune_ppm).whole
        return breach_at_us(left_us, whole_us, _WHOLE, now_us)

    def _compute(
        self, insee: str, members: tuple[Membership, ...], entries: Mapping[str, Entry], now_us: int
    ) -> Reckoned:
        month = month_of(now_us)
        start_us = month_window(month).start_us
        window = Window(start_us, max(start_us, now_us))
        known = {row.eui: entries[row.eui].known for row in members if row.eui in entries}
        lines = {eui: one.line_at(now_us) for eui, one in known.items()}
        line = commune_timeline(insee, members, lines, window, self.settings)
        figures = commune_figures(line, self.settings)
        last = present(line.spans)
        state, since_us = (last[0].state, last[1]) if last else (CommuneState.NOT_COVERED, now_us)
        current = [row.eui for row in members if _counts(row, now_us) and row.eui in known]
        counting = [eui for eui in dict.fromkeys(current) if known[eui].span.state is not GatewayState.OUT]
        unknown = state is CommuneState.UNKNOWN and self.settings.unknown_is_charged
        return Reckoned(
            at_us=now_us,
            state=state,
            since_us=since_us,
            budget_left_us=commune_budget(month, figures, self.settings).left,
            charging=state is CommuneState.LOST or unknown,
            members=tuple(counting),
            serving=tuple(eui for eui in counting if known[eui].span.state is GatewayState.SERVING),
        )


def _counts(row: Membership, now_us: int) -> bool:
    return row.valid_from_us <= now_us and (row.valid_to_us is None or now_us < row.valid_to_us)

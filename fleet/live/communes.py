"""The state of each commune and its month's budget, computed when a member changed and carried on between.

Sources: AVAILABILITY §3 (states), §7 (budget, breach ETA).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from fleet.availability.burn import breach_at_us, budget
from fleet.availability.communes import commune_timeline
from fleet.availability.facts import Membership
from fleet.availability.figures import commune_figures
from fleet.availability.months import Window, month_of, month_window, next_month
from fleet.availability.reckoning import commune_budget
from fleet.availability.settings import ContractSettings
from fleet.availability.states import CommuneState, GatewayState
from fleet.live.gateways import Known
from fleet.live.model import CommuneNow
from fleet.registry.store import Commune

_WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """One commune as it was computed at ``at_us``."""

    members: tuple[Membership, ...]
    known: tuple[Known, ...]
    at_us: int
    month_start_us: int
    state: CommuneState
    since_us: int
    budget_left_us: int
    charging: bool
    """Whether the budget shrinks while this state lasts."""


@dataclass(slots=True)
class CommuneView:
    """Keeps what was computed of each commune."""

    settings: ContractSettings
    _reckoned: dict[str, Reckoned] = field(default_factory=dict)

    def now(
        self,
        commune: Commune,
        members: tuple[Membership, ...],
        known: Mapping[str, Known],
        now_us: int,
    ) -> CommuneNow:
        """Return one commune at ``now_us``; ``known`` are the gateways' states at that instant."""
        valid = [eui for eui in dict.fromkeys(row.eui for row in members) if eui in known]
        told = tuple(known[eui] for eui in valid)
        found = self._reckoned.get(commune.insee)
        if found is None or not _stands(found, members, told, now_us):
            found = self._reckoned[commune.insee] = self._reckon(commune.insee, members, known, now_us)
        present = _present(members, now_us)
        counting = [eui for eui in valid if eui in present and known[eui].span.state is not GatewayState.OUT]
        left_us = found.budget_left_us - (now_us - found.at_us if found.charging else 0)
        return CommuneNow(
            insee=commune.insee,
            name=commune.name,
            epci=commune.epci,
            population=commune.population,
            state=found.state,
            since_us=found.since_us,
            members=tuple(counting),
            serving=tuple(eui for eui in counting if known[eui].span.state is GatewayState.SERVING),
            budget_left_us=left_us,
            breach_at_us=self._breach(left_us, now_us) if found.charging else None,
        )

    def _breach(self, left_us: int, now_us: int) -> int | None:
        following = month_window(next_month(month_of(now_us))).length_us
        whole_us = budget(following, 0, 0, self.settings.objective_commune_ppm).whole
        return breach_at_us(left_us, whole_us, _WHOLE, now_us)

    def _reckon(
        self, insee: str, members: tuple[Membership, ...], known: Mapping[str, Known], now_us: int
    ) -> Reckoned:
        month = month_window(month_of(now_us))
        window = Window(month.start_us, max(month.start_us, now_us))
        lines = {row.eui: known[row.eui].line_at(now_us) for row in members if row.eui in known}
        line = commune_timeline(insee, members, lines, window, self.settings)
        figures = commune_figures(line, self.settings)
        bearing = commune_budget(month_of(now_us), figures, self.settings)
        spans = line.spans
        state = spans[-1].state if spans else CommuneState.NOT_COVERED
        since_us = now_us
        for span in reversed(spans):
            if span.state is not state:
                break
            since_us = span.start_us
        unknown = state is CommuneState.UNKNOWN and self.settings.unknown_is_charged
        return Reckoned(
            members=members,
            known=tuple(known[eui] for eui in dict.fromkeys(row.eui for row in members) if eui in known),
            at_us=now_us,
            month_start_us=month.start_us,
            state=state,
            since_us=since_us,
            budget_left_us=bearing.left,
            charging=state is CommuneState.LOST or unknown,
        )


def _stands(found: Reckoned, members: tuple[Membership, ...], known: Sequence[Known], now_us: int) -> bool:
    if found.members is not members and found.members != members:
        return False
    if len(known) != len(found.known) or any(a is not b for a, b in zip(known, found.known, strict=True)):
        return False
    edges = (edge for row in members for edge in (row.valid_from_us, row.valid_to_us) if edge is not None)
    if any(found.at_us < edge <= now_us for edge in edges):
        return False
    return month_window(month_of(now_us)).start_us == found.month_start_us


def _present(members: tuple[Membership, ...], now_us: int) -> set[str]:
    return {
        row.eui
        for row in members
        if row.valid_from_us <= now_us and (row.valid_to_us is None or now_us < row.valid_to_us)
    }

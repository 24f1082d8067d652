"""The state of each commune and its month's budget, computed when a member changed, carried on between.

Sources: AVAILABILITY §3 (states), §7 (budget, breach ETA).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from fleet.availability.burn import breach_at_us, budget
from fleet.availability.communes import commune_timeline
from fleet.availability.figures import commune_figures
from fleet.availability.reckoning import excluded_time
from fleet.availability.timeline import present
from fleet.availability.works import of_commune
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
    month_us: int
    excluded_us: int
    """Time of the month for which nothing is promised: works, or no member."""
    charged_us: int
    charging: bool
    """Whether the budget is used up while this state lasts."""
    members: tuple[str, ...]
    serving: tuple[str, ...]

    @property
    def is_steady(self) -> bool:
        """Whether time alone changes no figure."""
        return not self.charging and self.state is not CommuneState.NOT_COVERED

    @property
    def is_capped(self) -> bool:
        """Whether time alone may change the state: works exclude so much of a month, the rest is lost."""
        return self.state is CommuneState.EXCLUDED


def commune_now(reckoned: Reckoned, commune: Commune, settings: ContractSettings, now_us: int) -> CommuneNow:
    """Return a commune at ``now_us`` of which no member changed since it was computed."""
    gone_us = now_us - reckoned.at_us
    excluded_us = reckoned.excluded_us + (gone_us if reckoned.state is CommuneState.NOT_COVERED else 0)
    charged_us = reckoned.charged_us + (gone_us if reckoned.charging else 0)
    left_us = budget(reckoned.month_us, excluded_us, charged_us, settings.objective_commune_ppm).left
    return CommuneNow(
        insee=commune.insee,
        name=commune.name,
        epci=commune.epci,
        population=commune.population,
        state=reckoned.state,
        since_us=reckoned.since_us,
        members=reckoned.members,
        serving=reckoned.serving,
        budget_left_us=left_us,
        breach_at_us=_breach(left_us, settings, now_us) if reckoned.charging else None,
    )


def _breach(left_us: int, settings: ContractSettings, now_us: int) -> int | None:
    following = month_window(next_month(month_of(now_us))).length_us
    whole_us = budget(following, 0, 0, settings.objective_commune_ppm).whole
    return breach_at_us(left_us, whole_us, _WHOLE, now_us)


def reckoned_commune(
    insee: str,
    members: tuple[Membership, ...],
    entries: Mapping[str, Entry],
    settings: ContractSettings,
    now_us: int,
) -> Reckoned:
    """Compute one commune anew."""
    month = month_of(now_us)
    start_us = month_window(month).start_us
    window = Window(start_us, now_us)
    known = {row.eui: entries[row.eui].known for row in members if row.eui in entries}
    lines = {eui: one.line_at(now_us) for eui, one in known.items()}
    works = [announced for eui in sorted(known) for announced in known[eui].works]
    allowed = of_commune(works, settings) if works else ()
    line = commune_timeline(insee, members, lines, window, settings, allowed=allowed)
    figures = commune_figures(line, settings)
    last = present(line.spans)
    state, since_us = (last[0].state, last[1]) if last else (CommuneState.NOT_COVERED, now_us)
    current = [row.eui for row in members if _counts(row, now_us) and row.eui in known]
    counting = [eui for eui in dict.fromkeys(current) if known[eui].span.state is not GatewayState.OUT]
    return Reckoned(
        at_us=now_us,
        state=state,
        since_us=since_us,
        month_us=month_window(month).length_us,
        excluded_us=excluded_time(figures),
        charged_us=figures.share.charged,
        charging=settings.charges(state),
        members=tuple(counting),
        serving=tuple(eui for eui in counting if known[eui].span.state is GatewayState.SERVING),
    )


def _counts(row: Membership, now_us: int) -> bool:
    return row.valid_from_us <= now_us and (row.valid_to_us is None or now_us < row.valid_to_us)

"""The verdict on a month: is each promise kept, in danger or broken, and why; pure.

Header, sentence, wall, phone, report, mail and API show this value and judge nothing themselves.  A promise
of a month that is not over is

    BROKEN    its budget is used up: nothing can mend the month
    AT_RISK   the present loss uses the budget up before a repair can be expected (``REPAIR_US``), or the
              share so far is below the objective: the rest of the month must be better
    KEPT      neither

A month that is over is KEPT or BROKEN by its exact share.  Sources: AVAILABILITY §6 (exact verdicts), §7
(budget, breach ETA); MISSION "What is promised to users" (resolution within two days).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from math import ceil

from fleet.availability.burn import Budget, breach_at_us, budget, charged_between, share_lost
from fleet.availability.figures import Share
from fleet.availability.indicators import state_at_end
from fleet.availability.reckoning import MonthResult
from fleet.durations import DAY_US
from fleet.facts.months import Window, day_start_us, month_window, next_month
from fleet.facts.settings import ContractSettings
from fleet.facts.states import CommuneState

REPAIR_US = 2 * DAY_US
"""What breaks now may last so long: the contract's longest resolution."""
NETWORK = ""
"""The subject of the promise for the whole service; others go by the commune's INSEE code."""


class Standing(StrEnum):
    """How a promise stands."""

    UNCOUNTED = "UNCOUNTED"
    """Nothing counts yet."""
    KEPT = "KEPT"
    AT_RISK = "AT_RISK"
    BROKEN = "BROKEN"


class Why(StrEnum):
    """What decided."""

    NOTHING_LOST_MATTERS = "NOTHING_LOST_MATTERS"
    BELOW_OBJECTIVE = "BELOW_OBJECTIVE"
    """The share is below the objective: for good in a month that is over, so far in one that is not."""
    GONE_BEFORE_REPAIR = "GONE_BEFORE_REPAIR"
    BUDGET_USED_UP = "BUDGET_USED_UP"


SEVERITY = {name: rank for rank, name in enumerate(Standing)}


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseStanding:
    """One promise of a month and how it stands."""

    insee: str
    """``NETWORK`` for the whole service."""
    objective_ppm: int
    share: Share
    budget: Budget
    """Microseconds; of the whole service standing still, for the network."""
    losing: Fraction
    """Share that is being lost at present, 0 to 1: budget used up per unit of time."""
    today_us: int
    """Budget used up since 00:00 Paris."""
    gone_at_us: int | None
    """When the budget is used up if present states persist; None: not within this month or the next."""
    standing: Standing
    why: Why

    @property
    def urgency(self) -> tuple[int, float, Fraction, str]:
        """Orders promises, the most urgent first."""
        gone = float("inf") if self.gone_at_us is None else float(self.gone_at_us)
        left = Fraction(self.budget.left, self.budget.whole) if self.budget.whole > 0 else Fraction(0)
        return (-SEVERITY[self.standing], gone, left, self.insee)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthStanding:
    """Every promise of a month."""

    month: str
    whole: PromiseStanding
    communes: Mapping[str, PromiseStanding]

    @property
    def standing(self) -> Standing:
        """The worst that is true of any promise."""
        return max((one.standing for one in self._all), key=SEVERITY.__getitem__)

    @property
    def first(self) -> PromiseStanding:
        """The promise to name: the most urgent, the network's when none is worse than another."""
        if self.standing in {Standing.KEPT, Standing.UNCOUNTED}:
            return self.whole
        return min(self._all, key=lambda one: one.urgency)

    def those(self, standing: Standing) -> tuple[PromiseStanding, ...]:
        """Return the communes' promises that stand so, the most urgent first."""
        found = (one for one in self.communes.values() if one.standing is standing)
        return tuple(sorted(found, key=lambda one: one.urgency))

    def within(self, insees: frozenset[str]) -> "MonthStanding":
        """Return the promises to some communes; the network's stays."""
        return replace(self, communes={key: one for key, one in self.communes.items() if key in insees})

    @property
    def _all(self) -> tuple[PromiseStanding, ...]:
        return (self.whole, *self.communes.values())


def month_standing(
    result: MonthResult,
    weights: Mapping[str, int],
    settings: ContractSettings,
    *,
    states: Mapping[str, CommuneState] | None = None,
    now_us: int | None = None,
) -> MonthStanding:
    """Return the verdict on a month at ``now_us``; what was lost since the figures were made is added.

    ``states`` are those of the newest cycle; without them the last ones of the figures persist.
    """
    covered = [insee for insee in result.communes if insee not in result.not_covered]
    charged = {insee: _state(result, insee, settings, states) for insee in covered}
    today = _today(result, settings)
    objective_ppm = settings.objective_commune_ppm
    communes = {
        insee: _promise(
            result,
            PromiseStanding(
                insee=insee,
                objective_ppm=objective_ppm,
                share=result.commune_figures[insee].share,
                budget=result.budgets[insee],
                losing=Fraction(charged[insee] is CommuneState.LOST),
                today_us=today[insee],
                gone_at_us=None,
                standing=Standing.UNCOUNTED,
                why=Why.NOTHING_LOST_MATTERS,
            ),
            now_us,
        )
        for insee in covered
    }
    weight = sum(weights.get(insee, 0) for insee in covered)
    lost = sum(weights.get(insee, 0) * today[insee] for insee in covered)
    whole = PromiseStanding(
        insee=NETWORK,
        objective_ppm=settings.objective_global_ppm,
        share=result.share,
        budget=result.budget,
        losing=share_lost(charged.items(), weights),
        today_us=-(-lost // weight) if weight else 0,
        gone_at_us=None,
        standing=Standing.UNCOUNTED,
        why=Why.NOTHING_LOST_MATTERS,
    )
    return MonthStanding(month=result.month, whole=_promise(result, whole, now_us), communes=communes)


def _state(
    result: MonthResult,
    insee: str,
    settings: ContractSettings,
    states: Mapping[str, CommuneState] | None,
) -> CommuneState:
    """Return the state that persists; UNKNOWN that is charged burns as LOST does."""
    if not result.provisional:
        return CommuneState.SERVED
    state = state_at_end(result.communes[insee], settings)
    if states is not None:
        state = states.get(insee, state)
    return CommuneState.LOST if settings.charges(state) else state


def _today(result: MonthResult, settings: ContractSettings) -> dict[str, int]:
    """Return what each commune lost since 00:00 Paris of the last day of the figures."""
    end_us = result.window.end_us
    day = Window(max(result.window.start_us, day_start_us(end_us)), end_us)
    return {insee: charged_between(line, day, settings).charged for insee, line in result.communes.items()}


def _promise(result: MonthResult, given: PromiseStanding, now_us: int | None) -> PromiseStanding:
    """Return a promise carried on to ``now_us`` and judged."""
    share, objective_ppm = given.share, given.objective_ppm
    if not result.provisional:
        standing, why = judged(share, given.budget, objective_ppm, gone_at_us=None, at_us=None)
        return replace(given, standing=standing, why=why)
    found_us = result.window.end_us
    at_us = max(found_us, min(now_us or found_us, month_window(result.month).end_us - 1))
    lost_us = ceil(given.losing * (at_us - found_us))
    spent = replace(given.budget, spent=given.budget.spent + lost_us)
    following_us = month_window(next_month(result.month)).length_us
    next_whole = budget(following_us, 0, 0, objective_ppm).whole
    gone_at_us = breach_at_us(spent.left, next_whole, given.losing, at_us)
    carried = replace(given, budget=spent, today_us=given.today_us + lost_us, gone_at_us=gone_at_us)
    standing, why = judged(share, spent, objective_ppm, gone_at_us=gone_at_us, at_us=at_us)
    return replace(carried, standing=standing, why=why)


def judged(
    share: Share, budget_: Budget, objective_ppm: int, *, gone_at_us: int | None, at_us: int | None
) -> tuple[Standing, Why]:
    """Return how a promise stands at ``at_us``, and why; None: its month is over."""
    met = share.meets(objective_ppm)
    if at_us is not None and budget_.left < 0:
        return Standing.BROKEN, Why.BUDGET_USED_UP
    if at_us is not None and gone_at_us is not None and gone_at_us - at_us <= REPAIR_US:
        return Standing.AT_RISK, Why.GONE_BEFORE_REPAIR
    if met is None:
        return Standing.UNCOUNTED, Why.NOTHING_LOST_MATTERS
    if met:
        return Standing.KEPT, Why.NOTHING_LOST_MATTERS
    return Standing.BROKEN if at_us is None else Standing.AT_RISK, Why.BELOW_OBJECTIVE

"""States over time and the month's figures for the pages, computed from the facts and kept for a few seconds.

Facts are read by ``fleet.live.recall``, figures are those of ``fleet.availability``: pages compute nothing of
their own.  A result stands for ``KEPT_US``, or ``REST`` times what it took, whichever is longer, so that open
pages never cost more than a twentieth of one core.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from sqlalchemy import Connection

from fleet.availability.burn import Budget, breach_at_us, budget
from fleet.availability.communes import CommuneTimeline, commune_timeline, members_of
from fleet.availability.figures import CommuneFigures, Share, commune_figures, gateway_figures, whole
from fleet.availability.months import Window, month_of, month_window, next_month
from fleet.availability.settings import DEFAULTS, ContractSettings
from fleet.availability.states import CommuneState
from fleet.availability.timeline import Timeline, paint
from fleet.db.connect import Database
from fleet.evidence import facts
from fleet.live.recall import recall
from fleet.registry.store import Commune, load_communes, load_memberships
from fleet.web.format import DAY_US

KEPT_US: Final = 5_000_000
REST: Final = 20
LOOK_BACK_US: Final = 7 * DAY_US
"""The longest window of a page besides the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was, up to ``at_us``: timelines over the look-back and the month, figures over the month."""

    at_us: int
    from_us: int
    gateways: Mapping[str, Timeline]
    communes: Mapping[str, CommuneTimeline]
    gateway_shares: Mapping[str, Share]
    commune_shares: Mapping[str, Share]
    budgets: Mapping[str, Budget]
    breaches: Mapping[str, int | None]
    """When each commune's budget is used up if it loses service from ``at_us`` on."""
    whole: Share
    whole_budget: Budget
    """Of the network, in microseconds times weight; divide by ``weight`` for time."""
    weight: int


class History:
    """Keeps the newest ``Past`` of one process."""

    def __init__(self, settings: ContractSettings = DEFAULTS) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._past: Past | None = None
        self._stands_until_us = 0

    def past(self, database: Database, clock: Any) -> Past:
        """Return the past, computed again when the kept one is too old; one thread computes, others wait."""
        with self._lock:
            now_us: int = clock.now_us()
            if self._past is None or now_us >= self._stands_until_us:
                with database.read() as connection:
                    self._past = compute(connection, self._settings, now_us)
                took_us = clock.now_us() - now_us
                self._stands_until_us = now_us + max(KEPT_US, REST * took_us)
            return self._past


def history_of(state: Any) -> History:
    """Return the history of one application, made at first use."""
    found: History | None = getattr(state, "history", None)
    if found is None:
        found = state.history = History()
    return found


def compute(connection: Connection, settings: ContractSettings, now_us: int) -> Past:
    """Return the past from the facts in the database."""
    month = Window(month_window(month_of(now_us)).start_us, now_us)
    window = Window(min(month.start_us, now_us - LOOK_BACK_US), now_us)
    memory = recall(connection, window.start_us)
    memory.replace_people(
        facts.load_commissioning(connection),
        facts.load_maintenances(connection, window.start_us),
        facts.load_statements(connection, window.start_us),
    )
    blindness = facts.load_blindness(connection, window.start_us)

    def lines_over(span: Window) -> dict[str, Timeline]:
        return {
            eui: paint(one.facts(), one.history(settings), blindness, span, settings, now_us=now_us)
            for eui, one in memory.gateways.items()
        }

    communes = load_communes(connection)
    memberships = members_of(load_memberships(connection))
    lines, month_lines = lines_over(window), lines_over(month)
    figures = {
        one.insee: commune_figures(
            commune_timeline(one.insee, memberships.get(one.insee, ()), month_lines, month, settings),
            settings,
        )
        for one in communes
    }
    return Past(
        at_us=now_us,
        from_us=window.start_us,
        gateways=lines,
        communes={
            one.insee: commune_timeline(one.insee, memberships.get(one.insee, ()), lines, window, settings)
            for one in communes
        },
        gateway_shares={eui: gateway_figures(line, settings).share for eui, line in month_lines.items()},
        **_promises(communes, figures, settings, now_us),
    )


def _promises(
    communes: list[Commune], figures: dict[str, CommuneFigures], settings: ContractSettings, now_us: int
) -> dict[str, Any]:
    length_us = month_window(month_of(now_us)).length_us
    next_us = month_window(next_month(month_of(now_us))).length_us
    next_whole = budget(next_us, 0, 0, settings.objective_commune_ppm).whole
    weights = {one.insee: one.population for one in communes if figures[one.insee].share.counted}
    budgets = {
        insee: budget(
            length_us,
            one.by_state_us[CommuneState.EXCLUDED],
            one.share.charged,
            settings.objective_commune_ppm,
        )
        for insee, one in figures.items()
    }
    share = whole(figures.values(), weights)
    weight = sum(weights.values())
    excluded = sum(figures[insee].by_state_us[CommuneState.EXCLUDED] * one for insee, one in weights.items())
    return {
        "commune_shares": {insee: one.share for insee, one in figures.items()},
        "budgets": budgets,
        "breaches": {
            insee: breach_at_us(one.left, next_whole, Fraction(1), now_us) for insee, one in budgets.items()
        },
        "whole": share,
        "whole_budget": budget(length_us * weight, excluded, share.charged, settings.objective_global_ppm),
        "weight": weight,
    }

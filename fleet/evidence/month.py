"""A month from the facts in the database, from scratch: lines, communes, figures (AVAILABILITY §2–§6)."""

from dataclasses import dataclass
from fractions import Fraction

from sqlalchemy import Connection

from fleet.availability.burn import Budget, budget
from fleet.availability.communes import CommuneTimeline, commune_timeline, members_of
from fleet.availability.facts import NetworkFacts
from fleet.availability.figures import (
    CommuneFigures,
    GatewayFigures,
    Share,
    commune_figures,
    gateway_figures,
    mean_of_gateways,
    whole,
)
from fleet.availability.months import Window, month_of, month_window
from fleet.availability.settings import ContractSettings, Weight
from fleet.availability.states import CommuneState
from fleet.availability.timeline import Timeline, timeline
from fleet.evidence import facts
from fleet.live.recall import recall
from fleet.registry.store import Commune, load_communes, load_memberships


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """Everything about one month as it is known."""

    month: str
    window: Window
    """As far as now; a month that is over is whole."""
    provisional: bool
    lines: dict[str, Timeline]
    communes: dict[str, CommuneTimeline]
    gateway_figures: dict[str, GatewayFigures]
    commune_figures: dict[str, CommuneFigures]
    registry: dict[str, Commune]
    weights: dict[str, int]

    @property
    def whole(self) -> Share:
        """The global figure."""
        return whole(self.commune_figures.values(), self.weights)

    @property
    def mean_of_gateways(self) -> Fraction | None:
        """Not the contract's figure."""
        return mean_of_gateways(self.gateway_figures.values())

    def budget_of(self, insee: str, settings: ContractSettings) -> Budget:
        """Return what one commune may lose in the whole month, and what is left."""
        figures = self.commune_figures[insee]
        excluded_us = figures.by_state_us[CommuneState.EXCLUDED]
        length_us = month_window(self.month).length_us
        return budget(length_us, excluded_us, figures.share.charged, settings.objective_commune_ppm)


def load_facts(connection: Connection, from_us: int) -> NetworkFacts:
    """Return every fact that decides timelines from ``from_us`` on."""
    memory = recall(connection, from_us)
    memory.replace_people(
        facts.load_commissioning(connection),
        facts.load_maintenances(connection, from_us),
        facts.load_statements(connection, from_us),
    )
    return NetworkFacts(
        gateways={eui: one.facts() for eui, one in sorted(memory.gateways.items())},
        memberships=load_memberships(connection),
        blindness=facts.load_blindness(connection, from_us),
    )


def compute_month(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> Month:
    """Return the month, computed from the facts.

    Raises:
        ValueError: not a month such as ``2026-11``.
    """
    full = month_window(month)
    window = Window(full.start_us, max(full.start_us, min(full.end_us, now_us)))
    told = load_facts(connection, full.start_us)
    registry = {one.insee: one for one in load_communes(connection)}
    lines = {
        eui: timeline(gateway, told.blindness, window, settings, now_us)
        for eui, gateway in told.gateways.items()
    }
    members = members_of(told.memberships)
    communes = {
        insee: commune_timeline(insee, members.get(insee, ()), lines, window, settings) for insee in registry
    }
    by_population = settings.weight is Weight.POPULATION
    return Month(
        month=month,
        window=window,
        provisional=month_of(now_us) <= month,
        lines=lines,
        communes=communes,
        gateway_figures={eui: gateway_figures(line, settings) for eui, line in lines.items()},
        commune_figures={insee: commune_figures(line, settings) for insee, line in communes.items()},
        registry=registry,
        weights={insee: one.population if by_population else 1 for insee, one in registry.items()},
    )

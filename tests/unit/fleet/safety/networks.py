"""Small and random networks for the oracle, and a plain second reading of its rules."""

from fleet.availability.sensors import Coverage
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import CommuneState, GatewayState
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.safety.view import safety_view

NOW_US = 1_796_000_000_000_000
HOUR_US = 3_600_000_000
NOW = Window(NOW_US, NOW_US + HOUR_US)
BUDGET_US = 20_000_000_000
SERVING, DOWN, OUT = GatewayState.SERVING, GatewayState.DOWN, GatewayState.OUT


def view_of(states, communes, coverages=(), *, blind=False, budgets=None, suspects=(), settings=DEFAULTS):
    """Return a view: EUI → state, name of a commune → members, (commune, EUIs, sensors) of sensors."""
    gateways = {
        eui: GatewayNow(
            eui=eui,
            name=f"site {eui}",
            site_id=1,
            commune_insee="1",
            state=state,
            since_us=0,
            proved=True,
            suspect=eui in suspects,
        )
        for eui, state in states.items()
    }
    named = {
        insee: CommuneNow(
            insee=insee,
            name=insee.upper(),
            epci="",
            population=1,
            state=CommuneState.SERVED,
            since_us=0,
            members=tuple(members),
            serving=tuple(eui for eui in members if states[eui] is SERVING),
            budget_left_us=(budgets or {}).get(insee, BUDGET_US),
        )
        for insee, members in communes.items()
    }
    network = NetworkNow(at_us=NOW_US, gateways=gateways, communes=named, blind=blind)
    found = [Coverage(insee=insee, euis=tuple(euis), sensors=count) for insee, euis, count in coverages]
    return safety_view(network, found, settings)

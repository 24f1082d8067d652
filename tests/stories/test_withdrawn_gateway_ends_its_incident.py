from fleet.facts.states import GatewayState
from fleet.incidents.model import IncidentState
from tests.stories.world import MINUTE, World


def test_withdrawn_during_an_outage(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.set(["a1"], GatewayState.OUT)
    azay.pass_time(3 * MINUTE)
    assert azay.incidents()[0].state is IncidentState.ENDED

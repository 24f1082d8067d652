from fleet.facts.states import GatewayState
from tests.stories.world import HOUR, MINUTE, World


def test_unknown_opens_nothing_and_serving_again_tells_nothing(azay: World) -> None:
    azay.set(["a1"], GatewayState.UNKNOWN)
    azay.pass_time(HOUR)
    azay.restore("a1")
    azay.pass_time(5 * MINUTE)
    assert azay.incidents() == ()
    assert azay.written() == 0


def test_unknown_ends_no_incident_that_was_open(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.set(["a1"], GatewayState.UNKNOWN)
    azay.pass_time(20 * MINUTE)
    assert len(azay.open()) == 1

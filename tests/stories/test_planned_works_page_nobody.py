from fleet.facts.states import GatewayState
from tests.stories.world import HOUR, MINUTE, World


def test_maintenance_opens_nothing(azay: World) -> None:
    azay.set(["a1"], GatewayState.MAINTENANCE)
    azay.pass_time(HOUR)
    assert azay.incidents() == ()


def test_works_that_last_longer_than_announced_become_an_incident_from_their_end(azay: World) -> None:
    azay.set(["a1"], GatewayState.MAINTENANCE)
    azay.pass_time(HOUR)
    ended = azay.clock.at_us
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    assert azay.open()[0].began_at_us == ended

from fleet.incidents.model import IncidentState
from fleet.tickets.model import TicketState
from tests.stories.world import MINUTE, World


def test_lost_again_within_half_an_hour_is_the_same_ticket(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.restore("a1")
    azay.pass_time(5 * MINUTE)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    assert [one.state for one in azay.incidents()] == [IncidentState.OPEN]
    assert azay.ticket().state is TicketState.REPORTED
    assert azay.ticket().restored_at_us is None


def test_lost_again_an_hour_later_is_another(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.restore("a1")
    azay.pass_time(60 * MINUTE)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    assert [one.state for one in azay.incidents()] == [IncidentState.OPEN, IncidentState.ENDED]

from fleet.tickets.clocks import ClockVerdict, intervention
from fleet.tickets.model import TicketState
from tests.stories.world import HOUR, MINUTE, World


def test_it_is_met_and_closes_by_itself(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(HOUR)
    azay.restore("a1")
    azay.pass_time(20 * MINUTE)
    assert azay.ticket().state is TicketState.RESTORED
    assert intervention(azay.ticket(), azay.clock.at_us).verdict is ClockVerdict.MET_REMOTELY
    azay.pass_time(15 * MINUTE)
    assert azay.ticket().state is TicketState.CLOSED

from fleet.tickets.model import Arrive, Close, FieldReport, Restore, StepRefused, Ticket, TicketState
from tests.stories.world import MINUTE, World


def test_a_person_cannot_close_what_is_still_lost(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    now = azay.clock.at_us
    assert isinstance(azay.act(1, Restore(who="Anne", via="page", at_us=now)), StepRefused)
    report = FieldReport(cause="disjoncteur", action="réarmé")
    refused = azay.act(1, Close(who="Anne", via="page", at_us=now, report=report))
    assert refused == StepRefused(key="ticket.refused.not_restored")


def test_somebody_on_site_owes_a_report(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    azay.act(1, Arrive(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.restore("a1")
    azay.pass_time(40 * MINUTE)
    assert azay.ticket().state is TicketState.RESTORED
    now = azay.clock.at_us
    assert azay.act(1, Close(who="Anne", via="page", at_us=now)) == StepRefused(
        key="ticket.refused.report_missing"
    )
    closed = azay.act(1, Close(who="Anne", via="page", at_us=now, report=FieldReport(cause="a", action="b")))
    assert isinstance(closed, Ticket)
    assert closed.state is TicketState.CLOSED

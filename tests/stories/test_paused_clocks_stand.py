from fleet.tickets.model import PauseReason, ResumeClocks, StepRefused, StopClocks
from tests.stories.world import HOUR, MINUTE, World


def test_an_hour_of_refused_access_moves_the_deadline_by_an_hour_and_says_who(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    due = azay.open()[0].ticket.intervention.due_at_us
    stop = StopClocks(who="Anne", via="page", at_us=azay.clock.at_us, reason=PauseReason.ACCESS_REFUSED)
    azay.act(1, stop)
    assert isinstance(azay.act(1, stop), StepRefused)
    azay.pass_time(HOUR)
    azay.act(1, ResumeClocks(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.pass_time(10 * MINUTE)
    shown = azay.open()[0].ticket
    assert shown.intervention.due_at_us == due + HOUR
    assert shown.ticket.pauses[0].who == "Anne"
    assert shown.ticket.pauses[0].reason is PauseReason.ACCESS_REFUSED


def test_no_warning_while_the_clocks_stand(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    stop = StopClocks(who="Anne", via="page", at_us=azay.clock.at_us, reason=PauseReason.WEATHER_DANGER)
    azay.act(1, stop)
    azay.pass_time(6 * HOUR)
    assert not [
        one for one in azay.postman.taken if "heure" in one.text and "site" in one.subject.lower()[:0]
    ]
    assert not any("quatre heures sont" in one.text for one in azay.postman.taken)

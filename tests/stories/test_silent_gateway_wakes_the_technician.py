from fleet.durations import HOUR_US
from fleet.facts.settings import ContractSettings
from fleet.incidents.model import IncidentState
from fleet.tickets.model import Criticality, TicketState
from tests.stories.world import MINUTE, SECOND, World, paris


def test_commune_lost_opens_a_ticket_dated_back_and_one_mail_goes_out(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(89 * SECOND)
    assert azay.incidents() == ()
    azay.pass_time(SECOND)
    (incident,) = azay.open()
    assert (incident.criticality, incident.began_at_us) == (
        Criticality.CRITICAL,
        paris("2026-11-22 02:13:48"),
    )
    ticket = azay.ticket()
    assert ticket.reported_at_us == paris("2026-11-22 02:13:48") + 90 * SECOND
    assert incident.ticket is not None
    assert incident.ticket.intervention.due_at_us == ticket.reported_at_us + 4 * HOUR_US
    assert azay.mails() == []
    azay.pass_time(30 * SECOND)
    assert azay.mails() == ["CRITIQUE Azay-sur-Cher : plus de service depuis 02:13. Sur site avant 06:15."]


def test_the_mail_says_what_is_needed_to_go_there(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(2 * MINUTE)
    text = azay.postman.taken[0].text
    for part in (
        "muette",
        "Église a1",
        "1 place de l’Église",
        "Clé à la mairie",
        "geo:47.35",
        "/a/",
        "/tickets/1",
    ):
        assert part.replace("’", "'") in text.replace("’", "'"), part
    assert "<html" in azay.postman.taken[0].html


def test_telemetry_closes_and_the_end_is_told_once(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(5 * MINUTE)
    azay.restore("a1")
    azay.pass_time(2 * MINUTE)
    assert azay.incidents()[0].state is IncidentState.ENDED
    assert azay.ticket().state is TicketState.RESTORED
    assert azay.mails()[1:] == ["RÉTABLI Azay-sur-Cher : service de retour à 02:18, après 5 min."]
    azay.pass_time(20 * MINUTE)
    assert len(azay.mails()) == 2


def test_a_loss_shorter_than_the_confirmation_wakes_nobody(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(80 * SECOND)
    azay.restore("a1")
    azay.pass_time(10 * MINUTE)
    assert azay.incidents() == ()
    assert azay.written() == 0


def test_the_contract_says_after_how_long_a_silence_is_confirmed(azay: World) -> None:
    azay.settings = ContractSettings(silence_confirmed_us=300 * SECOND)
    azay.lose("a1")
    azay.pass_time(299 * SECOND)
    assert azay.incidents() == ()
    azay.pass_time(SECOND)
    assert azay.ticket().reported_at_us == paris("2026-11-22 02:13:48") + 300 * SECOND

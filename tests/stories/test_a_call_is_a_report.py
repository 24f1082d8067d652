import pytest

from fleet.incidents.context import CycleContext
from fleet.intake.calls import Call, CallRefused, enter, verify
from fleet.tickets.model import Arrive, Criticality, Origin, StepRefused, Ticket, TicketState
from tests.stories.world import DAY, HOUR, MINUTE, SECOND, World


def call(world: World, ago_us: int = 0, **values: object) -> Ticket:
    made = {
        "origin": Origin.PHONE,
        "commune_insee": "37015",
        "text": "plus aucun relevé",
        "caller": "Mairie d'Azay",
        "reported_at_us": world.clock.at_us - ago_us,
        "who": "Supervision",
    } | values
    with world.database.write() as connection:
        return enter(CycleContext(connection, world.network(), world.clock.at_us), Call(**made))


def test_the_four_hours_run_from_the_call_and_somebody_is_told(azay: World) -> None:
    ticket = call(azay, ago_us=20 * MINUTE)
    assert ticket.reported_at_us == azay.clock.at_us - 20 * MINUTE
    azay.pass_time(MINUTE)
    assert azay.mails() == ["MINEUR Azay-sur-Cher : panne signalée à 01:53. Sur site avant 05:53."]
    assert "plus aucun relevé" in azay.postman.taken[0].text


def test_what_is_pasted_into_a_call_is_one_line(azay: World) -> None:
    ticket = call(azay, text="plus rien\u2028depuis\r\nhier\x00", caller="Mairie\u202e d'Azay")
    assert ticket.title == "Azay-sur-Cher : plus rien depuis hier"
    assert ticket.caller == "Mairie d'Azay"


def test_a_call_before_our_detection_moves_the_report_of_the_incident(azay: World) -> None:
    azay.lose("a1")
    began = azay.clock.at_us
    azay.pass_time(3 * MINUTE)
    assert azay.ticket().reported_at_us == began + 90 * SECOND
    ticket = call(azay, ago_us=azay.clock.at_us - began - 30 * SECOND)
    assert (ticket.id, ticket.reported_at_us) == (1, began + 30 * SECOND)


def test_a_call_after_it_changes_nothing_but_the_trail(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    before = azay.ticket().reported_at_us
    assert call(azay).reported_at_us == before
    assert azay.trail().count("Note") == 1


def test_a_loss_that_is_confirmed_later_joins_the_ticket_of_the_call(azay: World) -> None:
    called = call(azay)
    azay.pass_time(5 * MINUTE)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    (incident,) = azay.open()
    assert incident.ticket is not None
    assert incident.ticket.ticket.id == called.id
    assert azay.ticket().reported_at_us == called.reported_at_us
    assert azay.ticket().criticality is Criticality.CRITICAL
    assert azay.mails()[-1].startswith("CRITIQUE Azay-sur-Cher : plus de service depuis")


def test_telemetry_restores_it_once_somebody_was_on_site(azay: World) -> None:
    ticket = call(azay)
    azay.pass_time(HOUR)
    assert azay.ticket().state is TicketState.REPORTED
    azay.act(ticket.id, Arrive(who="Anne", via="page", at_us=azay.clock.at_us))
    azay.cycle()
    assert azay.ticket().state is TicketState.RESTORED


def test_an_operator_may_ask_telemetry_which_alone_decides(azay: World) -> None:
    ticket = call(azay)
    azay.lose("a1")
    with azay.database.write() as connection:
        context = CycleContext(connection, azay.network(), azay.clock.at_us)
        assert isinstance(verify(context, ticket), StepRefused)
    azay.restore("a1")
    with azay.database.write() as connection:
        verify(CycleContext(connection, azay.network(), azay.clock.at_us), ticket)
    assert azay.ticket().state is TicketState.RESTORED


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"commune_insee": "99999"}, "commune_insee"),
        ({"text": " "}, "text"),
        ({"origin": Origin.TELEMETRY}, "origin"),
        ({"ago_us": -3 * MINUTE}, "reported_at_us"),
        ({"ago_us": 31 * DAY}, "reported_at_us"),
    ],
)
def test_an_impossible_call_is_refused_with_its_field(
    azay: World, wrong: dict[str, object], field: str
) -> None:
    with pytest.raises(CallRefused, match=field):
        call(azay, **wrong)

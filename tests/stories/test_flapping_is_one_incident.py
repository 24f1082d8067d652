from fleet.incidents.model import IncidentState
from fleet.tickets.model import Criticality
from tests.stories.world import MINUTE, SECOND, World


def flap(world: World, times: int, down_us: int, up_us: int) -> None:
    for _ in range(times):
        world.lose("a1")
        world.cycle()
        world.pass_time(down_us)
        world.restore("a1")
        world.cycle()
        world.pass_time(up_us)


def test_three_edges_are_not_a_flap(azay: World) -> None:
    flap(azay, 1, 60 * SECOND, 60 * SECOND)
    azay.lose("a1")
    azay.pass_time(60 * SECOND)
    assert azay.incidents() == ()


def test_losses_too_short_to_confirm_become_one_incident_at_the_fourth_edge(azay: World) -> None:
    flap(azay, 2, 20 * SECOND, 60 * SECOND)
    (incident,) = azay.open()
    assert incident.criticality is Criticality.MINOR
    flap(azay, 4, 20 * SECOND, 60 * SECOND)
    assert len(azay.incidents()) == 1
    assert len(azay.mails()) == 1
    assert "intermittent" in azay.mails()[0]


def test_it_is_paged_as_critical_when_the_month_burns(azay: World) -> None:
    flap(azay, 6, 80 * SECOND, 30 * SECOND)
    (incident,) = azay.open()
    assert incident.criticality is Criticality.CRITICAL
    assert [mail.split()[0] for mail in azay.mails()] == ["MINEUR", "CRITIQUE"]


def test_it_ends_half_an_hour_after_the_last_edges(azay: World) -> None:
    flap(azay, 3, 20 * SECOND, 60 * SECOND)
    azay.pass_time(20 * MINUTE, every_us=MINUTE)
    assert azay.incidents()[0].state is IncidentState.OPEN
    azay.pass_time(15 * MINUTE, every_us=MINUTE)
    assert azay.incidents()[0].state is IncidentState.ENDED

from fleet.facts.states import Cause
from fleet.incidents.model import Domain
from tests.stories.world import MINUTE, World


def test_all_gateways_of_one_operator_are_one_incident_and_one_readable_mail(world: World) -> None:
    world.people("Anne Martin")
    for number in range(20):
        operator = "Orange" if number % 2 else "SFR"
        insee = f"37{number:03d}"
        world.commune(
            insee, f"Village {number}", f"g{number}", epci=f"E{number % 5}", backhaul_operator=operator
        )
    world.lose(*(f"g{number}" for number in range(1, 20, 2)), cause=Cause.BACKHAUL)
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert (incident.domain, incident.value, incident.gateways) == (Domain.OPERATOR, "Orange", 10)
    (mail,) = world.mails()
    assert mail.startswith("CRITIQUE Opérateur Orange, 10 communes : plus de service depuis 02:13.")
    assert len(world.postman.taken[0].text) < 1500

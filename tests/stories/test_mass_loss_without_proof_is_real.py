from fleet.incidents.model import Domain
from tests.stories.world import MINUTE, World


def test_the_whole_network_silent_is_one_critical_incident(world: World) -> None:
    world.people("Anne Martin", "Bruno Petit")
    for number in range(12):
        box = {"epci": f"E{number % 4}", "backhaul_operator": f"O{number % 3}"}
        world.commune(f"37{number:03d}", f"V{number}", f"g{number}", **box)
    world.lose(*world.gateways)
    world.pass_time(3 * MINUTE)
    (incident,) = world.open()
    assert (incident.domain, incident.gateways) == (Domain.NETWORK, 12)
    assert sorted(one.address for one in world.postman.taken) == ["anne@example.fr", "bruno@example.fr"]

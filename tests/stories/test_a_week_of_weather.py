"""Seeded weather over forty gateways: every confirmed loss has one incident, and all of it ends."""

import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from fleet.facts.states import Cause, GatewayState
from fleet.incidents.model import IncidentState
from fleet.incidents.rules import confirmed
from fleet.incidents.tables import incident_gateways, incidents
from fleet.tickets.model import Acknowledge, Arrive, Depart, TicketState
from tests.stories.world import HOUR, MINUTE, SECOND, World, new_world

VILLAGES = 20
CAUSES = (Cause.UNKNOWN, Cause.POWER, Cause.BACKHAUL, Cause.RADIO)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = new_world(tmp_path)
    made.people("Anne Martin", "Bruno Petit")
    for number in range(VILLAGES):
        box = {
            "power_feeder": f"F{number // 3}",
            "backhaul_operator": f"O{number % 3}",
            "epci": f"E{number // 5}",
        }
        made.commune(f"370{number:02d}", f"V{number}", f"g{number}a", f"g{number}b", **box)
    made.cycle()
    yield made
    made.database.close()


def hit(world: World, chance: random.Random) -> list[str]:
    """Return the gateways of something that happens: one, a feeder, an operator, or all of them."""
    euis = sorted(world.gateways)
    one = world.gateways[chance.choice(euis)]
    kind = chance.choice(("one", "one", "one", "feeder", "operator", "all"))
    if kind == "feeder":
        return [eui for eui in euis if world.gateways[eui].power_feeder == one.power_feeder]
    if kind == "operator":
        return [eui for eui in euis if world.gateways[eui].backhaul_operator == one.backhaul_operator]
    return euis if kind == "all" and chance.random() < 0.2 else [one.eui]


def happen(world: World, chance: random.Random) -> None:
    """Let one thing happen."""
    euis, dice = hit(world, chance), chance.random()
    if dice < 0.45:
        world.lose(*euis, cause=chance.choice(CAUSES))
    elif dice < 0.85:
        world.restore(*euis)
    elif dice < 0.9:
        world.set(euis, GatewayState.UNKNOWN)
    elif dice < 0.95:
        world.set(euis, GatewayState.MAINTENANCE)
    else:
        open_ = world.open()
        shown = chance.choice(open_).ticket if open_ else None
        if shown is not None:
            act = chance.choice((Acknowledge, Depart, Arrive))
            world.act(shown.ticket.id, act(who="Anne", via="page", at_us=world.clock.at_us))
    world.cycle()


def holds(world: World) -> None:
    """Check what must hold after every step."""
    with world.reading() as connection:
        rows = connection.execute(
            select(incident_gateways.c.eui)
            .join(incidents, incidents.c.id == incident_gateways.c.incident_id)
            .where(incidents.c.state == IncidentState.OPEN)
        ).scalars()
        owners = Counter(rows)
    lost = confirmed(world.network(), world.settings.silence_confirmed_us, world.clock.at_us)
    assert set(lost) <= owners.keys()
    assert max(owners.values(), default=0) <= 1
    for one in world.open():
        assert one.ticket is not None
        assert one.ticket.ticket.state not in (TicketState.CLOSED, TicketState.MERGED, TicketState.RESTORED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_a_day(world: World, seed: int) -> None:
    weather(world, random.Random(seed), events=7)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10, 20))
def test_a_week(world: World, seed: int) -> None:
    weather(world, random.Random(seed), events=60)


def weather(world: World, chance: random.Random, events: int) -> None:
    """Let things happen, then let the sun come out."""
    for _ in range(events):
        happen(world, chance)
        world.pass_time(chance.choice((20 * SECOND, 2 * MINUTE, 10 * MINUTE, 40 * MINUTE)))
        holds(world)
    world.restore(*world.gateways)
    world.cycle()
    world.pass_time(2 * HOUR, every_us=5 * MINUTE)
    assert world.open() == ()
    for incident in world.incidents():
        assert incident.ticket is not None or incident.state is IncidentState.MERGED
    told = Counter((one.address, one.subject) for one in world.postman.taken)
    assert told
    keys = [one.key for one in world.postman.taken]
    assert len(keys) == len(set(keys))

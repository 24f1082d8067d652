"""The same stories on PostgreSQL: tables, claims with SKIP LOCKED, upserts, two workers at once."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fleet.notify.model import Channel
from fleet.tickets.model import Acknowledge, TicketState
from tests.postgresql import postgresql
from tests.stories.world import MINUTE, World, new_world

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")]


@pytest.fixture(scope="module")
def server() -> Iterator[object]:
    with postgresql() as running:
        yield running


@pytest.fixture
def world(server: object, tmp_path: Path) -> Iterator[World]:
    name = f"story_{tmp_path.name.replace('-', '_')}"[:60].lower()
    server.psql(f"CREATE DATABASE {name};")  # type: ignore[attr-defined]
    made = new_world(tmp_path, url=server.get_uri(name))  # type: ignore[attr-defined]
    yield made
    made.database.close()


def test_from_silence_to_the_end(world: World) -> None:
    world.enable(Channel.GLPI)
    world.people("Anne Martin")
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.cycle()
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    assert world.mails() == ["CRITIQUE Azay-sur-Cher : plus de service depuis 02:13. Sur site avant 06:15."]
    world.act(1, Acknowledge(who="Anne", via="page", at_us=world.clock.at_us))
    world.restore("a1")
    world.pass_time(40 * MINUTE)
    assert world.ticket().state is TicketState.CLOSED
    assert len(world.mails()) == 2
    assert world.trail()[0] == "Report"


def test_two_workers_send_each_message_once(world: World) -> None:
    world.people(*(f"Technicien{number} X" for number in range(40)))
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.lose("a1")
    world.clock.at_us += 100_000_000
    for _ in range(2):
        with world.database.write() as connection:
            from fleet.response import cycle

            cycle.run(connection, world.network(), world.clock.at_us)
        world.clock.at_us += 20_000_000

    def work() -> None:
        worker = world.worker()
        while claimed := worker.claim():
            for message in claimed:
                worker.deliver(message)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    addresses = [one.address for one in world.postman.taken]
    assert len(addresses) == len(set(addresses)) == 40

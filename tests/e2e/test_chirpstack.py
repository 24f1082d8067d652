"""The agent, a real Mosquitto and a ChirpStack shaped as the real one: what is lost when one goes away."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.connectors.end_to_end.device import ANSWER_WAIT_US
from agent.wire import reasons
from agent.wire.configuration import EndToEndConfig
from agent.wire.messages import Radio
from tests.datapath.chirpstack import Device
from tests.datapath.chirpstack_world import KEY, TEST_ADDRESS, World, running

pytestmark = [pytest.mark.e2e, pytest.mark.anyio]
AWAY_S = 4.0


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_a_chirpstack_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.speak(1.0)
        await world.until(lambda: world.published == world.sent)
        await world.lns.stop()
        await world.speak(AWAY_S)
        assert not world.up
        assert world.path.snapshot().connectors[0].reason == reasons.lns.no_subscriber()
        await world.lns.start()
        await world.speak(1.0)
        await world.until(lambda: world.published == world.sent)
        world.nothing_is_lost()


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.speak(1.0)
        await world.until(lambda: world.published == world.sent)
        world.broker.kill()
        await world.speak(AWAY_S)
        world.broker.start()
        await world.speak(1.0)
        await world.until(lambda: world.published == world.sent)
        world.nothing_is_lost()


async def test_statistics_of_an_outage_reach_chirpstack_afterwards(tmp_path: Path) -> None:
    async with running(World(tmp_path)) as world:
        await world.lns.stop()
        await world.speak(1.0)
        await world.until(lambda: world.path.snapshot().counters.get("cs.no_subscriber"))
        await world.lns.start()
        await world.until(lambda: world.published == world.sent)

        def counted() -> int:
            return sum(stats.rx_packets_received_ok for stats in world.lns.statistics)

        await world.until(lambda: counted() == world.sent)
        by_frequency = [dict(stats.rx_packets_per_frequency) for stats in world.lns.statistics]
        assert sum(counts.get(868_100_000, 0) for counts in by_frequency) == world.sent


async def test_the_test_device_is_acknowledged_and_nothing_of_it_goes_on_air(tmp_path: Path) -> None:
    config = EndToEndConfig(dev_addr=f"{TEST_ADDRESS:08x}", network_key=KEY.hex(), period_s=60)
    world = World(tmp_path, end_to_end=config)
    world.lns.devices[TEST_ADDRESS] = Device(key=KEY)
    async with running(world):
        await world.until(lambda: world.path.snapshot().end_to_end)
        state = world.path.snapshot()
        assert state.end_to_end is not None
        assert state.end_to_end.code == "lns.processed"
        assert (state.received, state.delivered, state.transmitted, world.radio.sent) == (0, 0, 0, [])
        assert {note.name for note in world.journal.notes()} == {"end_to_end"}
        assert world.lns.devices[TEST_ADDRESS].published == [0]


async def test_the_test_device_speaks_while_the_radio_is_off(tmp_path: Path) -> None:
    config = EndToEndConfig(dev_addr=f"{TEST_ADDRESS:08x}", network_key=KEY.hex(), period_s=60)
    world = World(tmp_path, end_to_end=config)
    world.radio.eui = "0016c00100000bad"
    world.lns.devices[TEST_ADDRESS] = Device(key=KEY)
    async with running(world):
        await world.until(lambda: world.path.snapshot().end_to_end)
        assert world.path.snapshot().radio is Radio.OFF


async def test_where_it_decides_a_server_that_takes_frames_and_processes_none_is_down(tmp_path: Path) -> None:
    config = EndToEndConfig(dev_addr="00c0ffee", network_key=KEY.hex(), period_s=60, decides=True)
    world = World(tmp_path, end_to_end=config)
    world.lns.processes = False
    async with running(world):
        await world.until(lambda: world.path.snapshot().counters.get("end_to_end.sent"))
        prober = world.path._switchboard.prober
        prober.probing = replace(
            prober.probing, missed=1, sent_us=world.clock.monotonic_us() - ANSWER_WAIT_US
        )
        await world.until(lambda: not world.up)
        why = world.path.snapshot().connectors[0].reason
        assert why == reasons.lns.not_processed(missed_frames=2, period_s=60)

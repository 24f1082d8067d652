"""Two gateways and some sensors under one virtual clock: who hears whom, and twice the same."""

import threading
from dataclasses import replace

import pytest

from hal.packets import Lora
from hal.twin.air import Air, Fate, Heard, Uplink
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.propagation import PathLoss, Position
from hal.twin.rf_event import ReceptionVerdict
from tests.unit.hal.twin.bring_up import RawHost, started

NEAR_A, NEAR_B = Position(lat=47.40, lon=0.70), Position(lat=47.40, lon=1.10)
BETWEEN = Position(lat=47.40, lon=0.90)
UPLINK = Uplink(payload=b"compteur 1", modulation=Lora(sf=7), frequency_hz=868_100_000)
SECOND_US = 1_000_000


class World:
    """Two gateways 30 km apart; sensors by name; one clock."""

    def __init__(self, *, shadowing_db: float = 0.0) -> None:
        self.clock = VirtualClock()
        self.air = Air(path_loss=PathLoss(shadowing_db=shadowing_db, seed=7))
        self.heard: list[tuple[str, Heard]] = []
        self.chips = {name: VirtualChip(clock=self.clock, name=name) for name in ("a", "b")}
        self.hosts: dict[str, RawHost] = {name: started(chip) for name, chip in self.chips.items()}
        for name, position in (("a", NEAR_A), ("b", NEAR_B)):
            self.air.add_gateway(name, self.chips[name], position)

    def sensor(self, name: str, lat: float, lon: float) -> str:
        self.air.add_sensor(name, Position(lat=lat, lon=lon), lambda heard: self.heard.append((name, heard)))
        return name

    @property
    def now_us(self) -> int:
        return self.clock.ticks() // 32

    def speak(self, name: str, uplink: Uplink, *, after_us: int = 0) -> None:
        self.air.speak(name, uplink, began_us=self.now_us + after_us)

    def run(self, duration_us: int) -> None:
        self.clock.delay_ns(duration_us * 1000)
        self.air.advance(self.now_us)
        self.clock.delay_ns(50_000_000)
        self.air.advance(self.now_us)

    def fifos(self) -> dict[str, int]:
        return {name: host.fetch().count(b"\xa5\xc0") for name, host in self.hosts.items()}


@pytest.fixture
def world() -> World:
    return World()


def test_the_near_gateway_hears_and_the_far_one_does_not(world: World) -> None:
    world.speak(world.sensor("s", 47.41, 0.71), UPLINK)
    world.run(SECOND_US)
    assert world.fifos() == {"a": 1, "b": 0}
    assert world.air.fates == {Fate.DELIVERED: 1, Fate.TOO_WEAK_OR_COLLIDED: 1}


def test_a_slow_frame_from_the_middle_reaches_both(world: World) -> None:
    sensor = world.sensor("s", BETWEEN.lat, BETWEEN.lon)
    world.speak(sensor, replace(UPLINK, power_dbm=27, modulation=Lora(sf=12)))
    assert world.air.next_at_us() is not None
    world.run(3 * SECOND_US)
    assert world.fifos() == {"a": 1, "b": 1}
    assert world.air.next_at_us() is None


def test_nothing_is_decided_before_the_end(world: World) -> None:
    world.speak(world.sensor("s", 47.41, 0.71), UPLINK)
    world.air.advance(world.now_us)
    assert world.fifos() == {"a": 0, "b": 0}


def test_equal_frames_at_once_destroy_each_other(world: World) -> None:
    for name, lon in (("east", 0.71), ("west", 0.69)):
        world.speak(world.sensor(name, 47.40, lon), UPLINK)
    world.run(SECOND_US)
    assert world.fifos()["a"] == 0


def test_the_much_stronger_one_is_captured(world: World) -> None:
    world.speak(world.sensor("near", 47.401, 0.70), replace(UPLINK, payload=b"fort"))
    world.speak(world.sensor("far", 47.43, 0.70), replace(UPLINK, payload=b"faible"))
    world.run(SECOND_US)
    frames = world.hosts["a"].fetch()
    assert b"fort" in frames
    assert b"faible" not in frames


@pytest.mark.parametrize(
    ("other", "after_us"),
    [
        (replace(UPLINK, frequency_hz=868_300_000), 0),
        (replace(UPLINK, modulation=Lora(sf=9)), 0),
        (UPLINK, SECOND_US),
    ],
)
def test_other_channels_spreading_factors_and_times_do_not_disturb(
    world: World, other: Uplink, after_us: int
) -> None:
    world.speak(world.sensor("east", 47.40, 0.71), UPLINK)
    world.speak(world.sensor("west", 47.40, 0.69), other, after_us=after_us)
    world.run(3 * SECOND_US)
    assert world.fifos()["a"] == 2


def test_a_sensor_hears_the_answer_of_its_gateway(world: World) -> None:
    world.sensor("s", 47.41, 0.71)
    world.hosts["a"].prepare_lora(b"bien recu")
    world.hosts["a"].trigger()
    world.run(SECOND_US)
    ((name, heard),) = world.heard
    assert (name, heard.emission.payload, heard.emission.name) == ("s", b"bien recu", "a")
    assert heard.snr_db > 0


def test_a_sensor_that_speaks_does_not_listen(world: World) -> None:
    sensor = world.sensor("s", 47.41, 0.71)
    world.speak(sensor, replace(UPLINK, modulation=Lora(sf=10)))
    world.hosts["a"].prepare_lora(b"trop tot")
    world.hosts["a"].trigger()
    world.run(SECOND_US)
    assert world.heard == []
    assert world.air.fates[Fate.RECEIVER_SENT] == 2, (
        "the sensor missed the gateway and the gateway the sensor"
    )


def test_a_gateway_that_sends_does_not_hear(world: World) -> None:
    world.hosts["a"].prepare_lora(b"je parle")
    world.hosts["a"].trigger()
    world.speak(world.sensor("s", 47.41, 0.71), UPLINK, after_us=5000)
    world.run(SECOND_US)
    assert world.fifos()["a"] == 0
    assert world.chips["a"].verdicts[ReceptionVerdict.HALF_DUPLEX] == 1


def test_two_gateways_at_once_collide_at_a_sensor_between_them(world: World) -> None:
    world.sensor("middle", BETWEEN.lat, BETWEEN.lon)
    for name in ("a", "b"):
        world.hosts[name].prepare_lora(b"moi", sf=12)
        world.hosts[name].write(0x520D, 0x4E)
        world.hosts[name].trigger()
    world.run(4 * SECOND_US)
    assert world.heard == []


def test_gateways_overhear_what_is_not_inverted() -> None:
    world = World()
    near = VirtualChip(clock=world.clock, name="c")
    host = started(near)
    world.air.add_gateway("c", near, Position(lat=47.41, lon=0.70))
    for inverted in (True, False):
        world.hosts["a"].prepare_lora(b"essai", frequency_hz=868_100_000)
        world.hosts["a"].write(0x5269, 0x66 if inverted else 0x64)
        world.hosts["a"].trigger()
        world.run(SECOND_US)
    assert host.fetch().count(b"essai") == 1


def test_an_sx1261_hears_the_air(world: World) -> None:
    ear = world.chips["a"].sx1261
    assert ear.noise_dbm(868_100_000) == pytest.approx(-117, abs=0.1)
    world.speak(world.sensor("s", 47.41, 0.71), replace(UPLINK, modulation=Lora(sf=12)))
    world.clock.delay_ns(10_000_000)
    assert ear.noise_dbm(868_100_000) == pytest.approx(-116, abs=8)
    assert ear.noise_dbm(868_100_000) > -117
    assert ear.noise_dbm(869_525_000) == pytest.approx(-117, abs=0.1)
    world.run(3 * SECOND_US)
    assert ear.noise_dbm(868_100_000) == pytest.approx(-117, abs=0.1)


def test_a_neighbours_emission_blocks_a_polite_gateway() -> None:
    world = World()
    polite = VirtualChip(clock=world.clock, name="c")
    host = started(polite, lbt=1)
    world.air.add_gateway("c", polite, Position(lat=47.401, lon=0.701))
    polite.sx1261.patched = True
    polite.transfer_sx1261(bytes((0x86, *(869_525_000 * (1 << 25) // 32_000_000).to_bytes(4, "big"))))
    polite.transfer_sx1261(bytes.fromhex("9a0b0018c801"))
    for expected in (0x01, 0x41):
        host.prepare_lora(b"puis-je")
        host.trigger()
        assert host.read(0x5781) == bytes((expected,))
        host.write(0x578C, 0xFF)
        world.run(SECOND_US)
        world.hosts["a"].prepare_lora(b"je parle longtemps", sf=12)
        world.hosts["a"].trigger()
        world.clock.delay_ns(100_000_000)


def test_an_aborted_emission_reaches_nobody(world: World) -> None:
    world.sensor("s", 47.41, 0.71)
    world.hosts["a"].prepare_lora(b"coupe")
    world.hosts["a"].trigger()
    world.clock.delay_ns(30_000_000)
    world.hosts["a"].write(0x5200, 0)
    world.run(SECOND_US)
    assert world.heard == []


def test_drivers_sensors_and_time_may_come_from_any_thread(world: World) -> None:
    for index in range(5):
        world.sensor(f"s{index}", 47.40 + index / 100, 0.70)

    def drive(host: RawHost, chain: int) -> None:
        for _ in range(40):
            host.prepare_lora(b"fil", chain=chain)
            host.trigger(chain=chain)
            host.fetch()
            world.clock.delay_ns(1_000_000)

    threads = [
        threading.Thread(target=drive, args=(host, chain))
        for host in world.hosts.values()
        for chain in (0, 1)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        world.speak("s1", UPLINK)
        world.air.level_dbm("a", 868_100_000)
        world.air.advance(world.now_us)
    world.run(5 * SECOND_US)
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert world.air.next_at_us() is None


def test_a_run_is_reproducible_to_the_byte() -> None:
    runs = []
    for _ in range(2):
        world = World(shadowing_db=7.8)
        for index in range(30):
            sensor = world.sensor(f"s{index}", 47.35 + index * 0.004, 0.65 + index * 0.01)
            world.speak(sensor, replace(UPLINK, payload=bytes((index,))), after_us=index * 40_000)
        world.run(3 * SECOND_US)
        runs.append([host.fetch() for host in world.hosts.values()])
    assert runs[0] == runs[1]
    assert len(runs[0][0]) == 4 * 24

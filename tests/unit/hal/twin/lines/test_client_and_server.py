"""The socket's two ends: one contract for in-process and socket buses, deadlines, lost lines, many chips."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.errors import LineFailed
from hal.ports import Bus, I2c
from hal.twin.chip import VirtualChip
from hal.twin.clock import RealClock, VirtualClock
from hal.twin.images import synthetic_agc, synthetic_arb
from hal.twin.lines.client import SocketBus
from hal.twin.lines.local import ChipClock, LocalBus
from hal.twin.lines.server import TwinServer
from hal.twin.rf_event import ReceptionVerdict
from tests.unit.hal.twin.bring_up import RawHost
from tests.unit.hal.twin.test_receive import EVENT

READ_VERSION = bytes((0, 0x56, 0x06, 0, 0))


@pytest.fixture
def chip() -> VirtualChip:
    return VirtualChip(clock=VirtualClock())


@pytest.fixture
def server(chip: VirtualChip, tmp_path: Path) -> Iterator[TwinServer]:
    with TwinServer(chip, tmp_path / "chip") as server:
        yield server


@pytest.fixture(params=["local", "socket"])
def bus(request: pytest.FixtureRequest, chip: VirtualChip, tmp_path: Path) -> Iterator[LocalBus | SocketBus]:
    if request.param == "local":
        yield LocalBus(chip)
        return
    with TwinServer(chip, tmp_path / "chip") as server:
        link = SocketBus(server.path)
        yield link
        link.close()


def test_a_reset_script_reaches_a_chip_that_a_program_holds(server: TwinServer, chip: VirtualChip) -> None:
    program, script = SocketBus(server.path), SocketBus(server.path)
    assert program.transfer(READ_VERSION)[4] == 0x10
    resets = chip.resets
    script.reset(0)
    script.close()
    while chip.resets == resets:
        assert program.transfer(READ_VERSION)[4] == 0x10
    assert chip.resets == resets + 1


def test_whoever_comes_second_has_the_bus_when_the_first_leaves(server: TwinServer) -> None:
    first, second = SocketBus(server.path), SocketBus(server.path, deadline_s=30.0)
    assert first.transfer(READ_VERSION)[4] == 0x10
    answers: list[bytes] = []
    waiting = threading.Thread(target=lambda: answers.append(second.transfer(READ_VERSION)))
    waiting.start()
    assert first.transfer(READ_VERSION)[4] == 0x10
    assert answers == [], "the first still has it"
    first.close()
    waiting.join(60)
    assert [answer[4] for answer in answers] == [0x10]


class TestOneContractForBothBuses:
    def test_they_are_the_ports(self, bus: LocalBus | SocketBus) -> None:
        assert isinstance(bus, Bus)
        assert isinstance(bus.sx1261, Bus)
        i2c: I2c = bus
        assert i2c.write(0x39, b"\xfe")

    def test_registers_radios_and_sx1261(self, bus: LocalBus | SocketBus, chip: VirtualChip) -> None:
        assert bus.transfer(READ_VERSION) == bytes((0, 0, 0, 0, 0x10))
        assert bus.sx1261.transfer(b"\xc0\x00") == b"\x22\x22"
        assert bus.write(0x39, b"\xfe")
        assert bus.read(0x39, 1) == b"\x53"
        assert not bus.write(0x40, b"\xfe")
        assert bus.read(0x40, 1) is None

    def test_time_reset_and_injection(self, bus: LocalBus | SocketBus, chip: VirtualChip) -> None:
        host = RawHost(bus.transfer)
        bus.mark("start")
        bus.delay_ns(1_000_000_000)
        assert host.counter() > 32_000_000
        bus.inject(b"abc")
        assert host.fetch() == b"abc"
        bus.inject(b"abc")
        bus.reset(0)
        bus.reset(1)
        assert host.read(0x58C8, 2) == b"\0\0"
        assert host.counter() < 32_000

    def test_a_whole_start(self, bus: LocalBus | SocketBus, chip: VirtualChip) -> None:
        RawHost(bus.transfer).start(synthetic_agc(), synthetic_arb())
        assert chip.inject(EVENT) is ReceptionVerdict.HEARD
        assert list(chip.complaints) == []

    def test_the_largest_burst(self, bus: LocalBus | SocketBus) -> None:
        assert len(bus.transfer(bytes((0, 0x58, 0x00)) + bytes(4096))) == 4099


class TestTheLine:
    def test_nobody_serves(self, tmp_path: Path) -> None:
        with pytest.raises(LineFailed, match="no virtual chip answers"):
            SocketBus(tmp_path / "nobody")

    def test_the_server_goes_away(self, server: TwinServer) -> None:
        bus = SocketBus(server.path)
        assert bus.transfer(READ_VERSION)[4] == 0x10
        server.close()
        with pytest.raises(LineFailed, match="gone"):
            bus.transfer(READ_VERSION)
        with pytest.raises(LineFailed, match="closed"):
            bus.transfer(READ_VERSION)

    def test_a_cut_connection_can_be_opened_again(self, server: TwinServer) -> None:
        bus = SocketBus(server.path)
        bus.transfer(READ_VERSION)
        server.disconnect()
        with pytest.raises(LineFailed):
            bus.transfer(READ_VERSION)
        assert SocketBus(server.path).transfer(READ_VERSION)[4] == 0x10
        assert server.connections == 2

    def test_a_chip_that_never_answers_has_a_deadline(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as silent:
            silent.bind(str(tmp_path / "silent"))
            silent.listen()
            bus = SocketBus(tmp_path / "silent", deadline_s=0.02)
            with pytest.raises(LineFailed, match="in time"):
                bus.transfer(READ_VERSION)

    def test_a_wrong_length_is_not_believed(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as liar:
            liar.bind(str(tmp_path / "liar"))
            liar.listen()
            bus = SocketBus(tmp_path / "liar")
            end, _ = liar.accept()
            end.sendall(b"\x09\0\0\0" + bytes(9))
            with pytest.raises(LineFailed, match="9 came"):
                bus.transfer(READ_VERSION)
            end.close()


class TestTheServer:
    def test_the_chip_keeps_its_state_between_programs(self, server: TwinServer, chip: VirtualChip) -> None:
        first = SocketBus(server.path)
        first.transfer(bytes((0, 0xD6, 0x43, 0x5A)))
        first.close()
        assert SocketBus(server.path).transfer(bytes((0, 0x56, 0x43, 0, 0)))[4] == 0x5A

    def test_or_is_reset_on_request(self, chip: VirtualChip, tmp_path: Path) -> None:
        with TwinServer(chip, tmp_path / "chip", reset_on_close=True) as server:
            first = SocketBus(server.path)
            first.transfer(bytes((0, 0xD6, 0x43, 0x5A)))
            first.close()
            assert SocketBus(server.path).transfer(bytes((0, 0x56, 0x43, 0, 0)))[4] == 0

    def test_a_stale_socket_is_replaced_but_a_live_one_is_not(
        self, server: TwinServer, tmp_path: Path
    ) -> None:
        with pytest.raises(OSError, match="in use"):
            TwinServer(VirtualChip(), server.path).start()
        assert SocketBus(server.path).transfer(READ_VERSION)[4] == 0x10
        dead = socket.socket(socket.AF_UNIX)
        dead.bind(str(tmp_path / "stale"))
        dead.close()
        with TwinServer(VirtualChip(), tmp_path / "stale") as second:
            assert SocketBus(second.path).transfer(READ_VERSION)[4] == 0x10
        assert not (tmp_path / "stale").exists()

    def test_a_file_in_its_place_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "notes").write_text("important")
        with pytest.raises(OSError, match="in use"):
            TwinServer(VirtualChip(), tmp_path / "notes").start()
        assert (tmp_path / "notes").read_text() == "important"

    @pytest.mark.parametrize("cut", [b"S\0\x05\0\0\0\x00\x56", b"S\0", b"I\x39\x02\0\0\0\x01"])
    def test_a_short_stream_is_counted(self, server: TwinServer, cut: bytes) -> None:
        with socket.socket(socket.AF_UNIX) as end:
            end.connect(str(server.path))
            end.sendall(cut)
            end.shutdown(socket.SHUT_WR)
            assert end.recv(1) == b""
        assert SocketBus(server.path).transfer(READ_VERSION)[4] == 0x10
        assert server.refused_frames == 1

    def test_many_chips_in_one_process(self, tmp_path: Path) -> None:
        chips = [VirtualChip(eui=f"{index:016x}", clock=VirtualClock()) for index in range(20)]
        servers = [TwinServer(chip, tmp_path / str(index)) for index, chip in enumerate(chips)]
        for server in servers:
            server.start()
        threads_at_work = threading.active_count()
        try:
            for index, server in enumerate(servers):
                bus = SocketBus(server.path)
                bus.transfer(bytes((0, 0xE1, 0x80, 7)))
                assert bus.transfer(bytes((0, 0x61, 0x81, 0, 0)))[4] == index
                bus.close()
        finally:
            for server in servers:
                server.close()
        assert threads_at_work - threading.active_count() == 20

    def test_injection_and_bus_may_race(self, server: TwinServer, chip: VirtualChip) -> None:
        bus = SocketBus(server.path)
        host = RawHost(bus.transfer)
        host.start(synthetic_agc(), synthetic_arb())
        done = threading.Event()

        def speak() -> None:
            for _ in range(300):
                while chip.inject(EVENT) is ReceptionVerdict.FIFO_FULL:
                    pass
            done.set()

        speaker = threading.Thread(target=speak)
        speaker.start()
        received = b""
        while not done.is_set() or chip.fifo_free_bytes < 4096:
            received += host.fetch()
        speaker.join()
        assert received.count(b"\xa5\xc0\x07\x00\x73") == 300
        assert len(received) == 300 * 30


def test_a_run_in_virtual_time_is_reproducible_to_the_byte(tmp_path: Path) -> None:
    runs = []
    for index in range(2):
        chip = VirtualChip(clock=VirtualClock())
        with TwinServer(chip, tmp_path / str(index)) as server:
            bus = SocketBus(server.path)
            tape: list[bytes] = []

            def record(mosi: bytes, bus: SocketBus = bus, tape: list[bytes] = tape) -> bytes:
                tape.append(bus.transfer(mosi))
                return tape[-1]

            host = RawHost(record)
            host.start(synthetic_agc(), synthetic_arb())
            chip.inject(EVENT)
            bus.delay_ns(123_456_789)
            host.fetch()
            host.counter()
            bus.close()
        runs.append(tape)
    assert runs[0] == runs[1]


def test_real_time_moves_by_itself_and_maps_to_the_host() -> None:
    now_ns = 5_000_000_000
    clock = RealClock(crystal_ppm=10, monotonic_ns=lambda: now_ns)
    chip = VirtualChip(clock=clock)
    assert chip.now_ticks() == 0
    now_ns += 10_000_000_000
    assert chip.now_ticks() == 320_003_200
    assert chip.clock.host_us(chip.now_ticks()) == pytest.approx(15_000_000, abs=1)
    assert chip.clock.ticks_at(15_000_000) == chip.now_ticks()
    chip.reset()
    assert chip.now_ticks() == 0
    assert chip.clock.host_us(0) == pytest.approx(15_000_000, abs=1)
    chip.delay_ns(10**9)
    assert chip.now_ticks() == 0, "in real time a program sleeps by itself"


def test_the_chips_clock_serves_a_driver(chip: VirtualChip) -> None:
    clock = ChipClock(chip)
    before = clock.monotonic_us()
    clock.sleep(0.25)
    assert clock.monotonic_us() - before == 250_000
    assert clock.slept_ns == 250_000_000

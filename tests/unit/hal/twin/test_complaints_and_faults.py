"""What silicon would not forgive is named; what breaks on a mast can be switched on."""

import logging

import pytest

from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.complaints import COMPLAINTS_KEPT, ComplaintBook, Fault
from hal.twin.faults import Mcu
from hal.twin.images import synthetic_agc, synthetic_arb
from hal.twin.rf_event import ReceptionVerdict
from tests.unit.hal.twin.bring_up import RawHost, started
from tests.unit.hal.twin.test_receive import EVENT


@pytest.fixture
def chip() -> VirtualChip:
    return VirtualChip(clock=VirtualClock())


def faults(chip: VirtualChip) -> list[Fault]:
    return [complaint.fault for complaint in chip.complaints]


def raw(chip: VirtualChip, *frame: int) -> bytes:
    return chip.transfer(bytes(frame))


MISTAKES = [
    (Fault.RAM_WITHOUT_HOST_PROG, (0, 0x80, 0x00, 0xAA)),
    (Fault.RAM_READ_WITHOUT_HOST_PROG, (0, 0x00, 0x00, 0, 0)),
    (Fault.TX_BUFFER_WITHOUT_WRITE_BUFFER, (0, 0xD3, 0x00, 0xAA)),
    (Fault.RADIO_NOT_POWERED, (1, 0xC0, 0x00)),
    (Fault.WRITE_TO_READ_ONLY, (0, 0xD6, 0x06, 0x00)),
    (Fault.WRITE_TO_NOTHING, (0, 0xFF, 0x00, 0x00)),
    (Fault.FIFO_READ_EMPTY, (0, 0x40, 0x00, 0, 0)),
    (Fault.MUX_UNKNOWN, (7, 0x00, 0x00, 0, 0)),
    (Fault.SHORT_TRANSACTION, (0, 0x56)),
    (Fault.SHORT_TRANSACTION, (0, 0x56, 0x06, 0)),
    (Fault.SHORT_TRANSACTION, (0, 0xD6, 0x06)),
    (Fault.SHORT_TRANSACTION, (1,)),
    (Fault.MCU_WITHOUT_PROGRAM, (0, 0xD7, 0x80, 0x10)),
    (Fault.TRIGGER_BEFORE_START, (0, 0xD2, 0x00, 0x01)),
]


@pytest.mark.parametrize(("fault", "frame"), MISTAKES)
def test_a_mistake_on_the_bus_is_named(chip: VirtualChip, fault: Fault, frame: tuple[int, ...]) -> None:
    assert len(raw(chip, *frame)) == len(frame)
    assert fault in faults(chip)


def test_refused_writes_leave_no_trace(chip: VirtualChip) -> None:
    before = chip.registers()
    for _, frame in MISTAKES[:3] + MISTAKES[4:5]:
        raw(chip, *frame)
    assert chip.registers() == before


def test_empty_transactions_are_survived(chip: VirtualChip) -> None:
    assert chip.transfer(b"") == b""
    assert chip.transfer_sx1261(b"") == b""


class TestPrograms:
    def test_odd_parity_stops_the_start_and_shows_its_bit(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        spoiled = bytearray(synthetic_agc())
        spoiled[5000] ^= 0x01
        host.load(0x5780, 0, bytes(spoiled), idle=0x10)
        assert host.read(0x5780)[0] & 1
        assert host.read(0x5781) == b"\0"
        assert Fault.MCU_PARITY in faults(chip)

    def test_an_unknown_program_of_sound_parity_runs_under_protest(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        host.load(0x5780, 0, bytes(8192), idle=0x10)
        assert (host.read(0x5781), host.read(0x5790)) == (b"\x01", b"\x0a")
        assert faults(chip) == [Fault.MCU_UNKNOWN_PROGRAM]

    def test_the_other_mcus_program_is_recognised_as_such(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        host.load(0x5780, 0, synthetic_arb(), idle=0x10)
        (complaint,) = chip.complaints
        assert "synthetic_arb" in complaint.detail

    def test_program_memory_has_pages_and_an_end(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        host.write(0x5780, 0x16)
        host.write(0x5600, 1)
        host.burst(0, b"\0\0")
        host.write(0x5600, 0)
        host.burst(0x1FFF, b"\x01\x02")
        assert faults(chip) == [Fault.RAM_ON_WRONG_PAGE, Fault.RAM_OVERRUN]
        assert host.read(0x1FFF) == b"\x01"

    def test_the_handshake_has_an_order(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        host.load(0x5780, 0, synthetic_agc(), idle=0x10)
        host.write(0x5789, 0x20)
        assert host.read(0x5781) == b"\x01"
        assert faults(chip) == [Fault.HANDSHAKE_OUT_OF_ORDER]

    def test_releasing_clear_in_host_prog_starts_nothing(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        host.write(0x5780, 0x16)
        host.write(0x5780, 0x12)
        assert faults(chip) == [Fault.MCU_STARTED_WHILE_PROGRAMMED]


def test_the_radios_belong_to_the_agc_after_the_start(chip: VirtualChip) -> None:
    host = started(chip)
    assert faults(chip) == []
    host.radio(0, 0xC0, 0)
    assert faults(chip) == [Fault.RADIO_OWNED_BY_MCU]


class TestFaultsOnRequest:
    def test_a_stuck_agc_is_deaf_on_a_healthy_bus(self, chip: VirtualChip) -> None:
        host = started(chip)
        chip.faults.agc_stuck = True
        assert host.read(0x5781) == b"\x14"
        assert host.read(0x5780)[0] & 1 == host.read(0x6080)[0] & 1 == 1
        assert host.read(0x5606) == b"\x10"
        assert chip.inject(EVENT) is ReceptionVerdict.NOT_RUNNING
        chip.faults.agc_stuck = False
        assert chip.inject(EVENT) is ReceptionVerdict.HEARD

    def test_a_deaf_receiver_looks_well(self, chip: VirtualChip) -> None:
        host = started(chip)
        chip.faults.deaf = True
        assert chip.inject(EVENT) is ReceptionVerdict.DEAF
        assert host.read(0x5781) == b"\x00"

    @pytest.mark.parametrize(
        ("mcu", "control", "status"), [(Mcu.AGC, 0x5780, 0x5781), (Mcu.ARB, 0x6080, 0x6081)]
    )
    def test_an_mcu_that_never_answers(self, chip: VirtualChip, mcu: Mcu, control: int, status: int) -> None:
        chip.faults.silent_mcus.add(mcu)
        host = RawHost(chip.transfer)
        start, image = (0, synthetic_agc()) if mcu is Mcu.AGC else (0x2000, synthetic_arb())
        host.load(control, start, image, idle=0x10)
        assert host.read(status) == b"\0"

    @pytest.mark.parametrize("level", [0x00, 0xFF])
    def test_a_dead_bus(self, chip: VirtualChip, level: int) -> None:
        chip.faults.dead_bus = level
        assert raw(chip, 0, 0x56, 0x06, 0, 0) == bytes((level,)) * 5
        assert chip.transfer_sx1261(b"\xc0\x00") == bytes((level,)) * 2
        raw(chip, 0, 0xD6, 0x43, 0x01)
        chip.faults.dead_bus = None
        assert raw(chip, 0, 0x56, 0x43, 0, 0)[4] == 0

    def test_bit_errors_are_reproducible_and_of_the_asked_rate(self, chip: VirtualChip) -> None:
        chip.faults.spi_bit_error_every_bytes = 50
        answers = [raw(chip, 0, 0x58, 0x00, *bytes(97)) for _ in range(50)]
        wrong = sum(a != b for answer in answers for a, b in zip(answer, answers[0], strict=True))
        assert sum(byte != 0 for answer in answers for byte in answer[:4]) + wrong > 100
        other = VirtualChip(clock=VirtualClock())
        other.faults.spi_bit_error_every_bytes = 50
        assert [raw(other, 0, 0x58, 0x00, *bytes(97)) for _ in range(50)] == answers

    def test_the_sx1261s_line_has_them_too(self, chip: VirtualChip) -> None:
        chip.faults.spi_bit_error_every_bytes = 2
        answers = {chip.transfer_sx1261(bytes.fromhex("c000")) for _ in range(50)}
        assert len(answers) > 10

    def test_a_torn_counter_read_is_torn_once(self, chip: VirtualChip) -> None:
        host = started(chip)
        chip.faults.torn_counter_reads = 1
        torn, whole = (int.from_bytes(host.read(0x6105, 4), "big") for _ in range(2))
        assert torn - whole > 0x00F00000
        assert chip.faults.torn_counter_reads == 0

    def test_a_torn_count_is_too_small_once(self, chip: VirtualChip) -> None:
        chip.inject_fifo(bytes(0x123))
        host = RawHost(chip.transfer)
        chip.faults.torn_fifo_counts = 1
        assert [host.read(0x58C8, 2).hex() for _ in range(2)] == ["0023", "0123"]

    def test_bad_checksums_are_rationed(self, chip: VirtualChip) -> None:
        host = started(chip)
        chip.faults.bad_checksums = 1
        chip.inject(EVENT)
        chip.inject(EVENT)
        frames = host.fetch()
        first, second = frames[:30], frames[30:]
        assert first[-1] != sum(first[:-1]) & 0xFF
        assert second[-1] == sum(second[:-1]) & 0xFF

    def test_a_counter_slip(self, chip: VirtualChip) -> None:
        host = RawHost(chip.transfer)
        before = host.counter()
        chip.slip_counter(3_200_000)
        assert 3_200_000 < host.counter() - before < 3_210_000

    def test_a_lost_pps_keeps_the_last_latch(self, chip: VirtualChip) -> None:
        host = started(chip)
        chip.delay_ns(5_000_000_000)
        chip.faults.pps_missing = True
        latch = host.read(0x6101, 4)
        chip.delay_ns(5_000_000_000)
        assert host.read(0x6101, 4) == latch
        chip.faults.pps_missing = False
        assert host.read(0x6101, 4) != latch

    def test_a_missing_sensor_does_not_acknowledge(self, chip: VirtualChip) -> None:
        assert chip.i2c_write(0x39, b"\xfe")
        assert chip.i2c_read(0x39, 1) == b"\x53"
        chip.faults.missing_sensor = True
        assert not chip.i2c_write(0x39, b"\xfe")
        assert chip.i2c_read(0x39, 1) is None

    def test_a_failed_image_calibration(self, chip: VirtualChip) -> None:
        chip.faults.radio_calibration_fails.add(1)
        host = RawHost(chip.transfer)
        for radio, expected in ((0, "240000"), (1, "240010")):
            host.write(0x5783 + radio, 0x0C)
            host.radio(radio, 0x98, 0xD7, 0xDB)
            assert host.radio(radio, 0x17, 0, 0, 0).hex() == expected


class TestTheBookOfComplaints:
    def test_it_forgets_the_oldest_but_never_the_count(self) -> None:
        book = ComplaintBook(lambda: 7)
        for index in range(COMPLAINTS_KEPT + 5):
            book.add(Fault.MUX_UNKNOWN, str(index))
        assert len(book) == COMPLAINTS_KEPT
        assert next(iter(book)).detail == "5"
        assert book.counts[Fault.MUX_UNKNOWN] == COMPLAINTS_KEPT + 5
        book.clear()
        assert (len(book), book.counts[Fault.MUX_UNKNOWN]) == (0, 0)

    def test_the_log_is_not_flooded(self, caplog: pytest.LogCaptureFixture) -> None:
        book = ComplaintBook(lambda: 7, name="mast")
        with caplog.at_level(logging.WARNING, "hal.twin"):
            for _ in range(500):
                book.add(Fault.TRIGGER_LATE, "late")
        assert [record.getMessage()[-9:] for record in caplog.records] == [
            " (seen 1)",
            "(seen 10)",
            "seen 100)",
        ]

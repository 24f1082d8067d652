"""Our driver and the twin, written apart from the same facts, must agree: on SPI, on USB, in fine time."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from hal import thermometer
from hal.board_files import choose
from hal.errors import HalError, LineFailed
from hal.open import open_concentrator, synthetic_images
from hal.packets import Crc, Fsk, Lora, Transmission, TxState, TxTrigger
from hal.settings import FineTimestampMode
from hal.sx1302.driver import Sx1302
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.emission import Emission
from hal.twin.facts import MODEL_SX1303
from hal.twin.faults import Mcu
from hal.twin.lines.local import ChipClock, LocalBus
from hal.twin.lines.pseudo_terminal import PseudoTerminal
from hal.twin.lines.usb_mcu import UsbMcu
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.usb.bridge import UsbBridge
from hal.wiring import Wiring

EVENT = RfEvent(
    payload=bytes(range(20)), modulation=Lora(sf=9), frequency_hz=868_100_000, rssi_dbm=-101, snr_db=-3.25
)


class SerialLine:
    """A serial line without a terminal: straight into the microcontroller."""

    def __init__(self, mcu: UsbMcu) -> None:
        self._mcu = mcu
        self._answers = b""

    def flush_input(self) -> None:
        self._answers = b""

    def write(self, data: bytes) -> None:
        self._answers += self._mcu.feed(data)

    def read(self, count: int) -> bytes:
        taken, self._answers = self._answers[:count], self._answers[count:]
        return taken

    def close(self) -> None:
        self._answers = b""


def over_spi(chip: VirtualChip) -> Wiring:
    bus = LocalBus(chip)
    find = partial(thermometer.find, bus)
    return Wiring(bus=bus, clock=ChipClock(chip), sx1261=bus.sx1261, find_thermometer=find)


def over_usb(chip: VirtualChip) -> Wiring:
    bridge = UsbBridge(SerialLine(UsbMcu(chip)))
    return Wiring(bus=bridge, clock=ChipClock(chip), sx1261=bridge.sx1261, reset=bridge.reset)


def driver(wiring: Wiring, *, fine: bool = False) -> Sx1302:
    settings = choose("rak2287", plan="EU868", public=True).settings
    mode = FineTimestampMode.ALL_SF if fine else None
    return Sx1302(wiring, replace(settings, fine_timestamp=mode), synthetic_images())


@pytest.fixture
def emissions() -> list[Emission]:
    return []


@pytest.fixture
def chip(emissions: list[Emission]) -> VirtualChip:
    return VirtualChip(clock=VirtualClock(), on_emission=emissions.append)


@pytest.mark.parametrize("wired", [over_spi, over_usb])
def test_a_frame_there_and_a_frame_back(
    chip: VirtualChip, emissions: list[Emission], wired: Callable[[VirtualChip], Wiring]
) -> None:
    radio = driver(wired(chip))
    radio.start()
    chip.delay_ns(200_000_000)
    ends = chip.now_ticks()
    assert (
        chip.inject(replace(EVENT, ends_at_ticks=ends, frequency_error_hz=-1500)) is ReceptionVerdict.PENDING
    )
    chip.delay_ns(100_000_000)
    (frame,) = radio.receive()
    assert frame.payload == EVENT.payload
    assert frame.modulation == EVENT.modulation
    assert (frame.frequency_hz, frame.crc) == (868_100_000, Crc.OK)
    assert frame.frequency_offset_hz == pytest.approx(1500, abs=2), "the gateway minus the sender"
    assert frame.counter_us == ends // 32
    assert frame.snr_db == -3.25
    at_us = radio.counter_us() + 300_000
    radio.transmit(
        Transmission(
            payload=b"salut",
            modulation=Lora(sf=9),
            frequency_hz=869_525_000,
            power_dbm=27,
            trigger=TxTrigger.TIMESTAMPED,
            at_us=at_us,
        )
    )
    assert radio.tx_state(0) is TxState.SCHEDULED
    chip.delay_ns(1_000_000_000)
    assert radio.tx_state(0) is TxState.FREE
    (sent,) = emissions
    assert (sent.payload, sent.started_at_ticks // 32, sent.pa_enabled) == (b"salut", at_us, True)
    radio.stop()
    assert list(chip.complaints) == []


@pytest.mark.parametrize("sf", range(7, 13))
@pytest.mark.parametrize("size", [0, 1, 12, 51, 222])
def test_the_end_of_every_frame_is_known_to_the_microsecond(chip: VirtualChip, sf: int, size: int) -> None:
    radio = STARTED
    event = replace(
        EVENT, payload=bytes(size), modulation=Lora(sf=sf), ends_at_ticks=STARTED_CHIP.now_ticks()
    )
    STARTED_CHIP.inject(event)
    STARTED_CHIP.delay_ns(12_000_000_000)
    (frame,) = radio.receive()
    assert abs(frame.counter_us - (event.ends_at_ticks or 0) // 32) <= 1


def test_the_service_channel_and_fsk() -> None:
    for modulation, frequency_hz in ((Lora(sf=7, bandwidth_hz=250_000), 868_300_000), (Fsk(), 868_800_000)):
        event = replace(EVENT, modulation=modulation, frequency_hz=frequency_hz, rssi_dbm=-80)
        assert STARTED_CHIP.inject(event) is ReceptionVerdict.HEARD, modulation
        (frame,) = STARTED.receive()
        assert frame.payload == EVENT.payload
        assert frame.rssi_channel_dbm == pytest.approx(-80, abs=1)


STARTED_CHIP = VirtualChip(clock=VirtualClock())
STARTED = driver(over_spi(STARTED_CHIP))
STARTED.start()


def test_fine_timestamps_are_those_of_the_arrival() -> None:
    """The reference's definition: end of preamble, 3002 ticks (its filters and the SX1303's) later."""
    chip = VirtualChip(clock=VirtualClock(), model=MODEL_SX1303)
    radio = driver(over_spi(chip), fine=True)
    radio.start()
    for _ in range(20):
        radio.receive()
        radio.trigger_counter_us()
        chip.delay_ns(1_000_000_000)
    radio.trigger_counter_us()  # every pulse is seen, as by a host that asks twice a second
    ends = chip.now_ticks() + 1_000_000
    chip.inject(replace(EVENT, ends_at_ticks=ends, fraction_ticks=0.25))
    chip.delay_ns(500_000_000)
    (frame,) = radio.receive()
    payload_us, header_us = 25 * 4096, 12.25 * 4096
    preamble_ended = ends + 0.25 - (payload_us + header_us) * 32
    expected_ns = (preamble_ended - chip.pps.last(int(preamble_ended)) + 3002) * 31.25
    assert frame.fine_ns == pytest.approx(expected_ns, abs=2)


@pytest.mark.parametrize("fault", ["dead_00", "dead_ff", "agc", "arb", "calibration"])
def test_a_broken_chip_is_a_named_error_and_never_a_hang(chip: VirtualChip, fault: str) -> None:
    match fault:
        case "dead_00" | "dead_ff":
            chip.faults.dead_bus = 0x00 if fault == "dead_00" else 0xFF
        case "agc" | "arb":
            chip.faults.silent_mcus = {Mcu(fault)}
        case _:
            chip.faults.radio_calibration_fails = {1}
    with pytest.raises(HalError) as refused:
        driver(over_spi(chip)).start()
    assert str(refused.value)


def test_torn_reads_cost_nothing(chip: VirtualChip) -> None:
    radio = driver(over_spi(chip))
    radio.start()
    chip.faults.torn_counter_reads = chip.faults.torn_fifo_counts = 3
    for index in range(20):
        chip.inject(replace(EVENT, payload=bytes((index,) * 40)))
    received = []
    for _ in range(10):
        received += radio.receive()
        chip.delay_ns(20_000_000)
    assert [frame.payload[0] for frame in received] == list(range(20))
    now_us = chip.now_ticks() // 32
    assert all(0 <= now_us - frame.counter_us < 1_000_000 for frame in received)


def test_one_bad_packet_costs_one_packet(chip: VirtualChip) -> None:
    radio = driver(over_spi(chip))
    radio.start()
    chip.faults.bad_checksums = 1
    for index in range(3):
        chip.inject(replace(EVENT, payload=bytes((index,))))
    assert [frame.payload for frame in radio.receive()] == [b"\x01", b"\x02"]


def test_over_a_real_serial_device_until_the_plug_is_pulled(chip: VirtualChip) -> None:
    mcu = UsbMcu(chip)
    with PseudoTerminal(mcu.feed) as terminal:
        radio = open_concentrator(
            f"usb:{terminal.path}", "rak5146-usb", images=synthetic_images(), clock=ChipClock(chip)
        )
        radio.start()
        assert chip.inject(EVENT) is ReceptionVerdict.HEARD
        assert [frame.payload for frame in radio.receive()] == [EVENT.payload]
        terminal.vanish()
        with pytest.raises(LineFailed):
            radio.receive()


@pytest.mark.slow
def test_an_hour_across_every_wrap_of_the_counter(chip: VirtualChip) -> None:
    """The 27-bit microsecond counter wraps every 134 s; no frame's instant may slip by one."""
    radio = driver(over_spi(chip))
    radio.start()
    draw = Random(1302)
    expected: list[int] = []
    received: list[int] = []
    for _ in range(400):
        chip.delay_ns(draw.randrange(1_000_000, 18_000_000_000))
        ends = chip.now_ticks()
        expected.append(ends // 32)
        chip.inject(replace(EVENT, modulation=Lora(sf=draw.randint(7, 10)), ends_at_ticks=ends))
        chip.delay_ns(draw.randrange(20_000_000, 60_000_000))
        received += [frame.counter_us for frame in radio.receive()]
    assert chip.now_ticks() > 3600 * 32_000_000
    assert all(abs(there - here) <= 1 for there, here in zip(expected, received, strict=True))
    assert list(chip.complaints) == []

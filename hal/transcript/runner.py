"""Runs our driver on the virtual chip through the phases of a golden file, in virtual time.

The chip answers what the reference's fake chip answered: EUI, temperature, FIFO bytes, counters.

Sources: ``README.md`` beside the golden files (phases, keys); FACTS §13.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hal import thermometer
from hal.errors import OurMistake
from hal.microcode import Images
from hal.open import synthetic_images
from hal.ports import Bus
from hal.sx1302 import identity
from hal.sx1302.driver import Sx1302
from hal.sx1302.timing.counter import TURN_TICKS, Reading
from hal.transcript.golden import Golden, Phase, recorded_settings, transmission_of
from hal.transcript.packet_lines import PacketPrinter
from hal.transcript.recorder import RecordedBus, RecordedClock, RecordedI2c, Tape
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.facts import MODEL_SX1302, MODEL_SX1303
from hal.twin.lines.local import ChipClock, LocalBus
from hal.twin.parts.thermometer import Thermometer
from hal.units import Hz
from hal.wiring import Wiring

VERDICT_POLLS = ((0.01, 500), (0.1, 1500))
"""Seconds between looks and how many: a timestamp may lie a turn of the counter ahead."""
POLL_S = 0.01
TX_POLLS_LIMIT = 1000
SCAN_FREQUENCY_DEFAULT_HZ = 867_100_000
SCANS_DEFAULT = 2000
START_TICKS = 3 * 32_000_000
"""Time from the begin of a run until the first recorded counter: longer than a start takes."""


Through: TypeAlias = Callable[[VirtualChip], tuple[Bus, Bus]]
"""Makes the buses of a chip's SX1302 and SX1261, such as those of the USB bridge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One phase as we did it."""

    name: str
    lines: list[str]
    packets: list[dict[str, str]] = field(default_factory=list)
    refused: str = ""
    result: str = ""


class Stage:
    """The virtual chip with our driver on it, its bus written down."""

    def __init__(self, golden: Golden, images: Images | None = None, through: Through | None = None) -> None:
        self.golden = golden
        self.settings = replace(recorded_settings(golden.configuration), strict_tx=False)
        fine = self.settings.fine_timestamp is not None
        self.chip = VirtualChip(
            eui=golden.eui,
            model=MODEL_SX1303 if fine else MODEL_SX1302,
            clock=VirtualClock(),
            thermometer=Thermometer(temperature_c=golden.temperature_c or 0.0),
        )
        self.chip.thermometer.missing = golden.temperature_c is None
        first = next((phase.counters[0].running for phase in golden.phases if phase.counters), 0)
        self.chip.clock.slip(max(first - START_TICKS, 0))
        self.tape = Tape()
        local = LocalBus(self.chip)
        self.clock = RecordedClock(ChipClock(self.chip), self.tape)
        i2c = RecordedI2c(local, self.tape)
        main, listener = (local, local.sx1261) if through is None else through(self.chip)
        wiring = Wiring(
            bus=RecordedBus(main, self.tape),
            clock=self.clock,
            sx1261=RecordedBus(listener, self.tape, sx1261=True),
            find_thermometer=lambda: thermometer.find(i2c),
        )
        self.driver = Sx1302(wiring, self.settings, images or synthetic_images())

    def set_counters(self, reading: Reading) -> None:
        """Let the counters show what the reference saw; time goes the shorter way round."""
        behind = (reading.running - self.chip.now_ticks() + TURN_TICKS // 2) % TURN_TICKS
        self.chip.clock.slip(behind - TURN_TICKS // 2)
        self.chip.place_counters(free_running=reading.running, pps=reading.pps)


def replay(
    golden: Golden, images: Images | None = None, through: Through | None = None
) -> Iterator[Replayed]:
    """Yield each phase as it has run; ``through`` puts another way to the chip in between."""
    stage = Stage(golden, images, through)
    printer = PacketPrinter(stage.settings)
    for phase in golden.phases:
        yield _run(stage, phase, printer)


def _run(stage: Stage, phase: Phase, printer: PacketPrinter) -> Replayed:
    packets: list[dict[str, str]] = []
    refused = result = ""
    if phase.fifo is not None:
        if phase.counters:
            stage.set_counters(phase.counters[0])
        stage.chip.inject_fifo(phase.fifo)
        packets = printer.fields(stage.driver.receive())
    elif phase.transmission:
        refused = _transmit(stage, phase)
    elif phase.name in _ACTIONS:
        result = _ACTIONS[phase.name](stage)
    else:
        result = "# no action of this name: nothing done"
    return Replayed(name=phase.name, lines=stage.tape.take(), packets=packets, refused=refused, result=result)


def _transmit(stage: Stage, phase: Phase) -> str:
    driver = stage.driver
    near = driver.predicted_us()
    try:
        driver.transmit(transmission_of(phase.transmission, near))
    except OurMistake as error:
        return str(error)
    for pause_s, looks in VERDICT_POLLS:
        for _ in range(looks):
            if not driver.listening:
                return ""
            driver.poll()
            stage.clock.sleep(pause_s)
    return ""


def _start(stage: Stage) -> str:
    stage.driver.start()
    return ""


def _eui(stage: Stage) -> str:
    return f"EUI {identity.read_eui(stage.driver.registers).upper()}"


def _temperature(stage: Stage) -> str:
    celsius = stage.driver.temperature_c(fresh=True)
    return "TEMP none" if celsius is None else f"TEMP {celsius:.3f}"


def _counter(stage: Stage) -> str:
    return f"CNT inst={stage.driver.counter_us() % (1 << 32)}"


def _trigger_counter(stage: Stage) -> str:
    return f"CNT trig={stage.driver.trigger_counter_us() % (1 << 32)}"


def _tx_status(stage: Stage) -> str:
    states = [stage.driver.tx_state(0)]
    while states[-1] == "emitting" and len(states) < TX_POLLS_LIMIT:
        stage.clock.sleep(POLL_S)
        states.append(stage.driver.tx_state(0))
    return f"TXSTATUS {states[0]}, then {states[-1]}"


def _abort(stage: Stage) -> str:
    stage.driver.abort(0)
    return ""


def _scan(stage: Stage) -> str:
    conf = stage.golden.configuration["SX130x_conf"].get("sx1261_conf", {}).get("spectral_scan", {})
    frequency_hz = Hz(conf.get("freq_start", SCAN_FREQUENCY_DEFAULT_HZ))
    spectrum = stage.driver.spectral_scan(frequency_hz, conf.get("nb_scan", SCANS_DEFAULT))
    return f"SCAN {spectrum.frequency_hz} {sum(spectrum.counts)} samples"


def _stop(stage: Stage) -> str:
    stage.driver.stop()
    return ""


_ACTIONS: dict[str, Callable[[Stage], str]] = {
    "start": _start,
    "get_eui": _eui,
    "get_temperature": _temperature,
    "get_instcnt": _counter,
    "get_trigcnt": _trigger_counter,
    "tx_status": _tx_status,
    "abort_tx": _abort,
    "spectral_scan": _scan,
    "stop": _stop,
}

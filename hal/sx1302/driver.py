"""The concentrator: the only file that sequences bus traffic once the chip is started.

One thread calls it.  An idle ``receive`` costs one transaction; the counters are read when frames came and
the last reading is older than two seconds, for fine timestamps, or every half minute to keep the timeline
anchored.

Sources: FACTS §8 (fetch), §9 (counters), §10 (TX), §11 (LBT), §14 (watchdog).
"""

from collections import Counter

from hal.bus.access import Registers
from hal.errors import OurMistake
from hal.fault import Fault, FaultKind
from hal.microcode import Images
from hal.packets import ConcentratorStatus, ReceivedFrame, Spectrum, Transmission, TxState
from hal.settings import RF_CHAINS, Settings
from hal.sx1261.driver import Sx1261
from hal.sx1261.lbt import LbtVerdict
from hal.sx1302 import boot, identity, mcu
from hal.sx1302.rx.decode import Decoding, decode
from hal.sx1302.rx.fifo import Fetch, parse
from hal.sx1302.timing import clockwork
from hal.sx1302.tx import writes
from hal.sx1302.tx.listen_first import ListenFirst
from hal.sx1302.tx.start_delay import START_DELAY_TICKS
from hal.sx1302.tx.transmitter import Transmitter
from hal.units import Hz, Micros
from hal.waiting import wait_for
from hal.wiring import Thermometer, Wiring

TEMPERATURE_INTERVAL_US = 10_000_000
ABORT_LIMIT_US = 1_000_000


class Sx1302:
    """``hal.ports.Concentrator`` for SX1302 and SX1303 with SX1250 radios."""

    def __init__(self, wiring: Wiring, settings: Settings, images: Images) -> None:
        self.wiring = wiring
        self.settings = settings
        self.images = images
        self.registers = Registers(wiring.bus)
        self.sx1261 = None if wiring.sx1261 is None else Sx1261(wiring.sx1261, wiring.clock)
        self.counts: Counter[str] = Counter()
        self.warnings: list[str] = []
        self.version = 0
        self._eui = ""
        self._started = False
        self._thermometer: Thermometer | None = None
        self._temperature: tuple[int, float | None] | None = None
        self._reset_state()

    def _reset_state(self) -> None:
        self._clockwork = clockwork.Clockwork(
            self.registers,
            self.wiring.clock,
            self.counts,
            keep_history=self.settings.fine_timestamp is not None,
        )
        self._fetch = Fetch(self.registers, self.counts)
        self._transmitter = Transmitter(self.registers, self.settings)
        self._listen_first: ListenFirst | None = None
        if self.sx1261 is not None:
            self._listen_first = ListenFirst(
                self.registers, self._transmitter, self.sx1261, self.wiring.clock, self.counts
            )
        self._rest = b""
        self._held = False
        """Whether ``_rest`` came in a fetch that failed before it was decoded: nothing fetched is lost."""

    @property
    def eui(self) -> str:
        """The chip's EUI-64; known after ``start``."""
        return self._eui

    @property
    def started(self) -> bool:
        """Whether the radio receives."""
        return self._started

    def start(self) -> None:
        """Reset and configure everything; afterwards frames arrive.

        Raises:
            hal.errors.HalError: a step failed; the next ``start`` begins again from the reset.
        """
        steps = self.prepare_start()
        boot.run(steps)
        self.adopt(steps)

    def prepare_start(self) -> boot.Boot:
        """Return a start-up that has not begun; ``adopt`` takes it over when its steps are done."""
        self._started = False
        self._reset_state()
        return boot.Boot(
            registers=self.registers,
            wiring=self.wiring,
            settings=self.settings,
            images=self.images,
            sx1261=self.sx1261,
        )

    def adopt(self, steps: boot.Boot) -> None:
        """Begin to receive on a chip that ``steps`` has started."""
        self._eui, self.version = steps.eui, steps.version
        self._thermometer, self.warnings = steps.thermometer, steps.warnings
        self._temperature = None
        self._clockwork.read()
        self._started = True
        self.counts["starts"] += 1

    def stop(self) -> None:
        """Abort what is being sent and release the bus."""
        try:
            if self._started:
                for rf_chain in range(RF_CHAINS):
                    self.abort(rf_chain)
        finally:
            self._started = False
            self.wiring.bus.close()
            if self.wiring.close is not None:
                self.wiring.close()

    def receive(self) -> list[ReceivedFrame]:
        """Return the frames that arrived since the last call, oldest first, any CRC verdict."""
        if not self._started:
            self._must_run()
        if self._listen_first is not None:
            self._listen_first.poll()
        data = self._fetch.fetch()
        if not data and not self._held:
            self._clockwork.refresh_if_due()
            return []
        self._rest += data
        self._held = True
        latest_us, celsius = self._clockwork.latest_us(), self.temperature_c()
        parsed = parse(self._rest)
        self._rest, self._held = parsed.rest, False
        self.counts.update(
            fetched_bytes=len(data),
            packets=len(parsed.packets),
            dropped_bytes=parsed.dropped_bytes,
            checksum_bad=parsed.checksum_bad,
            range_bad=parsed.range_bad,
            resynchronised=parsed.resynchronised,
        )
        if not parsed.packets:
            return []
        context = Decoding(
            settings=self.settings,
            latest_us=latest_us,
            history=self._clockwork.history,
            temperature_c=celsius,
        )
        return decode(parsed.packets, context, self.counts)

    def transmit(self, transmission: Transmission) -> None:
        """Program one transmission and return; with listen-before-talk the verdict comes later.

        Raises:
            OurMistake: out of range, too late, or the chain or the listening radio is busy.
        """
        self._must_run()
        self.poll()
        program = writes.program(transmission, self.settings)
        if self._listen_first is not None:
            self._listen_first.must_be_idle()
        if self.settings.strict_tx:
            self._transmitter.must_be_free(transmission.rf_chain)
            self._must_be_in_time(transmission)
        listener = self.settings.sx1261
        if self._listen_first is not None and listener is not None and listener.lbt is not None:
            self._listen_first.begin(transmission, listener, self._clockwork.predicted_us())
        self._transmitter.send(program, transmission.rf_chain)
        self.counts["transmissions"] += 1

    def _must_be_in_time(self, transmission: Transmission) -> None:
        if transmission.at_us is None:
            return
        start_us = transmission.at_us - START_DELAY_TICKS // 32
        if start_us <= (now_us := self._clockwork.predicted_us()):
            raise OurMistake(f"starts {now_us - start_us} us ago", where="at_us")

    def poll(self) -> None:
        """Advance listen-before-talk by one look at the AGC; nothing where none is under way."""
        if self._listen_first is not None:
            self._listen_first.poll()

    @property
    def listening(self) -> bool:
        """Whether a transmission awaits its listen-before-talk verdict."""
        return self._listen_first is not None and self._listen_first.busy

    @property
    def last_verdict(self) -> LbtVerdict | None:
        """What became of the last transmission that listened first."""
        return None if self._listen_first is None else self._listen_first.last_verdict

    def tx_state(self, rf_chain: int) -> TxState:
        """Return where the latest transmission of one chain is."""
        self._must_run()
        self.poll()
        state = self._transmitter.state(rf_chain)
        return state if self._listen_first is None else self._listen_first.judged(state, rf_chain)

    def abort(self, rf_chain: int) -> None:
        """Stop what is scheduled or being sent on one chain.

        Raises:
            ChipMisbehaved: the chain is not free within a second.
        """
        self._must_run()
        self._transmitter.clear_triggers(rf_chain)
        if self._listen_first is not None:
            self._listen_first.abandon(rf_chain)
        wait_for(
            lambda: self._transmitter.state(rf_chain),
            lambda state: state is TxState.FREE,
            clock=self.wiring.clock,
            limit_us=ABORT_LIMIT_US,
            where=f"TX abort of radio {rf_chain}",
        )

    def counter_us(self) -> Micros:
        """Return the free-running counter on the 64-bit timeline."""
        self._must_run()
        return self._clockwork.read().counter_us

    def trigger_counter_us(self) -> Micros:
        """Return the counter at the last PPS on the same timeline."""
        self._must_run()
        return self._clockwork.read().pps_us

    def predicted_us(self) -> Micros:
        """Return where the counter must be by the host's clock, without a transaction."""
        self._must_run()
        return self._clockwork.predicted_us()

    def temperature_c(self, *, fresh: bool = False) -> float | None:
        """Return the board's temperature, at most ten seconds old unless ``fresh``; None without a sensor."""
        if self._thermometer is None:
            return None
        now_us = self.wiring.clock.monotonic_us()
        age = None if self._temperature is None else now_us - self._temperature[0]
        if fresh or age is None or age >= TEMPERATURE_INTERVAL_US:
            self._temperature = (now_us, self._thermometer.celsius())
            self.counts["temperature_missing"] += self._temperature[1] is None
        return None if self._temperature is None else self._temperature[1]

    def status(self) -> ConcentratorStatus:
        """Return the radio's health: microcontrollers, version, enables, counter; four transactions."""
        self._must_run()
        before = self._clockwork.timeline
        agc_control, agc_status = self.registers.read(mcu.AGC.clear.address, 2)
        arb_control = self.registers.read(mcu.ARB.clear.address)[0]
        enables, version = self.registers.read(identity.ENABLES_AT, 2)
        timeline = self._clockwork.read(check_moving=True)
        vitals = identity.Vitals(
            enables=enables,
            version=version,
            agc_control=agc_control,
            agc_status=agc_status,
            arb_control=arb_control,
            counter_moves=before is None or before.raw != timeline.raw,
        )
        fault = identity.fault(vitals)
        return ConcentratorStatus(
            counter_us=timeline.counter_us,
            agc_status=agc_status,
            agc_parity_ok=vitals.agc_parity_ok,
            arb_parity_ok=vitals.arb_parity_ok,
            tx=self._transmitter.last_states(),
            temperature_c=self.temperature_c(),
            receiving=fault is None,
            fault=fault,
            counts=dict(self.counts),
        )

    def spectral_scan(self, frequency_hz: Hz, scans: int = 2000) -> Spectrum:
        """Return how often each level is heard on one frequency; some 20 ms with the SX1261.

        Raises:
            OurMistake: no SX1261 was started, or it listens before a transmission.
        """
        self._must_run()
        if self.sx1261 is None or self.settings.sx1261 is None:
            fault = Fault(FaultKind.NO_SX1261)
            raise OurMistake(str(fault), where="spectral scan", fault=fault)
        if self.listening:
            raise OurMistake("the SX1261 listens before a transmission", where="spectral scan")
        return self.sx1261.scan(frequency_hz, scans, self.settings.sx1261.rssi_offset_db)

    def _must_run(self) -> None:
        if not self._started:
            raise OurMistake("the concentrator is not started", where="start")

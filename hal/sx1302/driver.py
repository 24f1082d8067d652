"""The concentrator: the only file that sequences bus traffic once the chip is started.

One thread calls it.  An idle ``receive`` costs one transaction; the counters are read when frames came,
for fine timestamps, or every half minute to keep the timeline anchored.

Sources: FACTS §8 (fetch), §9 (counters), §10 (TX), §11 (LBT), §14 (watchdog).
"""

from collections import Counter

from hal.errors import OurMistake
from hal.packets import ConcentratorStatus, ReceivedFrame, Transmission, TxState, TxTrigger
from hal.settings import RF_CHAINS, Settings
from hal.sx1261 import lbt
from hal.sx1261.commands import Spectrum
from hal.sx1261.driver import Sx1261
from hal.sx1302 import boot, clockwork, identity, mcu, tx_writes
from hal.sx1302.access import Registers
from hal.sx1302.fetch import Fetch
from hal.sx1302.microcode import Images
from hal.sx1302.registers import common
from hal.sx1302.rx_decode import Decoding, decode
from hal.sx1302.rx_fifo import parse
from hal.sx1302.transmitter import Transmitter
from hal.units import Hz, Micros
from hal.waiting import wait_for
from hal.wiring import Thermometer, Wiring

TEMPERATURE_INTERVAL_US = 10_000_000
ABORT_LIMIT_US = 1_000_000
AGC_STUCK = 0x14
"""The status of a deaf AGC (FACTS §14, issue 154 of the reference)."""
ON_GPS_LIMIT_US = 1_000_000


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
        self.last_verdict: lbt.Verdict | None = None
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
        self._listening: lbt.Listening | None = None
        self._rest = b""

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
        self._must_run()
        self.poll()
        data = self._fetch.fetch()
        if not data:
            self._clockwork.refresh_if_due()
            return []
        parsed = parse(self._rest + data)
        self._rest = parsed.rest
        timeline = self._clockwork.read()
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
            timeline=timeline,
            history=self._clockwork.history,
            temperature_c=self.temperature_c(),
        )
        return decode(parsed.packets, context, self.counts)

    def transmit(self, transmission: Transmission) -> None:
        """Program one transmission and return; with listen-before-talk the verdict comes later.

        Raises:
            OurMistake: out of range, too late, or the chain or the listening radio is busy.
        """
        self._must_run()
        self.poll()
        program = tx_writes.program(transmission, self.settings)
        if self._listening is not None:
            raise OurMistake("the previous transmission still listens", where="listen before talk")
        if self.settings.strict_tx:
            self._transmitter.must_be_free(transmission.rf_chain)
            self._must_be_in_time(transmission)
        rules = None if self.settings.sx1261 is None else self.settings.sx1261.lbt
        if rules is not None and self.sx1261 is not None and self.settings.sx1261 is not None:
            channel = lbt.channel_for(transmission, rules)
            threshold = rules.threshold_dbm + self.settings.sx1261.rssi_offset_db
            self.sx1261.listen(transmission.frequency_hz, channel.bandwidth_hz, channel.scan_us, threshold)
            self._listening = self._awaiting(transmission)
        self._transmitter.send(program, transmission.rf_chain)
        self.counts["transmissions"] += 1

    def _must_be_in_time(self, transmission: Transmission) -> None:
        if transmission.at_us is None:
            return
        start_us = transmission.at_us - tx_writes.START_DELAY_TICKS // 32
        if start_us <= (now_us := self._clockwork.predicted_us()):
            raise OurMistake(f"starts {now_us - start_us} us ago", where="at_us")

    def _awaiting(self, transmission: Transmission) -> lbt.Awaiting:
        now_us = self.wiring.clock.monotonic_us()
        wait_us = 0
        if transmission.at_us is not None:
            wait_us = max(transmission.at_us - self._clockwork.predicted_us(), 0)
        longest_us = ON_GPS_LIMIT_US if transmission.trigger is TxTrigger.ON_GPS else wait_us
        return lbt.Awaiting(
            rf_chain=transmission.rf_chain,
            from_us=now_us + max(wait_us - lbt.LISTEN_LEAD_US, 0),
            until_us=now_us + longest_us + lbt.VERDICT_LIMIT_US,
        )

    def poll(self) -> None:
        """Advance listen-before-talk by one look at the AGC; nothing where none is under way."""
        now_us = self.wiring.clock.monotonic_us()
        if self._listening is None or not lbt.worth_a_look(self._listening, now_us):
            return
        status = self.registers.read(mcu.AGC.status)[0]
        after, commands = lbt.step(self._listening, status, now_us)
        listened = self._listening
        self._listening = None if isinstance(after, lbt.Verdict) else after
        for command in commands:
            self._carry_out(command, listened)
        if isinstance(after, lbt.Verdict):
            self.last_verdict = after
            self.counts[f"lbt_{after}"] += 1

    def _carry_out(self, command: lbt.Do, listened: lbt.Listening) -> None:
        match command:
            case lbt.Do.CLEAR_AGC:
                self.registers.write(mcu.MAILBOX_WRITE, b"\xff")
            case lbt.Do.ACKNOWLEDGE:
                self.registers.write(mcu.MAILBOX_WRITE, b"\x00")
            case lbt.Do.STOP_LISTENING:
                if self.sx1261 is not None:
                    self.sx1261.stop_listening()
            case lbt.Do.ABORT:
                if isinstance(listened, lbt.Awaiting):
                    self._transmitter.clear_triggers(listened.rf_chain)

    @property
    def listening(self) -> bool:
        """Whether a transmission awaits its listen-before-talk verdict."""
        return self._listening is not None

    def tx_state(self, rf_chain: int) -> TxState:
        """Return what the TX state machine of one chain says."""
        self._must_run()
        self.poll()
        return self._transmitter.state(rf_chain)

    def abort(self, rf_chain: int) -> None:
        """Stop what is scheduled or being sent on one chain.

        Raises:
            ChipMisbehaved: the chain is not free within a second.
        """
        self._must_run()
        self._transmitter.clear_triggers(rf_chain)
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
        """Return the radio's health: microcontrollers, version register, counter."""
        self._must_run()
        before = self._clockwork.timeline
        agc = self.registers.read(mcu.AGC.clear.address, 2)
        arb = self.registers.read(mcu.ARB.clear.address)[0]
        version = self.registers.read_field(common.COMMON_VERSION_VERSION)
        timeline = self._clockwork.read(check_moving=True)
        fault = ""
        if version in identity.DEAD_BUS:
            fault = f"version register reads {version:#04x}"
        elif agc[0] & mcu.PARITY_BIT or arb & mcu.PARITY_BIT:
            fault = f"parity error of the {'AGC' if agc[0] & mcu.PARITY_BIT else 'ARB'} program"
        elif agc[1] == AGC_STUCK:
            fault = f"AGC stuck with status {AGC_STUCK:#04x}"
        elif before is not None and before.raw == timeline.raw:
            fault = "the counter stands still"
        return ConcentratorStatus(
            counter_us=timeline.counter_us,
            agc_status=agc[1],
            agc_parity_ok=not agc[0] & mcu.PARITY_BIT,
            arb_parity_ok=not arb & mcu.PARITY_BIT,
            tx=self._transmitter.last_states(),
            temperature_c=self.temperature_c(),
            receiving=not fault,
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
            raise OurMistake("needs an SX1261 that the settings enable", where="spectral scan")
        if self._listening is not None:
            raise OurMistake("the SX1261 listens before a transmission", where="spectral scan")
        return self.sx1261.scan(frequency_hz, scans, self.settings.sx1261.rssi_offset_db)

    def _must_run(self) -> None:
        if not self._started:
            raise OurMistake("the concentrator is not started", where="start")

"""Carries out listen-before-talk: the machine of ``sx1261.lbt`` with the AGC, the SX1261 and the triggers.

Sources: FACTS §11; ``decisions/0003``.
"""

from collections import Counter
from dataclasses import replace

from hal.bus.access import Registers
from hal.errors import OurMistake
from hal.packets import Transmission, TxState, TxTrigger
from hal.ports import HalClock
from hal.settings import Sx1261Settings
from hal.sx1261 import lbt
from hal.sx1261.driver import Sx1261
from hal.sx1302 import mcu
from hal.sx1302.tx.transmitter import Transmitter
from hal.units import Micros

ON_GPS_LIMIT_US = 1_000_000
"""A transmission on GPS leaves with the next PPS."""

_STATE_OF = {lbt.LbtVerdict.BLOCKED: TxState.BLOCKED, lbt.LbtVerdict.UNKNOWN: TxState.UNKNOWN}


class ListenFirst:
    """At most one transmission listens at a time."""

    def __init__(
        self,
        registers: Registers,
        transmitter: Transmitter,
        sx1261: Sx1261,
        clock: HalClock,
        counts: Counter[str],
    ) -> None:
        self._registers = registers
        self._transmitter = transmitter
        self._sx1261 = sx1261
        self._clock = clock
        self._counts = counts
        self._state: lbt.Listening | None = None
        self._rf_chain = 0
        self.last_verdict: lbt.LbtVerdict | None = None

    @property
    def busy(self) -> bool:
        """Whether a transmission awaits its verdict."""
        return self._state is not None

    def judged(self, state: TxState, rf_chain: int) -> TxState:
        """Return what ``state`` of a chain means beside the verdict on its latest transmission."""
        if rf_chain != self._rf_chain or state is not TxState.FREE:
            return state
        if isinstance(self._state, lbt.Awaiting):
            return TxState.SCHEDULED
        verdict = self._state.verdict if self._state is not None else self.last_verdict
        return _STATE_OF.get(verdict, state) if verdict is not None else state

    def must_be_idle(self) -> None:
        """Refuse while a transmission listens.

        Raises:
            OurMistake: one does.
        """
        if self._state is not None:
            raise OurMistake("the previous transmission still listens", where="listen before talk")

    def begin(self, transmission: Transmission, settings: Sx1261Settings, counter_us: Micros) -> None:
        """Start listening for a transmission that is about to be programmed.

        Raises:
            OurMistake: no channel admits it, or its instant passed while the listening radio was set up.
        """
        assert settings.lbt is not None, "the caller has rules"
        channel = lbt.channel_for(transmission, settings.lbt)
        threshold = settings.lbt.threshold_dbm + settings.rssi_offset_db
        began_us = self._clock.monotonic_us()
        wait_us = 0 if transmission.at_us is None else max(transmission.at_us - counter_us, 0)
        self._sx1261.listen(transmission.frequency_hz, channel.bandwidth_hz, channel.scan_us, threshold)
        spent_us = self._clock.monotonic_us() - began_us
        if wait_us and spent_us > wait_us - lbt.LISTEN_LEAD_US:
            self._sx1261.stop_listening()
            raise OurMistake(
                f"listening took {spent_us} us, the start was {wait_us} us ahead", where="listen before talk"
            )
        longest_us = ON_GPS_LIMIT_US if transmission.trigger is TxTrigger.ON_GPS else wait_us
        self._rf_chain, self.last_verdict = transmission.rf_chain, None
        self._state = lbt.Awaiting(
            rf_chain=transmission.rf_chain,
            from_us=began_us + max(wait_us - lbt.LISTEN_LEAD_US, 0),
            until_us=began_us + spent_us + longest_us + lbt.VERDICT_LIMIT_US,
        )

    def abandon(self, rf_chain: int) -> None:
        """Stop waiting for a chain whose transmission was aborted; the next ``poll`` clears up."""
        if isinstance(self._state, lbt.Awaiting) and self._state.rf_chain == rf_chain:
            now_us = self._clock.monotonic_us()
            self._state = replace(self._state, from_us=now_us, until_us=now_us)

    def poll(self) -> None:
        """Advance by one look at the AGC; nothing where no transmission listens or none can be judged yet."""
        if self._state is None:
            return
        now_us = self._clock.monotonic_us()
        if not lbt.worth_a_look(self._state, now_us):
            return
        status = self._registers.read(mcu.AGC.status)[0]
        before = self._state
        after, commands = lbt.step(before, status, now_us)
        self._state = None if isinstance(after, lbt.LbtVerdict) else after
        for command in commands:
            self._carry_out(command, before)
        if isinstance(after, lbt.LbtVerdict):
            self.last_verdict = after
            self._counts[f"lbt_{after}"] += 1

    def _carry_out(self, command: lbt.Do, before: lbt.Listening) -> None:
        match command:
            case lbt.Do.CLEAR_AGC:
                self._registers.write(mcu.MAILBOX_WRITE, b"\xff")
            case lbt.Do.ACKNOWLEDGE:
                self._registers.write(mcu.MAILBOX_WRITE, b"\x00")
            case lbt.Do.STOP_LISTENING:
                self._sx1261.stop_listening()
            case lbt.Do.ABORT:
                if isinstance(before, lbt.Awaiting):
                    self._transmitter.clear_triggers(before.rf_chain)

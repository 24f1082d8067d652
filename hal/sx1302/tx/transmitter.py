"""The TX side of the chip: programming, triggering, watching.

Sources: FACTS §10 (order, triggers, state machine).
"""

from hal.bus.access import Registers
from hal.errors import OurMistake
from hal.packets import TxState
from hal.settings import RF_CHAINS, Settings
from hal.sx1302.tx.writes import CHAIN_STEP, TxProgram

TRIGGERS_AT = 0x5200
TRIGGER_BITS = 0x07
STATE_AT = 0x5211
FREE = 0x80
EMITTING = (0x30, 0x50, 0x60, 0x70)
SCHEDULED = (0x91, 0x92)


def decode_state(value: int) -> TxState:
    """Return what a byte of the state machine means.

    >>> decode_state(0x91)
    <TxState.SCHEDULED: 'scheduled'>
    """
    if value == FREE:
        return TxState.FREE
    if value in EMITTING:
        return TxState.EMITTING
    return TxState.SCHEDULED if value in SCHEDULED else TxState.UNKNOWN


class Transmitter:
    """Both RF chains."""

    def __init__(self, registers: Registers, settings: Settings) -> None:
        self._registers = registers
        self._settings = settings
        self._states = [TxState.FREE] * RF_CHAINS

    def send(self, program: TxProgram, rf_chain: int) -> None:
        """Write a program and pull its trigger; in one command where the bus can.

        Settings go upwards, whatever their order: an idle chain reads them when its trigger comes, and the
        reference too writes each of them while all others hold what the packet before left.
        """
        registers = self._registers
        parts = registers.plan_in_any_order(program.settings)
        parts += registers.plan([program.gate])
        parts.append((program.payload_address, program.payload))
        parts += registers.plan([program.shut])
        parts += registers.plan(program.timer[::-1], known_only=False)
        parts += registers.plan([program.arm])
        field, value = program.fire
        armed = parts[-1][1][0]
        parts.append((field.address, bytes((armed | value << field.offset,))))
        registers.write_segments([part for part in parts if part[1]])
        self._states[rf_chain] = TxState.UNKNOWN

    def must_be_free(self, rf_chain: int) -> None:
        """Refuse when the chain still has something to send.

        Raises:
            OurMistake: it is scheduled or emitting.
        """
        state = self._states[rf_chain]
        if state is not TxState.FREE:
            state = self.state(rf_chain)
        if state in (TxState.SCHEDULED, TxState.EMITTING):
            raise OurMistake(f"radio {rf_chain} is {state}", where="rf_chain")

    def state(self, rf_chain: int) -> TxState:
        """Return what one chain's state machine says."""
        value = self._registers.read(STATE_AT + CHAIN_STEP * rf_chain)[0]
        self._states[rf_chain] = decode_state(value)
        return self._states[rf_chain]

    def last_states(self) -> tuple[TxState, TxState]:
        """Return both states; a chain that was free when last seen and was not used since is not read."""
        first, second = (
            self.state(chain) if self._states[chain] is not TxState.FREE else TxState.FREE
            for chain in range(RF_CHAINS)
        )
        return first, second

    def clear_triggers(self, rf_chain: int) -> None:
        """Take every trigger of one chain back."""
        address = TRIGGERS_AT + CHAIN_STEP * rf_chain
        kept = self._registers.byte(address) & ~TRIGGER_BITS
        self._registers.write(address, bytes((kept,)))
        self._states[rf_chain] = TxState.UNKNOWN

"""What a virtual chip put on the air; virtual sensors listen to these."""

from dataclasses import dataclass

from hal.packets import Modulation, TxTrigger
from hal.twin.facts import TICKS_PER_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """One transmission as it left the antenna connector, reported when it has ended or was cut short.

    ``started_at_ticks`` is on the chip's unwrapped counter; ``started_at_us`` on the clock of the host that
    runs the twin (monotonic in real time, the counter itself in virtual time).
    """

    name: str
    rf_chain: int
    trigger: TxTrigger
    modulation: Modulation
    frequency_hz: int
    power_dbm: float
    pa_enabled: bool
    power_index: int
    payload: bytes
    inverted: bool
    with_crc: bool
    implicit_header: bool
    preamble: int
    public: bool
    started_at_ticks: int
    started_at_us: int
    air_time_us: int
    aborted: bool = False

    @property
    def ended_at_ticks(self) -> int:
        """The end on the chip's counter."""
        return self.started_at_ticks + self.air_time_us * TICKS_PER_US

"""What a virtual chip put on the air; virtual sensors listen to these."""

from dataclasses import dataclass

from hal.packets import Modulation, TxTrigger
from hal.twin.facts import TICKS_PER_US


@dataclass(frozen=True, slots=True, kw_only=True)
class Emission:
    """One transmission as it left the antenna connector, reported when it has ended or was cut short.

    ``started_at_ticks`` is when the modulator starts, on the chip's unwrapped counter; ``started_at_us`` on
    the clock of the host that runs the twin (monotonic in real time, the counter itself in virtual time).
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
    fsk_sync_word: bytes = b""
    """FSK: what precedes the length, 1 to 8 bytes; LoRa: empty."""
    low_data_rate: bool = False
    """LoRa: whether symbols carry two bits less (LDRO)."""
    group_delay_ticks: int = 0
    """From the modulator's start to RF at the antenna: filter, modem and radio."""
    started_at_ticks: int
    started_at_us: int
    air_time_us: int
    aborted: bool = False

    @property
    def rf_started_at_ticks(self) -> int:
        """When the preamble begins at the antenna."""
        return self.started_at_ticks + self.group_delay_ticks

    @property
    def ended_at_ticks(self) -> int:
        """The end on the chip's counter."""
        return self.started_at_ticks + self.air_time_us * TICKS_PER_US

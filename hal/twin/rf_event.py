"""A frame as it arrives at the antenna of one virtual chip; the only way to say "a sensor spoke".

The chip hears it only if what the driver configured can hear it: radio, channel, modem, SF, sync word.
"""

from dataclasses import dataclass
from enum import StrEnum

from hal.packets import PAYLOAD_LIMIT_BYTES, Crc, Fsk, Lora


class ReceptionVerdict(StrEnum):
    """What became of an RfEvent; each is counted by the chip."""

    HEARD = "heard"
    PENDING = "pending"
    """It is still on air or being decoded."""
    FIFO_FULL = "fifo_full"
    NO_CHANNEL = "no_channel"
    """No channel, modem, bandwidth or SF is configured for it."""
    WRONG_SYNC_WORD = "wrong_sync_word"
    WRONG_HEADER = "wrong_header"
    """The modem expects a header where there is none or none where there is one, or another length or CRC."""
    WRONG_LOW_DATA_RATE = "wrong_low_data_rate"
    """The modem expects the other setting, and what it makes of the symbols is no frame."""
    NOT_RUNNING = "not_running"
    """Radios or microcontrollers are not started, or stuck."""
    DEAF = "deaf"
    HALF_DUPLEX = "half_duplex"
    """The chip was sending at that time."""
    NO_MODEM = "no_modem"
    """All 16 demodulators were busy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RfEvent:
    """One frame at the antenna.

    ``rssi_dbm`` and ``snr_db`` are those at this antenna; ``frequency_error_hz`` is the sender's crystal.
    ``ends_at_ticks`` is the end of the frame on the chip's own unwrapped 32 MHz timeline; None means that it
    has just been decoded.
    ``public`` is the sync word 0x34 of LoRaWAN against 0x12; SF5 and SF6 have no public one (FACTS §6.14).
    """

    payload: bytes
    modulation: Lora | Fsk
    frequency_hz: int
    rssi_dbm: float = -90.0
    snr_db: float = 8.0
    crc: Crc = Crc.OK
    frequency_error_hz: int = 0
    ends_at_ticks: int | None = None
    fraction_ticks: float = 0.0
    """What the end of the frame lies beyond ``ends_at_ticks``; an SX1303 measures it."""
    public: bool = True
    fsk_sync_word: bytes = b"\xc1\x94\xc1"
    """LoRaWAN's; an FSK modem hears only its own."""
    implicit_header: bool = False
    """The frame has no header, as beacons: only a modem that was given length and CRC hears it."""
    low_data_rate: bool | None = None
    """Whether LoRa symbols carry two bits less; None: for symbols of 16 ms and more, as senders are set."""
    inverted: bool = False
    """Downlinks have inverted chirps, and no gateway hears them."""
    preamble_symbols: int = 8

    def __post_init__(self) -> None:
        if len(self.payload) > PAYLOAD_LIMIT_BYTES:
            raise ValueError(f"payload: {len(self.payload)} bytes, at most {PAYLOAD_LIMIT_BYTES}")
        if self.frequency_hz <= 0:
            raise ValueError(f"frequency_hz: {self.frequency_hz} is not a frequency")

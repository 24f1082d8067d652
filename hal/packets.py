"""What the concentrator hears and sends, as frozen values that check themselves when built."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from hal.fault import Fault
from hal.units import CounterUs, Dbm, Hz, Micros

LORA_SPREADING_FACTORS = range(5, 13)
LORA_BANDWIDTHS_HZ = (125_000, 250_000, 500_000)
PAYLOAD_LIMIT_BYTES = 255


class Crc(StrEnum):
    """Verdict on the payload CRC of a received frame (FACTS §8: status 0x10, 0x11, 0x01)."""

    OK = "ok"
    BAD = "bad"
    ABSENT = "absent"


class TxTrigger(StrEnum):
    """When a transmission leaves: at once, at a counter value, or at the next PPS."""

    IMMEDIATE = "immediate"
    TIMESTAMPED = "timestamped"
    ON_GPS = "on_gps"


class TxState(StrEnum):
    """Where the latest transmission of one RF chain is (FACTS §10, §11)."""

    FREE = "free"
    SCHEDULED = "scheduled"
    """It waits for its instant, or for the verdict of listen-before-talk."""
    EMITTING = "emitting"
    BLOCKED = "blocked"
    """The channel was busy: listen-before-talk forbade the transmission, and the chain is free."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """LoRa modulation; ``coding_rate`` 1..4 stands for 4/5..4/8, 0 for none known."""

    sf: int
    bandwidth_hz: int = 125_000
    coding_rate: int = 1

    def __post_init__(self) -> None:
        if self.sf not in LORA_SPREADING_FACTORS:
            raise ValueError(f"sf: {self.sf} is not in 5..12")
        if self.bandwidth_hz not in LORA_BANDWIDTHS_HZ:
            raise ValueError(f"bandwidth_hz: {self.bandwidth_hz} is not 125000, 250000 or 500000")
        if not 0 <= self.coding_rate <= 7:
            raise ValueError(f"coding_rate: {self.coding_rate} is not in 0..7")

    def __str__(self) -> str:
        return f"SF{self.sf}BW{self.bandwidth_hz // 1000}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fsk:
    """FSK modulation; ``deviation_hz`` and ``bandwidth_hz`` matter for sending only."""

    bitrate_bps: int = 50_000
    deviation_hz: int = 25_000
    bandwidth_hz: int = 125_000

    def __str__(self) -> str:
        return f"FSK{self.bitrate_bps}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cw:
    """An unmodulated carrier, ``offset_hz`` away from the channel; for tests of antennas."""

    offset_hz: int = 0
    bandwidth_hz: int = 125_000

    def __str__(self) -> str:
        return f"CW{self.offset_hz:+d}"


Modulation: TypeAlias = Lora | Fsk | Cw


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedFrame:
    """One packet out of the RX FIFO.

    ``counter_us`` is the end of the packet on the 64-bit timeline; ``tmst`` the same modulo 2**32,
    as the protocols carry it.  ``fine_ns`` is the SX1303's fine timestamp: nanoseconds since the last PPS.
    """

    payload: bytes
    modulation: Lora | Fsk
    frequency_hz: Hz
    frequency_offset_hz: Hz = Hz(0)
    counter_us: Micros
    rf_chain: int
    if_channel: int
    modem: int = 0
    crc: Crc
    rssi_channel_dbm: Dbm
    rssi_signal_dbm: Dbm
    snr_db: float = 0.0
    fine_ns: int | None = None
    crc16: int = 0
    """The payload CRC as the chip showed it (LoRa)."""

    @property
    def tmst(self) -> CounterUs:
        """The 32-bit counter of the protocols."""
        return CounterUs(self.counter_us % (1 << 32))


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """One packet to send.  ``power_dbm`` is conducted, before antenna gain."""

    payload: bytes
    modulation: Modulation
    frequency_hz: Hz
    power_dbm: float
    rf_chain: int = 0
    trigger: TxTrigger = TxTrigger.IMMEDIATE
    at_us: Micros | None = None
    """Start on the 64-bit timeline; needed when ``trigger`` is TIMESTAMPED."""
    invert_polarity: bool = True
    preamble_symbols: int = 8
    implicit_header: bool = False
    with_crc: bool = False

    def __post_init__(self) -> None:
        if len(self.payload) > PAYLOAD_LIMIT_BYTES:
            raise ValueError(f"payload: {len(self.payload)} bytes, at most {PAYLOAD_LIMIT_BYTES}")
        if (self.trigger is TxTrigger.TIMESTAMPED) != (self.at_us is not None):
            raise ValueError("at_us: needed for, and only for, trigger TIMESTAMPED")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConcentratorStatus:
    """The radio's own health: four bus transactions, and one for each chain not seen free since it sent."""

    counter_us: Micros
    agc_status: int
    agc_parity_ok: bool
    arb_parity_ok: bool
    tx: tuple[TxState, TxState] = (TxState.FREE, TxState.FREE)
    temperature_c: float | None = None
    receiving: bool = True
    """False with a reason in ``fault`` when any check says that the radio hears nothing."""
    fault: Fault | None = None
    counts: dict[str, int] = field(default_factory=dict)
    """Since start: fetched, decoded, crc_bad, checksum_bad, resynchronised, dropped_bytes, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spectrum:
    """How often each level was seen on one frequency; the last bin holds what was weaker."""

    frequency_hz: Hz
    levels_dbm: tuple[Dbm, ...]
    counts: tuple[int, ...]

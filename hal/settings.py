"""What a concentrator is told to be: radios, channels, gains; checked when built, before any bus moves.

Sources: FACTS §6.3 (image calibration bands), §6.9 (channelizer limits), §10 (gain table), §11 (LBT).
"""

from dataclasses import dataclass, field
from enum import StrEnum

from hal.errors import OurMistake
from hal.units import Hz

RF_CHAINS = 2
MULTI_SF_CHANNELS = 8
RADIO_BANDWIDTH_HZ = 1_600_000
"""A channel with its bandwidth must lie within this of the radio's centre (FACTS §6.9)."""
GAIN_TABLE_LIMIT_ENTRIES = 16
POWER_INDEX_LIMIT = 22
LBT_CHANNELS_LIMIT = 16
FSK_BITRATES_BPS = range(500, 250_001)
IMAGE_BANDS: tuple[tuple[int, int, bytes], ...] = (
    (430_000_000, 440_000_000, bytes((0x6B, 0x6F))),
    (470_000_000, 510_000_000, bytes((0x75, 0x81))),
    (779_000_000, 787_000_000, bytes((0xC1, 0xC5))),
    (863_000_000, 870_000_000, bytes((0xD7, 0xDB))),
    (902_000_000, 928_000_000, bytes((0xE1, 0xE9))),
)
"""Where an SX1250 or SX1261 can be calibrated, limits excluded, and the bytes that say so."""


def image_band(frequency_hz: Hz) -> bytes:
    """Return the two bytes of CALIBRATE_IMAGE for a centre frequency.

    Raises:
        OurMistake: no band holds it; the radio cannot be calibrated there.
    """
    for low, high, data in IMAGE_BANDS:
        if low < frequency_hz < high:
            return data
    bands = ", ".join(f"{low // 10**6}-{high // 10**6}" for low, high, _ in IMAGE_BANDS)
    raise OurMistake(f"{frequency_hz} Hz is in none of the bands {bands} MHz", where="radio centre frequency")


class FineTimestampMode(StrEnum):
    """Which spreading factors are demodulated twice for a fine timestamp (FACTS §6.18)."""

    ALL_SF = "all_sf"
    HIGH_CAPACITY = "high_capacity"


@dataclass(frozen=True, slots=True, kw_only=True)
class TemperatureCompensation:
    """RSSI offset of ``(a·T⁴ + b·T³ + c·T² + d·T + e) / 65536`` dB (FACTS §8)."""

    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """One entry of a transmit gain table: conducted power and how to make it."""

    power_dbm: int
    pa_gain: int = 0
    power_index: int = 0
    digital_gain: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.pa_gain <= 3:
            raise OurMistake(f"{self.pa_gain} is not in 0..3", where="pa_gain")
        if not 0 <= self.power_index <= POWER_INDEX_LIMIT:
            raise OurMistake(f"{self.power_index} is not in 0..{POWER_INDEX_LIMIT}", where="pwr_idx")
        if not 0 <= self.digital_gain <= 3:
            raise OurMistake(f"{self.digital_gain} is not in 0..3", where="dig_gain")


FALLBACK_GAINS = (Gain(power_dbm=14, pa_gain=2),)
"""What the reference sends with when the configuration names no table (loragw_hal.c, initial context)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Radio:
    """One SX1250 and its RF chain."""

    enabled: bool = True
    frequency_hz: Hz
    rssi_offset_db: float = 0.0
    compensation: TemperatureCompensation = TemperatureCompensation()
    single_input: bool = False
    tx_enabled: bool = False
    tx_range_hz: tuple[Hz, Hz] | None = None
    gains: tuple[Gain, ...] = FALLBACK_GAINS

    def __post_init__(self) -> None:
        if not self.enabled:
            return
        image_band(self.frequency_hz)
        if not 1 <= len(self.gains) <= GAIN_TABLE_LIMIT_ENTRIES:
            raise OurMistake(
                f"{len(self.gains)} entries, must be 1..{GAIN_TABLE_LIMIT_ENTRIES}", where="tx_gain_lut"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One IF chain: an offset from a radio's centre."""

    rf_chain: int
    if_hz: int
    bandwidth_hz: int = 125_000

    def __post_init__(self) -> None:
        if self.rf_chain not in range(RF_CHAINS):
            raise OurMistake(f"{self.rf_chain} is not 0 or 1", where="channel radio")
        reach = abs(self.if_hz) + self.bandwidth_hz // 2
        if reach > RADIO_BANDWIDTH_HZ // 2:
            raise OurMistake(
                f"IF {self.if_hz} Hz with {self.bandwidth_hz} Hz of bandwidth reaches {reach} Hz from the "
                f"radio's centre, at most {RADIO_BANDWIDTH_HZ // 2}",
                where="channel if",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraService:
    """The single-SF LoRa modem (channel 8)."""

    channel: Channel
    sf: int = 7
    implicit_header: bool = False
    implicit_payload_bytes: int = 0
    implicit_crc: bool = False
    implicit_coding_rate: int = 0

    def __post_init__(self) -> None:
        if self.sf not in range(5, 13):
            raise OurMistake(f"{self.sf} is not in 5..12", where="chan_Lora_std spread_factor")
        if self.channel.bandwidth_hz not in (125_000, 250_000, 500_000):
            raise OurMistake(
                f"{self.channel.bandwidth_hz} is not 125000, 250000 or 500000",
                where="chan_Lora_std bandwidth",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class FskModem:
    """The FSK modem (channel 9); its bandwidth register is 125 kHz whatever is asked (FACTS §6.13)."""

    channel: Channel
    bitrate_bps: int = 50_000
    sync_word: bytes = b"\xc1\x94\xc1"

    def __post_init__(self) -> None:
        if self.bitrate_bps not in FSK_BITRATES_BPS:
            raise OurMistake(f"{self.bitrate_bps} is not in 500..250000", where="chan_FSK datarate")
        if not 1 <= len(self.sync_word) <= 8:
            raise OurMistake(f"{len(self.sync_word)} bytes, must be 1..8", where="chan_FSK sync_word")


@dataclass(frozen=True, slots=True, kw_only=True)
class LbtChannel:
    """Where we may send after having listened, and for how long."""

    frequency_hz: Hz
    bandwidth_hz: int
    scan_us: int
    transmit_limit_ms: int

    def __post_init__(self) -> None:
        if self.bandwidth_hz not in (125_000, 250_000):
            raise OurMistake(f"{self.bandwidth_hz} is not 125000 or 250000", where="lbt channel bandwidth")
        if self.scan_us not in (128, 5000):
            raise OurMistake(f"{self.scan_us} is not 128 or 5000", where="lbt channel scan_time_us")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenBeforeTalk:
    """Send only where the SX1261 hears less than ``threshold_dbm``."""

    threshold_dbm: int
    channels: tuple[LbtChannel, ...]

    def __post_init__(self) -> None:
        if len(self.channels) > LBT_CHANNELS_LIMIT:
            raise OurMistake(f"{len(self.channels)}, at most {LBT_CHANNELS_LIMIT}", where="lbt channels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sx1261Settings:
    """The listening radio."""

    rssi_offset_db: int = 0
    lbt: ListenBeforeTalk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one concentrator, checked when they are made."""

    radios: tuple[Radio | None, Radio | None]
    channels: tuple[Channel | None, ...]
    """The eight multi-SF channels, None where disabled."""
    spreading_factors: frozenset[int] = frozenset(range(5, 13))
    service: LoraService | None = None
    fsk: FskModem | None = None
    clock_source: int = 0
    public: bool = True
    fine_timestamp: FineTimestampMode | None = None
    sx1261: Sx1261Settings | None = None
    antenna_gain_db: float = 0.0
    strict_tx: bool = True
    """Refuse what the reference HAL sends otherwise than asked: outside ``tx_range_hz``, below the table."""
    notes: tuple[str, ...] = field(default=())
    """What the reader of a configuration file ignored, for a log."""

    def __post_init__(self) -> None:
        if len(self.channels) != MULTI_SF_CHANNELS:
            raise OurMistake(f"{len(self.channels)}, must be {MULTI_SF_CHANNELS}", where="channels")
        if not self.spreading_factors <= frozenset(range(5, 13)):
            raise OurMistake("values outside 5..12", where="spreading_factor_enable")
        if self.clock_source not in range(RF_CHAINS) or self.radios[self.clock_source] is None:
            raise OurMistake(f"radio {self.clock_source} gives the clock but is disabled", where="clksrc")
        for index, channel in enumerate(self.all_channels):
            if channel is not None and self.radios[channel.rf_chain] is None:
                raise OurMistake(
                    f"channel {index} listens on radio {channel.rf_chain}, which is disabled",
                    where="channel radio",
                )

    @property
    def all_channels(self) -> tuple[Channel | None, ...]:
        """The ten IF chains: eight multi-SF, LoRa service, FSK."""
        service = None if self.service is None else self.service.channel
        fsk = None if self.fsk is None else self.fsk.channel
        return (*self.channels, service, fsk)

    @property
    def reference_hz(self) -> Hz:
        """The centre that frequency-to-time drift is computed from: radio 0 (FACTS §6.11), else the other."""
        first = self.radios[0] or self.radios[1]
        if first is None:
            raise OurMistake("no radio is enabled", where="radios")
        return first.frequency_hz

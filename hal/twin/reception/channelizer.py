"""Which demodulator, if any, hears a frame: read back from the registers that the driver wrote.

Nothing here knows a channel plan.  A frame is heard only where the registers, the radios' own frequency
and the sync word say so, as in silicon.

Sources: FACTS §3 (addresses), §6.9 (IF registers, radio select), §6.10 (correlators), §6.12–15.
"""

from dataclasses import dataclass

from hal.packets import Crc, Fsk, Lora
from hal.twin.facts import BANDWIDTHS_HZ
from hal.twin.rf_event import ReceptionVerdict, RfEvent
from hal.twin.symbols import SLOW_SYMBOL_US, symbol_us

RADIO_SELECT = 0x5810
IF_FREQ_0 = 0x5800
CORRELATOR_CLOCK = 0x5820
CORRELATOR_EN = 0x5821
CORRELATOR_SF_EN = 0x5822
SYNC_PEAK1_SF7TO12 = 0x588E
RX_CFG0 = 0x5887
MODEM_EN_0 = 0x6188
GLOBAL_EN = 0x5605
SERVICE_RADIO = 0x5B02
SERVICE_IF = 0x5B00
SERVICE_CFG0 = 0x5B21
SERVICE_CFG1 = 0x5B22
SERVICE_CFG2 = 0x5B23
SERVICE_LENGTH = 0x5B24
IMPLICIT_HEADER, CRC_EN = 0x02, 0x01
SERVICE_RX_CFG0 = 0x5B2A
SERVICE_PEAK1 = 0x5B2E
FSK_IF = 0x5B50
FSK_RADIO = 0x5B54
FSK_BIT_RATE = 0x5B5B
FSK_CFG_1 = 0x5B53
FSK_PATTERN = 0x5B5D
PPM_OFFSET_SF5 = 0x58B9
"""Two bits for each SF, four SF a byte (RX_TOP_MODEM_PPM_OFFSET)."""

PUBLIC_PEAK1 = 6
"""0x34 shows as peaks 6 and 8, 0x12 as 2 and 4 (FACTS §6.14)."""

SERVICE_CHANNEL = 8
FSK_CHANNEL = 9
SERVICE_MODEM = 16
FSK_MODEM = 17
MULTI_SF_MODEMS = 16
FREQUENCY_TOLERANCE = 0.25
"""Share of the bandwidth by which a LoRa frame may be off and still be heard (SX1272 datasheet §4.1.4)."""
FSK_CRYSTAL_HZ = 32_000_000
IF_HZ_PER_STEP = 15625 / 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ear:
    """The demodulator that hears a frame, and its true centre."""

    channel: int
    rf_chain: int
    modem: int | None
    """None: any free one of the multi-SF modems."""
    centre_hz: float
    peak_interpolation: bool


def _if_hz(registers: bytearray, address: int) -> float:
    raw = (registers[address] & 0x1F) << 8 | registers[address + 1]
    return (raw - 0x2000 if raw & 0x1000 else raw) * IF_HZ_PER_STEP


def _near(event: RfEvent, centre_hz: float, tolerance_hz: float) -> bool:
    return abs(event.frequency_hz + event.frequency_error_hz - centre_hz) <= tolerance_hz


def _sync_fits(event: RfEvent, sf: int, peak1: int) -> bool:
    return sf <= 6 or event.public == (peak1 & 0x1F == PUBLIC_PEAK1)


def _rate_fits(event: RfEvent, lora: Lora, ppm_offset: int) -> bool:
    """Whether a modem with this PPM_OFFSET expects the symbols that were sent."""
    sent = symbol_us(lora) >= SLOW_SYMBOL_US if event.low_data_rate is None else event.low_data_rate
    return sent == bool(ppm_offset & 0x03)


def _service_misfit(registers: bytearray, event: RfEvent, lora: Lora) -> ReceptionVerdict | None:
    if not _header_fits(registers, event, lora):
        return ReceptionVerdict.WRONG_HEADER
    if not _rate_fits(event, lora, registers[SERVICE_CFG1] >> 4):
        return ReceptionVerdict.WRONG_LOW_DATA_RATE
    return None


def _header_fits(registers: bytearray, event: RfEvent, lora: Lora) -> bool:
    """Whether the service modem expects the header, and without one the length, rate and CRC, of a frame."""
    implicit = bool(registers[SERVICE_CFG2] & IMPLICIT_HEADER)
    if not implicit or not event.implicit_header:
        return implicit == event.implicit_header
    return (
        registers[SERVICE_LENGTH] == len(event.payload)
        and registers[SERVICE_CFG1] & 0x07 == lora.coding_rate
        and bool(registers[SERVICE_CFG2] & CRC_EN) == (event.crc is not Crc.ABSENT)
    )


def find_ear(
    registers: bytearray, radio_hz: tuple[int | None, int | None], event: RfEvent
) -> Ear | ReceptionVerdict:
    """Return who hears ``event``; ``radio_hz`` is None for a radio that is not receiving."""
    if not registers[GLOBAL_EN] & 0x08 or event.inverted:
        return ReceptionVerdict.NO_CHANNEL
    match event.modulation:
        case Lora() as lora:
            found = _multi_sf(registers, radio_hz, event, lora)
            if isinstance(found, ReceptionVerdict):
                service = _service(registers, radio_hz, event, lora)
                return service if isinstance(service, Ear) or found is ReceptionVerdict.NO_CHANNEL else found
            return found
        case Fsk() as fsk:
            return _fsk(registers, radio_hz, event, fsk)


def _multi_sf(
    registers: bytearray, radio_hz: tuple[int | None, int | None], event: RfEvent, lora: Lora
) -> Ear | ReceptionVerdict:
    sf_enabled = registers[CORRELATOR_SF_EN] >> (lora.sf - 5) & 1
    if lora.bandwidth_hz != 125_000 or not registers[GLOBAL_EN] & 0x02 or not sf_enabled:
        return ReceptionVerdict.NO_CHANNEL
    enabled = registers[CORRELATOR_EN] & registers[CORRELATOR_CLOCK]
    for channel in range(8):
        if not enabled >> channel & 1:
            continue
        chain = registers[RADIO_SELECT] >> channel & 1
        radio = radio_hz[chain]
        if radio is None:
            continue
        centre = radio + _if_hz(registers, IF_FREQ_0 + 2 * channel)
        if _near(event, centre, lora.bandwidth_hz * FREQUENCY_TOLERANCE):
            if not _sync_fits(event, lora.sf, registers[SYNC_PEAK1_SF7TO12]):
                return ReceptionVerdict.WRONG_SYNC_WORD
            if event.implicit_header:
                return ReceptionVerdict.WRONG_HEADER
            if not _rate_fits(
                event, lora, registers[PPM_OFFSET_SF5 + (lora.sf - 5) // 4] >> 2 * ((lora.sf - 5) % 4)
            ):
                return ReceptionVerdict.WRONG_LOW_DATA_RATE
            interpolated = bool(registers[RX_CFG0] & 0x30)
            return Ear(
                channel=channel, rf_chain=chain, modem=None, centre_hz=centre, peak_interpolation=interpolated
            )
    return ReceptionVerdict.NO_CHANNEL


def _service(
    registers: bytearray, radio_hz: tuple[int | None, int | None], event: RfEvent, lora: Lora
) -> Ear | ReceptionVerdict:
    if (
        not registers[GLOBAL_EN] & 0x01
        or not registers[SERVICE_CFG1] & 0x08
        or not registers[SERVICE_CFG2] & 0x10
    ):
        return ReceptionVerdict.NO_CHANNEL
    bandwidth = BANDWIDTHS_HZ.get(registers[SERVICE_CFG0] >> 4)
    chain = registers[SERVICE_RADIO] & 1
    radio = radio_hz[chain]
    if bandwidth != lora.bandwidth_hz or registers[SERVICE_CFG0] & 0x0F != lora.sf or radio is None:
        return ReceptionVerdict.NO_CHANNEL
    centre = radio + _if_hz(registers, SERVICE_IF)
    if not _near(event, centre, bandwidth * FREQUENCY_TOLERANCE):
        return ReceptionVerdict.NO_CHANNEL
    if not _sync_fits(event, lora.sf, registers[SERVICE_PEAK1]):
        return ReceptionVerdict.WRONG_SYNC_WORD
    misfit = _service_misfit(registers, event, lora)
    if misfit is not None:
        return misfit
    return Ear(
        channel=SERVICE_CHANNEL,
        rf_chain=chain,
        modem=SERVICE_MODEM,
        centre_hz=centre,
        peak_interpolation=bool(registers[SERVICE_RX_CFG0] & 0x30),
    )


def _fsk(
    registers: bytearray, radio_hz: tuple[int | None, int | None], event: RfEvent, fsk: Fsk
) -> Ear | ReceptionVerdict:
    divider = registers[FSK_BIT_RATE] << 8 | registers[FSK_BIT_RATE + 1]
    if not registers[GLOBAL_EN] & 0x04 or divider != FSK_CRYSTAL_HZ // fsk.bitrate_bps:
        return ReceptionVerdict.NO_CHANNEL
    chain = registers[FSK_RADIO] >> 1 & 1
    radio = radio_hz[chain]
    if radio is None:
        return ReceptionVerdict.NO_CHANNEL
    centre = radio + _if_hz(registers, FSK_IF)
    if not _near(event, centre, 125_000 / 2):
        return ReceptionVerdict.NO_CHANNEL
    size = (registers[FSK_CFG_1] >> 3 & 0x07) + 1
    if event.fsk_sync_word != bytes(registers[FSK_PATTERN : FSK_PATTERN + size]):
        return ReceptionVerdict.WRONG_SYNC_WORD
    return Ear(
        channel=FSK_CHANNEL, rf_chain=chain, modem=FSK_MODEM, centre_hz=centre, peak_interpolation=False
    )

"""The sixteen multi-SF modems as register writes.

Sources: FACTS §6.11 (modems), §6.14 (sync words), §6.15 (enables); sx1302_hal v2.1.0
``loragw_sx1302.c`` for gains and their order.
"""

from hal.bus.shadow import Write
from hal.registers import BY_NAME, arb_mcu, common, otp
from hal.registers import rx_top_modems as rx
from hal.registers import rx_top_service as service
from hal.settings import Settings
from hal.units import Hz

TRACK_OFF = 0
AUTO = 3
"""Frequency tracking and DFT peak search: as the modem sees fit."""
LINEAR = 2
SYNC_OFFSETS = (1, 5, 9, 13, 1, 5, 9, 13)
SYNC_DELTA = 126
PREAMBLE_SYMBOLS = 10
"""A compromise of the reference: SF5 and SF6 send 12 symbols, the others 8."""
PRIVATE_PEAKS = (2, 4)
"""Sync word 0x12: each nibble times two."""
PUBLIC_PEAKS = (6, 8)
"""Sync word 0x34."""
DRIFT_MANTISSA_MIN = 2048


def frequency_to_time_drift(frequency_hz: Hz, bandwidth_hz: int) -> tuple[int, int]:
    """Return mantissa and exponent of bandwidth over frequency.

    >>> frequency_to_time_drift(Hz(867500000), 125000)
    (2416, 4)
    """
    mantissa, exponent = bandwidth_hz * (1 << 20) // frequency_hz, 0
    while mantissa < DRIFT_MANTISSA_MIN:
        mantissa, exponent = mantissa << 1, exponent + 1
    return mantissa, exponent


def modems(settings: Settings) -> list[Write]:
    """Return the writes that set the multi-SF modems up."""
    return [*_enables(), *_time_and_frequency(), *_timing_set_b(), *_preamble_and_drift(settings)]


def _enables() -> list[Write]:
    writes: list[Write] = [
        (rx.RX_TOP_DC_NOTCH_CFG1_ENABLE, 0),
        (rx.RX_TOP_RX_DFE_AGC1_FORCE_DEFAULT_FIR, 1),
        (rx.RX_TOP_DAGC_CFG_GAIN_DROP_COMP, 1),
        (rx.RX_TOP_DAGC_CFG_TARGET_LVL, 1),
        (otp.OTP_MODEM_EN_0_MODEM_EN, 0xFF),
        (otp.OTP_MODEM_EN_1_MODEM_EN, 0xFF),
        (rx.RX_TOP_MODEM_SYNC_DELTA_MSB_MODEM_SYNC_DELTA, SYNC_DELTA >> 8),
        (rx.RX_TOP_MODEM_SYNC_DELTA_LSB_MODEM_SYNC_DELTA, SYNC_DELTA & 0xFF),
    ]
    offsets = (
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_01_CHANNEL_0_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_01_CHANNEL_1_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_23_CHANNEL_2_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_23_CHANNEL_3_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_45_CHANNEL_4_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_45_CHANNEL_5_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_67_CHANNEL_6_OFFSET,
        arb_mcu.ARB_MCU_CHANNEL_SYNC_OFFSET_67_CHANNEL_7_OFFSET,
    )
    writes += zip(offsets, SYNC_OFFSETS, strict=True)
    for sf in range(5, 13):
        row = 1 if sf <= 8 else 2
        writes.append((BY_NAME[f"RX_TOP_MODEM_PPM_OFFSET{row}_PPM_OFFSET_SF{sf}"], int(sf >= 11)))
    return writes


def _time_and_frequency() -> list[Write]:
    writes: list[Write] = [
        (rx.RX_TOP_FINE_TIMING_A_1_GAIN_P_AUTO, 3),
        (rx.RX_TOP_FINE_TIMING_A_1_GAIN_P_PAYLOAD, 3),
        (rx.RX_TOP_FINE_TIMING_A_5_GAIN_I_EN_SF11, 1),
        (rx.RX_TOP_FINE_TIMING_A_5_GAIN_I_EN_SF12, 1),
        (rx.RX_TOP_FREQ_TRACK4_FREQ_SYNCH_THR, 15),
    ]
    for timing_set, tracking in (("A", AUTO), ("B", TRACK_OFF)):
        for sf in range(5, 13):
            name = f"RX_TOP_FREQ_TRACK_{timing_set}_{int(sf > 8)}_FREQ_TRACK_EN_SF{sf}"
            writes.append((BY_NAME[name], tracking))
    return writes


def _timing_set_b() -> list[Write]:
    """Return the set that gives the best timestamp, used when packets are demodulated twice."""
    return [
        (rx.RX_TOP_FINE_TIMING_B_5_GAIN_I_EN_SF11, 0),
        (rx.RX_TOP_FINE_TIMING_B_5_GAIN_I_EN_SF12, 0),
        (rx.RX_TOP_FINE_TIMING_B_0_ROUNDING, 1),
        (rx.RX_TOP_FINE_TIMING_B_0_MODE, LINEAR),
        (rx.RX_TOP_FINE_TIMING_B_1_GAIN_P_AUTO, 0),
        (rx.RX_TOP_FINE_TIMING_B_1_GAIN_P_PREAMB, 6),
        (rx.RX_TOP_FINE_TIMING_B_1_GAIN_P_PAYLOAD, 2),
        (rx.RX_TOP_FINE_TIMING_B_2_GAIN_I_AUTO, 0),
        (rx.RX_TOP_FINE_TIMING_B_2_GAIN_I_PREAMB, 1),
        (rx.RX_TOP_FINE_TIMING_B_2_GAIN_I_PAYLOAD, 0),
    ]


def _preamble_and_drift(settings: Settings) -> list[Write]:
    mantissa, exponent = frequency_to_time_drift(settings.reference_hz, 125_000)
    return [
        (rx.RX_TOP_TXRX_CFG7_PREAMBLE_SYMB_NB, PREAMBLE_SYMBOLS >> 8),
        (rx.RX_TOP_TXRX_CFG6_PREAMBLE_SYMB_NB, PREAMBLE_SYMBOLS & 0xFF),
        (rx.RX_TOP_FREQ_TO_TIME0_FREQ_TO_TIME_DRIFT_MANT, mantissa >> 8),
        (rx.RX_TOP_FREQ_TO_TIME1_FREQ_TO_TIME_DRIFT_MANT, mantissa & 0xFF),
        (rx.RX_TOP_FREQ_TO_TIME2_FREQ_TO_TIME_DRIFT_EXP, exponent),
        (rx.RX_TOP_FREQ_TO_TIME3_FREQ_TO_TIME_INVERT_TIME_SYMB, 1),
        (rx.RX_TOP_RX_CFG0_DFT_PEAK_EN, AUTO),
    ]


def sync_words(settings: Settings) -> list[Write]:
    """Return the writes of the sync-word peaks; SF5 and SF6 are private in every network."""
    wide = PUBLIC_PEAKS if settings.public else PRIVATE_PEAKS
    service_sf = 7 if settings.service is None else settings.service.sf
    single = PRIVATE_PEAKS if service_sf <= 6 else wide
    writes: list[Write] = []
    for group, peaks in (("SF5", PRIVATE_PEAKS), ("SF6", PRIVATE_PEAKS), ("SF7TO12", wide)):
        for index, peak in enumerate(peaks):
            name = f"RX_TOP_FRAME_SYNCH{index}_{group}_PEAK{index + 1}_POS_{group}"
            writes.append((BY_NAME[name], peak))
    return [
        *writes,
        (service.RX_TOP_LORA_SERVICE_FSK_FRAME_SYNCH0_PEAK1_POS, single[0]),
        (service.RX_TOP_LORA_SERVICE_FSK_FRAME_SYNCH1_PEAK2_POS, single[1]),
    ]


def enable_modems() -> list[Write]:
    """Return the writes that switch all modems on."""
    return [
        (common.COMMON_GEN_CONCENTRATOR_MODEM_ENABLE, 1),
        (common.COMMON_GEN_MBWSSF_MODEM_ENABLE, 1),
        (common.COMMON_GEN_FSK_MODEM_ENABLE, 1),
    ]


def enable_reception() -> list[Write]:
    """Return the write that starts reception."""
    return [(common.COMMON_GEN_GLOBAL_EN, 1)]

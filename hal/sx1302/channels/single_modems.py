"""The single-SF LoRa modem ("service", channel 8) and the FSK modem (channel 9) as register writes.

Sources: FACTS §6.12, §6.13; sx1302_hal v2.1.0 ``loragw_sx1302.c`` for gains and their order.
"""

from hal.airtime import low_data_rate
from hal.bus.shadow import Write
from hal.packets import Lora
from hal.registers import BY_NAME
from hal.registers import rx_top_service as rx
from hal.settings import FskModem, LoraService, Settings
from hal.sx1302.channels.multi_sf import AUTO, frequency_to_time_drift

BANDWIDTH_CODES = {125_000: 4, 250_000: 5, 500_000: 6}
CRYSTAL_HZ = 32_000_000
SYNC_WORD_BYTES = 8
CHANNEL_BANDWIDTH_125K = 3
WHITENING = 2
LONGEST_PACKET = 255
TIMEOUT = 128
ERROR_TOLERANCE = 10
RSSI_LENGTH = 4


def service(modem: LoraService, settings: Settings) -> list[Write]:
    """Return the writes of the service modem with its correlator."""
    return [*_service_correlator(modem), *_service_timing(modem), *_service_packet(modem, settings)]


def _service_correlator(modem: LoraService) -> list[Write]:
    return [
        (rx.RX_TOP_LORA_SERVICE_FSK_DETECT_MSP2_MSP_PEAK_NB, 7),
        (rx.RX_TOP_LORA_SERVICE_FSK_DETECT_MSP2_MSP2_PEAK_NB, 5),
        (rx.RX_TOP_LORA_SERVICE_FSK_DETECT_ACC1_USE_GAIN_SYMB, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG2_FINE_SYNCH_EN, int(modem.sf <= 6)),
        (rx.RX_TOP_LORA_SERVICE_FSK_DETECT_ACC1_ACC_PNR, 52),
    ]


def _service_timing(modem: LoraService) -> list[Write]:
    if modem.sf <= 6:
        gain_p, gain_i = 4, 0
    elif modem.sf <= 10:
        gain_p, gain_i = 6, 0
    else:
        gain_p, gain_i = 7, {125_000: 1, 250_000: 2, 500_000: 3}[modem.channel.bandwidth_hz]
    return [
        (rx.RX_TOP_LORA_SERVICE_FSK_DC_NOTCH_CFG1_ENABLE, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_RX_DFE_AGC1_FORCE_DEFAULT_FIR, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_DAGC_CFG_GAIN_DROP_COMP, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_DAGC_CFG_TARGET_LVL, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_FINE_TIMING1_GAIN_P_AUTO, 3),
        (rx.RX_TOP_LORA_SERVICE_FSK_FINE_TIMING2_GAIN_I_PAYLOAD, 3),
        (rx.RX_TOP_LORA_SERVICE_FSK_FINE_TIMING1_GAIN_P_PREAMB, gain_p),
        (rx.RX_TOP_LORA_SERVICE_FSK_FINE_TIMING2_GAIN_I_EN, gain_i),
    ]


def _service_packet(modem: LoraService, settings: Settings) -> list[Write]:
    bandwidth_hz = modem.channel.bandwidth_hz
    mantissa, exponent = frequency_to_time_drift(settings.reference_hz, bandwidth_hz)
    preamble = 12 if modem.sf <= 6 else 8
    slow = low_data_rate(Lora(sf=modem.sf, bandwidth_hz=bandwidth_hz))
    return [
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG2_IMPLICIT_HEADER, int(modem.implicit_header)),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG2_CRC_EN, int(modem.implicit_crc)),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG1_CODING_RATE, modem.implicit_coding_rate),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG3_PAYLOAD_LENGTH, modem.implicit_payload_bytes),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG0_MODEM_SF, modem.sf),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG0_MODEM_BW, BANDWIDTH_CODES[bandwidth_hz]),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG1_PPM_OFFSET, int(slow)),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG7_PREAMBLE_SYMB_NB, preamble >> 8),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG6_PREAMBLE_SYMB_NB, preamble & 0xFF),
        (rx.RX_TOP_LORA_SERVICE_FSK_FREQ_TO_TIME0_FREQ_TO_TIME_DRIFT_MANT, mantissa >> 8),
        (rx.RX_TOP_LORA_SERVICE_FSK_FREQ_TO_TIME1_FREQ_TO_TIME_DRIFT_MANT, mantissa & 0xFF),
        (rx.RX_TOP_LORA_SERVICE_FSK_FREQ_TO_TIME2_FREQ_TO_TIME_DRIFT_EXP, exponent),
        (rx.RX_TOP_LORA_SERVICE_FSK_FREQ_TO_TIME3_FREQ_TO_TIME_INVERT_TIME_SYMB, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_RX_DFE_AGC2_DAGC_IN_COMP, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG1_MODEM_EN, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG2_CADRXTX, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_TXRX_CFG2_MODEM_START, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_RX_CFG0_DFT_PEAK_EN, AUTO),
    ]


def fsk(modem: FskModem) -> list[Write]:
    """Return the writes of the FSK modem; the sync word stands left in its eight bytes."""
    pattern = modem.sync_word + bytes(SYNC_WORD_BYTES - len(modem.sync_word))
    bitrate = CRYSTAL_HZ // modem.bitrate_bps
    writes: list[Write] = [(rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_1_PSIZE, len(modem.sync_word) - 1)]
    for index in range(SYNC_WORD_BYTES):
        field = BY_NAME[f"RX_TOP_LORA_SERVICE_FSK_FSK_REF_PATTERN_BYTE{index}_FSK_REF_PATTERN"]
        writes.append((field, pattern[SYNC_WORD_BYTES - 1 - index]))
    return [
        *writes,
        (rx.RX_TOP_LORA_SERVICE_FSK_BIT_RATE_MSB_BIT_RATE, bitrate >> 8 & 0xFF),
        (rx.RX_TOP_LORA_SERVICE_FSK_BIT_RATE_LSB_BIT_RATE, bitrate & 0xFF),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_1_CH_BW_EXPO, CHANNEL_BANDWIDTH_125K),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_3_RX_INVERT, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_3_MODEM_INVERT_IQ, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_4_RSSI_LENGTH, RSSI_LENGTH),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_0_PKT_MODE, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_0_CRC_EN, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_0_DCFREE_ENC, WHITENING),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_0_CRC_IBM, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_4_ERROR_OSR_TOL, ERROR_TOLERANCE),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_PKT_LENGTH_PKT_LENGTH, LONGEST_PACKET),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_NODE_ADRS_NODE_ADRS, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_BROADCAST_BROADCAST, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_3_AUTO_AFC, 1),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_TIMEOUT_MSB_TIMEOUT, 0),
        (rx.RX_TOP_LORA_SERVICE_FSK_FSK_TIMEOUT_LSB_TIMEOUT, TIMEOUT),
    ]

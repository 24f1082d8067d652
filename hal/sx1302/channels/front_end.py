"""Time stamping, pins, front-end switches and digital front ends as register writes.

Sources: FACTS §6.6 (timestamp mode, GPIO), §6.7 (PA/LNA tables), §6.8 (radio front ends).
"""

from hal.bus.shadow import Write
from hal.registers import BY_NAME, agc_mcu, gpio, rx_top_modems
from hal.registers import radio_fe as fe
from hal.settings import FineTimestampMode

METRICS_LIMIT = 32
GPIO_SELECTIONS = (0, 0, 9, 0, 9, 0, 0, 1)
"""0: register; 9: status of the concentrator; 1: AGC."""
GPIO_DIRECTIONS = 0x7F
PA_TABLE = 4
LNA_TABLE = 2
BASEBAND_ALPHA = 3
DECIMATION_ALPHA = 7
BASEBAND_RSSI_DEFAULT = 23
DECIMATION_RSSI_DEFAULT = 66
HOST_FILTER_GAIN = 0x0B


def timestamp_mode(fine: FineTimestampMode | None) -> list[Write]:
    """Return the writes that choose what a packet's counter means: end of packet, or end of header."""
    if fine is None:
        return [(rx_top_modems.RX_TOP_RX_BUFFER_LEGACY_TIMESTAMP, 1)]
    return [
        (rx_top_modems.RX_TOP_RX_BUFFER_LEGACY_TIMESTAMP, 0),
        (rx_top_modems.RX_TOP_RX_BUFFER_TIMESTAMP_CFG_MAX_TS_METRICS, METRICS_LIMIT),
        (rx_top_modems.RX_TOP_TIMESTAMP_ENABLE, 1),
        (rx_top_modems.RX_TOP_TIMESTAMP_NB_SYMB, 0),
    ]


def pins() -> list[Write]:
    """Return the writes that say what the chip's own pins show."""
    writes: list[Write] = [
        (BY_NAME[f"GPIO_GPIO_SEL_{index}_SELECTION"], selection)
        for index, selection in enumerate(GPIO_SELECTIONS)
    ]
    return [*writes, (gpio.GPIO_GPIO_DIR_L_DIRECTION, GPIO_DIRECTIONS)]


def switches() -> list[Write]:
    """Return the writes of the PA and LNA tables (half duplex)."""
    return [
        (agc_mcu.AGC_MCU_LUT_TABLE_A_PA_LUT, PA_TABLE),
        (agc_mcu.AGC_MCU_LUT_TABLE_A_LNA_LUT, LNA_TABLE),
        (agc_mcu.AGC_MCU_LUT_TABLE_B_PA_LUT, PA_TABLE),
        (agc_mcu.AGC_MCU_LUT_TABLE_B_LNA_LUT, LNA_TABLE),
    ]


def digital_front_ends() -> list[Write]:
    """Return the writes of RSSI filters, DC notch and host filter of both chains."""
    return [
        (fe.RADIO_FE_RSSI_BB_FILTER_ALPHA_RADIO_A_RSSI_BB_FILTER_ALPHA, BASEBAND_ALPHA),
        (fe.RADIO_FE_RSSI_DEC_FILTER_ALPHA_RADIO_A_RSSI_DEC_FILTER_ALPHA, DECIMATION_ALPHA),
        (fe.RADIO_FE_RSSI_BB_FILTER_ALPHA_RADIO_B_RSSI_BB_FILTER_ALPHA, BASEBAND_ALPHA),
        (fe.RADIO_FE_RSSI_DEC_FILTER_ALPHA_RADIO_B_RSSI_DEC_FILTER_ALPHA, DECIMATION_ALPHA),
        (fe.RADIO_FE_RSSI_DB_DEF_RADIO_A_RSSI_DB_DEFAULT_VALUE, BASEBAND_RSSI_DEFAULT),
        (fe.RADIO_FE_RSSI_DEC_DEF_RADIO_A_RSSI_DEC_DEFAULT_VALUE, DECIMATION_RSSI_DEFAULT),
        (fe.RADIO_FE_RSSI_DB_DEF_RADIO_B_RSSI_DB_DEFAULT_VALUE, BASEBAND_RSSI_DEFAULT),
        (fe.RADIO_FE_RSSI_DEC_DEF_RADIO_B_RSSI_DEC_DEFAULT_VALUE, DECIMATION_RSSI_DEFAULT),
        (fe.RADIO_FE_CTRL0_RADIO_A_DC_NOTCH_EN, 1),
        (fe.RADIO_FE_CTRL0_RADIO_A_HOST_FILTER_GAIN, HOST_FILTER_GAIN),
        (fe.RADIO_FE_CTRL0_RADIO_B_DC_NOTCH_EN, 1),
        (fe.RADIO_FE_CTRL0_RADIO_B_HOST_FILTER_GAIN, HOST_FILTER_GAIN),
    ]

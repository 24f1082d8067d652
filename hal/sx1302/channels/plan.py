"""The channel plan as register writes: which radio each channel hears, its offset, its correlators.

Sources: FACTS §6.9 (channelizer), §6.10 (correlators); the order of the writes is the reference's.
"""

from hal.bus.shadow import Write
from hal.registers import BY_NAME
from hal.registers import rx_top_channels as rx
from hal.registers import rx_top_service as service
from hal.settings import Settings

RSSI_FILTER_ALPHA = 5
CHANNEL_RSSI_DEFAULT = 85
ACC_PNR = 52
MSP_PNR = 24
MSP_PEAK_NB = 7
MSP2_PEAK_NB = 5
EVERY_CHANNEL = 0xFF


def if_register(if_hz: int) -> int:
    """Return the 13-bit IF value, as a signed number; truncated towards zero as C does.

    >>> if_register(-400000), if_register(400000)
    (-819, 819)
    """
    scaled = if_hz * 32
    return scaled // 15625 if scaled >= 0 else -(-scaled // 15625)


def channelizer(settings: Settings) -> list[Write]:
    """Return the writes that tune the ten IF chains; a disabled one has radio 0 and IF 0."""
    chains = settings.all_channels
    mask = sum(channel.rf_chain << index for index, channel in enumerate(chains[:8]) if channel is not None)
    service_chain, fsk_chain = (0 if channel is None else channel.rf_chain for channel in chains[8:])
    writes: list[Write] = [
        (rx.RX_TOP_RADIO_SELECT_RADIO_SELECT, mask),
        (service.RX_TOP_LORA_SERVICE_FSK_LORA_SERVICE_RADIO_SEL_RADIO_SELECT, service_chain),
        (service.RX_TOP_LORA_SERVICE_FSK_FSK_CFG_3_RADIO_SELECT, fsk_chain),
    ]
    for index, channel in enumerate(chains):
        writes += _if_frequency(index, 0 if channel is None else if_register(channel.if_hz))
    return [
        *writes,
        (rx.RX_TOP_RSSI_CONTROL_RSSI_FILTER_ALPHA, RSSI_FILTER_ALPHA),
        (rx.RX_TOP_RSSI_DEF_VALUE_CHAN_RSSI_DEF_VALUE, CHANNEL_RSSI_DEFAULT),
        (rx.RX_TOP_CHANN_DAGC_CFG5_CHAN_DAGC_MODE, 1),
        (rx.RX_TOP_CHANN_DAGC_CFG1_CHAN_DAGC_THRESHOLD_HIGH, 255),
        (rx.RX_TOP_CHANN_DAGC_CFG2_CHAN_DAGC_THRESHOLD_LOW, 0),
        (rx.RX_TOP_CHANN_DAGC_CFG3_CHAN_DAGC_MAX_ATTEN, 15),
        (rx.RX_TOP_CHANN_DAGC_CFG3_CHAN_DAGC_MIN_ATTEN, 0),
    ]


def _if_frequency(index: int, value: int) -> list[Write]:
    if index == 8:
        high = service.RX_TOP_LORA_SERVICE_FSK_LORA_SERVICE_FREQ_MSB_IF_FREQ_0
        low = service.RX_TOP_LORA_SERVICE_FSK_LORA_SERVICE_FREQ_LSB_IF_FREQ_0
    elif index == 9:
        high = service.RX_TOP_LORA_SERVICE_FSK_FSK_FREQ_MSB_IF_FREQ_0
        low = service.RX_TOP_LORA_SERVICE_FSK_FSK_FREQ_LSB_IF_FREQ_0
    else:
        high = BY_NAME[f"RX_TOP_FREQ_{index}_MSB_IF_FREQ_{index}"]
        low = BY_NAME[f"RX_TOP_FREQ_{index}_LSB_IF_FREQ_{index}"]
    return [(high, value >> 8 & 0x1F), (low, value & 0xFF)]


def correlators(settings: Settings) -> list[Write]:
    """Return the writes that let the eight correlators look for the enabled spreading factors."""
    writes: list[Write] = []
    for sf in range(5, 13):
        writes += [
            (BY_NAME[f"RX_TOP_SF{sf}_CFG2_ACC_PNR"], ACC_PNR),
            (BY_NAME[f"RX_TOP_SF{sf}_CFG4_MSP_PNR"], MSP_PNR),
            (BY_NAME[f"RX_TOP_SF{sf}_CFG6_MSP_PEAK_NB"], MSP_PEAK_NB),
            (BY_NAME[f"RX_TOP_SF{sf}_CFG7_MSP2_PEAK_NB"], MSP2_PEAK_NB),
        ]
    enabled = sum(1 << index for index, channel in enumerate(settings.channels) if channel is not None)
    factors = sum(1 << (sf - 5) for sf in settings.spreading_factors)
    return [
        *writes,
        (rx.RX_TOP_CORRELATOR_ENABLE_ONLY_FIRST_DET_EDGE_ENABLE_ONLY_FIRST_DET_EDGE, EVERY_CHANNEL),
        (rx.RX_TOP_CORRELATOR_ENABLE_ACC_CLEAR_ENABLE_CORR_ACC_CLEAR, EVERY_CHANNEL),
        (rx.RX_TOP_CORRELATOR_SF_EN_CORR_SF_EN, factors),
        (rx.RX_TOP_CORR_CLOCK_ENABLE_CLK_EN, enabled),
        (rx.RX_TOP_CORRELATOR_EN_CORR_EN, enabled),
    ]

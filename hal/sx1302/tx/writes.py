"""A transmission to register writes, payload and trigger of one RF chain.

Sources: FACTS §10 (order, formulae, triggers).
"""

import math
from dataclasses import dataclass

from hal.airtime import low_data_rate
from hal.bus.shadow import Write
from hal.errors import OurMistake
from hal.packets import Cw, Fsk, Lora, Transmission, TxTrigger
from hal.registers import BY_NAME, agc_mcu
from hal.registers import tx_top_a as tx
from hal.settings import Gain, Settings
from hal.sx1302.channels.multi_sf import PRIVATE_PEAKS, PUBLIC_PEAKS
from hal.sx1302.channels.single_modems import BANDWIDTH_CODES, CRYSTAL_HZ, SYNC_WORD_BYTES, WHITENING
from hal.sx1302.tx.start_delay import chirp_lowpass, start_delay_ticks

CHAIN_STEP = 0x200
"""TX B is TX A moved by this (FACTS §3)."""
PAYLOAD_RAM = (0x5300, 0x5500)
FREQUENCY_STEPS = 1 << 18
AGC_DEVIATION_STEPS = 1 << 25
NOT_LORA = 0x80
LORA_PREAMBLE_DEFAULT, LORA_PREAMBLE_MIN = 8, 6
FSK_PREAMBLE_DEFAULT, FSK_PREAMBLE_MIN = 5, 3
FSK_DEVIATIONS_HZ = range(1_000, 200_001)
FSK_BITRATES_BPS = range(500, 250_001)
GAUSSIAN_BT_05 = 2
TRANSMIT = 2
SOURCE = {Cw: 0, Lora: 1, Fsk: 2}
TRIGGER_FIELDS = {
    TxTrigger.IMMEDIATE: tx.TX_TOP_A_TX_TRIG_TX_TRIG_IMMEDIATE,
    TxTrigger.TIMESTAMPED: tx.TX_TOP_A_TX_TRIG_TX_TRIG_DELAYED,
    TxTrigger.ON_GPS: tx.TX_TOP_A_TX_TRIG_TX_TRIG_GPS,
}
TIMER_FIELDS = tuple(BY_NAME[f"TX_TOP_A_TIMER_TRIG_BYTE{index}_TIMER_DELAYED_TRIG"] for index in range(4))


@dataclass(frozen=True, slots=True, kw_only=True)
class TxProgram:
    """What goes to the chip, in this order: settings, gate open, payload, gate shut, timer, trigger."""

    settings: tuple[Write, ...]
    payload_address: int
    payload: bytes
    gate: Write
    shut: Write
    timer: tuple[Write, ...]
    arm: Write
    fire: Write


def select_gain(gains: tuple[Gain, ...], power_dbm: float, *, strict: bool) -> Gain:
    """Return the last entry of the table that is not louder than asked.

    Raises:
        OurMistake: every entry is louder and ``strict``; the reference would send with the first one.
    """
    for gain in reversed(gains):
        if gain.power_dbm <= power_dbm:
            return gain
    if strict:
        lowest = min(gain.power_dbm for gain in gains)
        raise OurMistake(f"{power_dbm} dBm is below the gain table's {lowest} dBm", where="power_dbm")
    return gains[0]


def program(transmission: Transmission, settings: Settings) -> TxProgram:
    """Return what must be written for ``transmission``.

    Raises:
        OurMistake: a chain that cannot send, or a value that the modem or the radio cannot serve.
    """
    check(transmission, settings)
    radio = settings.radios[transmission.rf_chain]
    assert radio is not None, "checked"
    gain = select_gain(radio.gains, transmission.power_dbm, strict=settings.strict_tx)
    modulation = transmission.modulation
    delay = start_delay_ticks(modulation)
    writes = [*_front_end(transmission, gain), *_modem(transmission, settings)]
    if not isinstance(modulation, Cw):
        writes += [
            (tx.TX_TOP_A_TX_START_DELAY_MSB_TX_START_DELAY, delay >> 8),
            (tx.TX_TOP_A_TX_START_DELAY_LSB_TX_START_DELAY, delay & 0xFF),
        ]
    length = bytes((len(transmission.payload),)) if isinstance(modulation, Fsk) else b""
    return _on_chain(
        TxProgram(
            settings=tuple(writes),
            payload_address=PAYLOAD_RAM[0],
            payload=length + transmission.payload,
            gate=(tx.TX_TOP_A_TX_CTRL_WRITE_BUFFER, 1),
            shut=(tx.TX_TOP_A_TX_CTRL_WRITE_BUFFER, 0),
            timer=_timer(transmission, delay),
            arm=(TRIGGER_FIELDS[transmission.trigger], 0),
            fire=(TRIGGER_FIELDS[transmission.trigger], 1),
        ),
        transmission.rf_chain,
    )


def _on_chain(part: TxProgram, rf_chain: int) -> TxProgram:
    if rf_chain == 0:
        return part

    def move(write: Write) -> Write:
        field, value = write
        shared = field.address >= 0x5600
        return (field, value) if shared else (field.moved(CHAIN_STEP), value)

    return TxProgram(
        settings=tuple(move(write) for write in part.settings),
        payload_address=PAYLOAD_RAM[rf_chain],
        payload=part.payload,
        gate=move(part.gate),
        shut=move(part.shut),
        timer=tuple(move(write) for write in part.timer),
        arm=move(part.arm),
        fire=move(part.fire),
    )


def check(transmission: Transmission, settings: Settings) -> None:
    """Refuse what cannot be sent.

    Raises:
        OurMistake: with the name of the field.
    """
    chain, modulation = transmission.rf_chain, transmission.modulation
    radio = settings.radios[chain] if chain in range(len(settings.radios)) else None
    if radio is None or not radio.tx_enabled:
        raise OurMistake(f"radio {chain} is not enabled for transmission", where="rf_chain")
    if settings.strict_tx and radio.tx_range_hz is not None:
        low, high = radio.tx_range_hz
        if not low <= transmission.frequency_hz <= high:
            raise OurMistake(f"{transmission.frequency_hz} is not in {low}..{high}", where="frequency_hz")
    if isinstance(modulation, Lora) and not 1 <= modulation.coding_rate <= 4:
        raise OurMistake(f"{modulation.coding_rate} is not in 1..4", where="coding_rate")
    if isinstance(modulation, Fsk):
        if modulation.deviation_hz not in FSK_DEVIATIONS_HZ:
            raise OurMistake(f"{modulation.deviation_hz} is not in 1000..200000", where="deviation_hz")
        if modulation.bitrate_bps not in FSK_BITRATES_BPS:
            raise OurMistake(f"{modulation.bitrate_bps} is not in 500..250000", where="bitrate_bps")


def _front_end(transmission: Transmission, gain: Gain) -> list[Write]:
    modulation = transmission.modulation
    frequency = transmission.frequency_hz * FREQUENCY_STEPS // CRYSTAL_HZ
    bandwidth = BANDWIDTH_CODES[modulation.bandwidth_hz]
    return [
        (tx.TX_TOP_A_GEN_CFG_0_MODULATION_TYPE, int(isinstance(modulation, Fsk))),
        (tx.TX_TOP_A_TX_RFFE_IF_CTRL_TX_IF_SRC, SOURCE[type(modulation)]),
        (tx.TX_TOP_A_TX_RFFE_IF_I_OFFSET_I_OFFSET, 0),
        (tx.TX_TOP_A_TX_RFFE_IF_Q_OFFSET_Q_OFFSET, 0),
        (tx.TX_TOP_A_AGC_TX_PWR_AGC_TX_PWR, (gain.pa_gain > 0) << 6 | gain.power_index),
        (tx.TX_TOP_A_TX_RFFE_IF_IQ_GAIN_IQ_GAIN, gain.digital_gain),
        (tx.TX_TOP_A_TX_RFFE_IF_FREQ_RF_H_FREQ_RF, frequency >> 16 & 0xFF),
        (tx.TX_TOP_A_TX_RFFE_IF_FREQ_RF_M_FREQ_RF, frequency >> 8 & 0xFF),
        (tx.TX_TOP_A_TX_RFFE_IF_FREQ_RF_L_FREQ_RF, frequency & 0xFF),
        (tx.TX_TOP_A_AGC_TX_BW_AGC_TX_BW, bandwidth | (0 if isinstance(modulation, Lora) else NOT_LORA)),
    ]


def _modem(transmission: Transmission, settings: Settings) -> list[Write]:
    modulation = transmission.modulation
    if isinstance(modulation, Lora):
        return _lora(transmission, modulation, public=settings.public)
    if isinstance(modulation, Fsk):
        sync_word = b"\xc1\x94\xc1" if settings.fsk is None else settings.fsk.sync_word
        return _fsk(transmission, modulation, sync_word)
    return _carrier(modulation)


def _deviation(deviation_hz: int) -> list[Write]:
    steps = deviation_hz * FREQUENCY_STEPS // CRYSTAL_HZ
    return [
        (tx.TX_TOP_A_TX_RFFE_IF_FREQ_DEV_H_FREQ_DEV, steps >> 8 & 0xFF),
        (tx.TX_TOP_A_TX_RFFE_IF_FREQ_DEV_L_FREQ_DEV, steps & 0xFF),
    ]


def _agc_deviation(deviation_hz: int) -> list[Write]:
    """Return the deviation in the radio's own unit, for the AGC to pass on."""
    steps = deviation_hz * AGC_DEVIATION_STEPS // CRYSTAL_HZ
    return [
        (agc_mcu.AGC_MCU_MCU_MAIL_BOX_WR_DATA_BYTE2_MCU_MAIL_BOX_WR_DATA, steps >> 16 & 0xFF),
        (agc_mcu.AGC_MCU_MCU_MAIL_BOX_WR_DATA_BYTE1_MCU_MAIL_BOX_WR_DATA, steps >> 8 & 0xFF),
        (agc_mcu.AGC_MCU_MCU_MAIL_BOX_WR_DATA_BYTE0_MCU_MAIL_BOX_WR_DATA, steps & 0xFF),
    ]


def _carrier(modulation: Cw) -> list[Write]:
    offset_khz = modulation.offset_hz / 1000
    deviation_hz = math.ceil(abs(offset_khz) / 10) * 10_000
    ratio = int(offset_khz * 1e3 * 64 / deviation_hz) if deviation_hz else 0
    return [
        *_deviation(deviation_hz),
        *_agc_deviation(deviation_hz),
        (tx.TX_TOP_A_TX_RFFE_IF_TEST_MOD_FREQ, ratio & 0xFF),
    ]


def _preamble(asked: int, default: int, least: int) -> int:
    return default if asked == 0 else max(asked, least)


def _lora(transmission: Transmission, modulation: Lora, *, public: bool) -> list[Write]:
    preamble = _preamble(transmission.preamble_symbols, LORA_PREAMBLE_DEFAULT, LORA_PREAMBLE_MIN)
    peaks = PUBLIC_PEAKS if public and modulation.sf > 6 else PRIVATE_PEAKS
    return [
        *_deviation(modulation.bandwidth_hz // 2),
        (tx.TX_TOP_A_TXRX_CFG0_0_MODEM_BW, BANDWIDTH_CODES[modulation.bandwidth_hz]),
        (tx.TX_TOP_A_TXRX_CFG1_3_PREAMBLE_SYMB_NB, preamble >> 8 & 0xFF),
        (tx.TX_TOP_A_TXRX_CFG1_2_PREAMBLE_SYMB_NB, preamble & 0xFF),
        (tx.TX_TOP_A_TXRX_CFG0_0_MODEM_SF, modulation.sf),
        (tx.TX_TOP_A_TX_CFG0_0_CHIRP_LOWPASS, chirp_lowpass(modulation)),
        (tx.TX_TOP_A_TXRX_CFG0_1_CODING_RATE, modulation.coding_rate),
        (tx.TX_TOP_A_TXRX_CFG0_2_MODEM_EN, 1),
        (tx.TX_TOP_A_TXRX_CFG0_2_CADRXTX, TRANSMIT),
        (tx.TX_TOP_A_TXRX_CFG1_1_MODEM_START, 1),
        (tx.TX_TOP_A_TX_CFG0_0_CONTINUOUS, 0),
        (tx.TX_TOP_A_TX_CFG0_0_CHIRP_INVERT, int(transmission.invert_polarity)),
        (tx.TX_TOP_A_TXRX_CFG0_2_IMPLICIT_HEADER, int(transmission.implicit_header)),
        (tx.TX_TOP_A_TXRX_CFG0_2_CRC_EN, int(transmission.with_crc)),
        (tx.TX_TOP_A_FRAME_SYNCH_0_PEAK1_POS, peaks[0]),
        (tx.TX_TOP_A_FRAME_SYNCH_1_PEAK2_POS, peaks[1]),
        (tx.TX_TOP_A_TXRX_CFG0_2_FINE_SYNCH_EN, int(modulation.sf <= 6)),
        (tx.TX_TOP_A_TXRX_CFG0_3_PAYLOAD_LENGTH, len(transmission.payload)),
        (tx.TX_TOP_A_TXRX_CFG0_1_PPM_OFFSET_HDR_CTRL, 0),
        (tx.TX_TOP_A_TXRX_CFG0_1_PPM_OFFSET, int(low_data_rate(modulation))),
    ]


def _fsk(transmission: Transmission, modulation: Fsk, sync_word: bytes) -> list[Write]:
    preamble = _preamble(transmission.preamble_symbols, FSK_PREAMBLE_DEFAULT, FSK_PREAMBLE_MIN)
    pattern = sync_word + bytes(SYNC_WORD_BYTES - len(sync_word))
    bitrate = CRYSTAL_HZ // modulation.bitrate_bps
    writes: list[Write] = [
        *_deviation(modulation.deviation_hz),
        *_agc_deviation(modulation.deviation_hz),
        (tx.TX_TOP_A_FSK_CFG_0_PKT_MODE, 1),
        (tx.TX_TOP_A_FSK_CFG_0_CRC_EN, int(transmission.with_crc)),
        (tx.TX_TOP_A_FSK_CFG_0_CRC_IBM, 0),
        (tx.TX_TOP_A_FSK_CFG_0_DCFREE_ENC, WHITENING),
        (tx.TX_TOP_A_FSK_MOD_FSK_GAUSSIAN_EN, 1),
        (tx.TX_TOP_A_FSK_MOD_FSK_GAUSSIAN_SELECT_BT, GAUSSIAN_BT_05),
        (tx.TX_TOP_A_FSK_MOD_FSK_REF_PATTERN_EN, 1),
        (tx.TX_TOP_A_FSK_MOD_FSK_REF_PATTERN_SIZE, len(sync_word) - 1),
    ]
    for index in range(SYNC_WORD_BYTES):
        field = BY_NAME[f"TX_TOP_A_FSK_REF_PATTERN_BYTE{index}_FSK_REF_PATTERN"]
        writes.append((field, pattern[SYNC_WORD_BYTES - 1 - index]))
    return [
        *writes,
        (tx.TX_TOP_A_FSK_MOD_FSK_PREAMBLE_SEQ, 0),
        (tx.TX_TOP_A_FSK_BIT_RATE_MSB_BIT_RATE, bitrate >> 8 & 0xFF),
        (tx.TX_TOP_A_FSK_BIT_RATE_LSB_BIT_RATE, bitrate & 0xFF),
        (tx.TX_TOP_A_FSK_PREAMBLE_SIZE_MSB_PREAMBLE_SIZE, preamble >> 8 & 0xFF),
        (tx.TX_TOP_A_FSK_PREAMBLE_SIZE_LSB_PREAMBLE_SIZE, preamble & 0xFF),
        (tx.TX_TOP_A_FSK_PKT_LEN_PKT_LENGTH, len(transmission.payload)),
    ]


def _timer(transmission: Transmission, delay_ticks: int) -> tuple[Write, ...]:
    if transmission.at_us is None:
        return ()
    ticks = (transmission.at_us * 32 - delay_ticks) % (1 << 32)
    return tuple((field, ticks >> 8 * index & 0xFF) for index, field in enumerate(TIMER_FIELDS))

"""The structures and calls of a libloragw that the user built, as ctypes; nothing of it is in this project.

Sources: the public header ``libloragw/inc/loragw_hal.h`` of sx1302_hal 2.1.0, for names, types and order.
"""

import ctypes
from ctypes import (
    Structure,
    c_bool,
    c_char,
    c_float,
    c_int,
    c_int8,
    c_int32,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
)
from typing import Any

SUCCESS, NOT_ALLOWED = 0, 1
SPI = 0
SX1250 = 5
MIXER_GAIN = 5
"""An SX1250 has no mixer gain; the library refuses less."""
BANDWIDTHS = {125_000: 4, 250_000: 5, 500_000: 6}
CARRIER, LORA, FSK = 0x08, 0x10, 0x20
TRIGGERS = {"immediate": 0, "timestamped": 1, "on_gps": 2}
PACKETS = 32
PAYLOAD_BYTES = 256
GAINS, LBT_CHANNELS = 16, 16
PATH_BYTES = 64


class Board(Structure):
    """``lgw_conf_board_s``."""

    _fields_ = [
        ("lorawan_public", c_bool),
        ("clksrc", c_uint8),
        ("full_duplex", c_bool),
        ("com_type", c_int),
        ("com_path", c_char * PATH_BYTES),
    ]


class Compensation(Structure):
    """``lgw_rssi_tcomp_s``."""

    _fields_ = [(f"coeff_{letter}", c_float) for letter in "abcde"]


class Radio(Structure):
    """``lgw_conf_rxrf_s``."""

    _fields_ = [
        ("enable", c_bool),
        ("freq_hz", c_uint32),
        ("rssi_offset", c_float),
        ("rssi_tcomp", Compensation),
        ("type", c_int),
        ("tx_enable", c_bool),
        ("single_input_mode", c_bool),
    ]


class Channel(Structure):
    """``lgw_conf_rxif_s``."""

    _fields_ = [
        ("enable", c_bool),
        ("rf_chain", c_uint8),
        ("freq_hz", c_int32),
        ("bandwidth", c_uint8),
        ("datarate", c_uint32),
        ("sync_word_size", c_uint8),
        ("sync_word", c_uint64),
        ("implicit_hdr", c_bool),
        ("implicit_payload_length", c_uint8),
        ("implicit_crc_en", c_bool),
        ("implicit_coderate", c_uint8),
    ]


class Demodulators(Structure):
    """``lgw_conf_demod_s``."""

    _fields_ = [("multisf_datarate", c_uint8)]


class Received(Structure):
    """``lgw_pkt_rx_s``."""

    _fields_ = [
        ("freq_hz", c_uint32),
        ("freq_offset", c_int32),
        ("if_chain", c_uint8),
        ("status", c_uint8),
        ("count_us", c_uint32),
        ("rf_chain", c_uint8),
        ("modem_id", c_uint8),
        ("modulation", c_uint8),
        ("bandwidth", c_uint8),
        ("datarate", c_uint32),
        ("coderate", c_uint8),
        ("rssic", c_float),
        ("rssis", c_float),
        ("snr", c_float),
        ("snr_min", c_float),
        ("snr_max", c_float),
        ("crc", c_uint16),
        ("size", c_uint16),
        ("payload", c_uint8 * PAYLOAD_BYTES),
        ("ftime_received", c_bool),
        ("ftime", c_uint32),
    ]


class Sent(Structure):
    """``lgw_pkt_tx_s``."""

    _fields_ = [
        ("freq_hz", c_uint32),
        ("tx_mode", c_uint8),
        ("count_us", c_uint32),
        ("rf_chain", c_uint8),
        ("rf_power", c_int8),
        ("modulation", c_uint8),
        ("freq_offset", c_int8),
        ("bandwidth", c_uint8),
        ("datarate", c_uint32),
        ("coderate", c_uint8),
        ("invert_pol", c_bool),
        ("f_dev", c_uint8),
        ("preamble", c_uint16),
        ("no_crc", c_bool),
        ("no_header", c_bool),
        ("size", c_uint16),
        ("payload", c_uint8 * PAYLOAD_BYTES),
    ]


class Gain(Structure):
    """``lgw_tx_gain_s``."""

    _fields_ = [
        ("rf_power", c_int8),
        ("dig_gain", c_uint8),
        ("pa_gain", c_uint8),
        ("dac_gain", c_uint8),
        ("mix_gain", c_uint8),
        ("offset_i", c_int8),
        ("offset_q", c_int8),
        ("pwr_idx", c_uint8),
    ]


class Gains(Structure):
    """``lgw_tx_gain_lut_s``."""

    _fields_ = [("lut", Gain * GAINS), ("size", c_uint8)]


class FineTime(Structure):
    """``lgw_conf_ftime_s``."""

    _fields_ = [("enable", c_bool), ("mode", c_int)]


class LbtChannel(Structure):
    """``lgw_conf_chan_lbt_s``."""

    _fields_ = [
        ("freq_hz", c_uint32),
        ("bandwidth", c_uint8),
        ("scan_time_us", c_int),
        ("transmit_time_ms", c_uint16),
    ]


class Lbt(Structure):
    """``lgw_conf_lbt_s``."""

    _fields_ = [
        ("enable", c_bool),
        ("rssi_target", c_int8),
        ("nb_channel", c_uint8),
        ("channels", LbtChannel * LBT_CHANNELS),
    ]


class Sx1261(Structure):
    """``lgw_conf_sx1261_s``."""

    _fields_ = [
        ("enable", c_bool),
        ("spi_path", c_char * PATH_BYTES),
        ("rssi_offset", c_int8),
        ("lbt_conf", Lbt),
    ]


def load(path: str) -> Any:
    """Return the library at ``path``; its calls answer an int."""
    return ctypes.CDLL(path)

"""Class B beacons, pure: when, and which bytes.

Sources: LoRaWAN 1.0.4 §13.2 and §15 (period 128 s of GPS time, first symbol 1.5 ms after it, CRC-16
CCITT, little endian), RP002-1.0.4 §2.4.6 (EU868: SF9, 869.525 MHz, 17 bytes, implicit header, no CRC,
preamble of 10).
"""

import binascii

PERIOD_US = 128_000_000
DELAY_US = 1_500
PREAMBLE_SYMBOLS = 10
INFO_NET_AND_GATEWAY = 3
"""InfoDesc: NetID and gateway id follow; a position would need one that is known and wanted."""


def next_beacon_us(after_gps_us: int) -> int:
    """Return the GPS time of the first symbol of the first beacon later than an instant.

    >>> next_beacon_us(0) == DELAY_US
    True
    """
    period = -(-(after_gps_us - DELAY_US + 1) // PERIOD_US)
    return period * PERIOD_US + DELAY_US


def beacon_payload(gps_us: int, *, rfu_bytes: int, info: bytes) -> bytes:
    """Return the bytes of the beacon at a GPS time; ``info`` is the seven gateway-specific ones.

    >>> beacon_payload(0xCC020000 * 1_000_000, rfu_bytes=2, info=bytes.fromhex("00012000008103")).hex()
    '0000000002cca27e00012000008103de55'
    """
    seconds = gps_us // PERIOD_US * (PERIOD_US // 1_000_000)
    network = bytes(rfu_bytes) + (seconds % (1 << 32)).to_bytes(4, "little")
    return network + _crc(network) + info + _crc(info)


def gateway_info(eui: str) -> bytes:
    """Return the gateway-specific bytes: NetID 0 and the last three bytes of the gateway's EUI."""
    return bytes((INFO_NET_AND_GATEWAY,)) + bytes(3) + bytes.fromhex(eui)[-3:][::-1]


def _crc(content: bytes) -> bytes:
    return binascii.crc_hqx(content, 0).to_bytes(2, "little")

"""The frame that one gateway sends so that another can show that it hears; what the fleet commands by.

A board is half duplex and never hears itself, so hearing is proved by a neighbour (DESIGN §3).  On air it is
a LoRaWAN frame of type proprietary, which no device and no network server takes for its own:

    MHDR 0xE0 | "VDLT" | nonce, 8 bytes | number of the frame

Source: LoRaWAN 1.0.4 §4.2.1.3 (MType 111, major version R1).
"""

MHDR = 0xE0
MAGIC = b"VDLT"
NONCE_BYTES = 8
FREQUENCIES_HZ = (868_100_000, 868_300_000, 868_500_000)
"""The channels that every EU868 gateway listens to (RP002-1.0.4 §2.4.2); one frame on each."""
_LENGTH = 1 + len(MAGIC) + NONCE_BYTES + 1


def encode_test_frame(nonce: str, index: int) -> bytes:
    """Return the payload of frame ``index``; ``nonce`` is 16 hexadecimal digits.

    >>> encode_test_frame("00112233445566aa", 1).hex()
    'e056444c5400112233445566aa01'
    """
    return bytes([MHDR]) + MAGIC + bytes.fromhex(nonce) + bytes([index])


def decode_test_frame(payload: bytes) -> tuple[str, int] | None:
    """Return (nonce, number of the frame), or None for any other frame.

    >>> decode_test_frame(encode_test_frame("00112233445566aa", 2))
    ('00112233445566aa', 2)
    """
    head = 1 + len(MAGIC)
    if len(payload) != _LENGTH or payload[0] != MHDR or payload[1:head] != MAGIC:
        return None
    return payload[head : head + NONCE_BYTES].hex(), payload[-1]

"""LoRaWAN 1.0.x security: MICs, payload encryption, join-accept, session keys.

The agent needs none of this: it carries frames, it does not open them.  The demo's network server and
virtual sensors do.

Sources: LoRaWAN 1.0.4 (TS001) §4.3.3 payload encryption, §4.4 MIC, §6.2.3 join-accept and session keys.
Vectors: ``tests/golden/lorawan_test_vectors.json``.
"""

from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

MIC_BYTES = 4
UP, DOWN = 0, 1


def mic(key: bytes, message: bytes) -> bytes:
    """Return the first four bytes of AES-CMAC, as join messages carry it."""
    cmac = CMAC(algorithms.AES(key))
    cmac.update(message)
    return cmac.finalize()[:MIC_BYTES]


def data_mic(key: bytes, message: bytes, *, direction: int, address: int, counter: int) -> bytes:
    """Return the MIC of a data frame; ``message`` is MHDR to FRMPayload, ``counter`` all 32 bits."""
    block = bytes((0x49, 0, 0, 0, 0)) + _position(direction, address, counter) + bytes((0, len(message)))
    return mic(key, block + message)


def crypt_payload(key: bytes, payload: bytes, *, direction: int, address: int, counter: int) -> bytes:
    """Return ``payload`` encrypted, or decrypted: the operation is its own inverse."""
    blocks = range(1, len(payload) // 16 + 2)
    head = bytes((1, 0, 0, 0, 0)) + _position(direction, address, counter) + b"\0"
    stream = _encrypt(key, b"".join(head + bytes((index,)) for index in blocks))
    return bytes(a ^ b for a, b in zip(payload, stream, strict=False))


def _position(direction: int, address: int, counter: int) -> bytes:
    return bytes((direction,)) + address.to_bytes(4, "little") + counter.to_bytes(4, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionKeys:
    """What both ends derive from one join."""

    network: bytes
    application: bytes


def session_keys(app_key: bytes, *, app_nonce: int, net_id: int, dev_nonce: int) -> SessionKeys:
    """Return the session keys of one join."""
    tail = app_nonce.to_bytes(3, "little") + net_id.to_bytes(3, "little") + dev_nonce.to_bytes(2, "little")
    padded = tail + bytes(7)
    return SessionKeys(
        network=_encrypt(app_key, b"\1" + padded), application=_encrypt(app_key, b"\2" + padded)
    )


def seal_join_accept(app_key: bytes, header: int, fields: bytes) -> bytes:
    """Return the PHYPayload of a join-accept; ``fields`` is AppNonce to CFList in the clear.

    The server *decrypts*, so that a device needs the encrypting half of AES only.
    """
    check = mic(app_key, bytes((header,)) + fields)
    context = Cipher(algorithms.AES(app_key), modes.ECB()).decryptor()  # noqa: S305 - what the standard says
    return bytes((header,)) + context.update(fields + check) + context.finalize()


def open_join_accept(app_key: bytes, phy: bytes) -> bytes | None:
    """Return the fields of a join-accept in the clear, or None when its MIC is not for ``app_key``."""
    if len(phy) not in (17, 33):
        return None
    clear = _encrypt(app_key, phy[1:])
    fields, check = clear[:-MIC_BYTES], clear[-MIC_BYTES:]
    return fields if mic(app_key, phy[:1] + fields) == check else None


def _encrypt(key: bytes, blocks: bytes) -> bytes:
    context = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - what the standard says
    return context.update(blocks) + context.finalize()

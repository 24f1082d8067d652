"""Both verifiers of Ed25519 under one contract: the interpreter's libcrypto, and ``cryptography``."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from agent import fleet_key
from agent.fleet_key import FleetKey

VECTORS = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
)
"""RFC 8032 §7.1, tests 1 to 3: public key, message, signature."""
Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]


def by_libcrypto() -> Verify:
    library = fleet_key.libcrypto()
    assert library is not None, "this interpreter shows no libcrypto: the gateway would load cryptography"
    return partial(fleet_key.holds_by_libcrypto, library)


@pytest.fixture(params=["libcrypto", "cryptography"])
def verify(request: pytest.FixtureRequest) -> Verify:
    return by_libcrypto() if request.param == "libcrypto" else fleet_key.holds_by_cryptography


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_the_vectors_of_the_standard_hold(verify: Verify, key: str, message: str, signature: str) -> None:
    assert verify(bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message))


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_no_bit_may_differ(verify: Verify, key: str, message: str, signature: str) -> None:
    raw, signed, data = bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(message)
    for bit in range(8 * len(signed)):
        assert not verify(raw, flipped(signed, bit), data)
    for bit in range(8 * len(data)):
        assert not verify(raw, signed, flipped(data, bit))
    assert not verify(raw, signed, data + b"\0")
    assert not verify(flipped(raw, 0), signed, data)


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@given(raw=st.binary(min_size=32, max_size=32), signature=st.binary(min_size=64, max_size=64))
def test_both_judge_any_bytes_alike(raw: bytes, signature: bytes) -> None:
    expected = fleet_key.holds_by_cryptography(raw, signature, b"data")
    assert by_libcrypto()(raw, signature, b"data") == expected


@given(seed=st.binary(min_size=32, max_size=32), data=st.binary(max_size=300))
def test_what_was_signed_holds_for_both(seed: bytes, data: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw, signature = key.public_key().public_bytes_raw(), key.sign(data)
    assert by_libcrypto()(raw, signature, data)
    assert fleet_key.holds_by_cryptography(raw, signature, data)
    assert FleetKey(raw).signed(signature, data)


@pytest.mark.parametrize("size_bytes", [0, 63, 65, 128])
def test_a_signature_of_another_length_never_holds(size_bytes: int) -> None:
    assert not FleetKey(bytes.fromhex(VECTORS[0][0])).signed(bytes(size_bytes), b"")


@pytest.mark.parametrize("size_bytes", [0, 31, 33])
def test_a_key_of_another_length_is_refused(size_bytes: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        FleetKey(bytes(size_bytes))


def test_an_interpreter_without_a_libcrypto_asks_cryptography() -> None:
    """A module without the symbols stands where the interpreter's TLS is looked for."""
    key, message, signature = VECTORS[1]
    program = (
        "import _ctypes, _ssl, sys; _ssl.__file__ = _ctypes.__file__\n"
        "from agent import fleet_key\n"
        "assert fleet_key.libcrypto() is None\n"
        f"key = fleet_key.FleetKey(bytes.fromhex({key!r}))\n"
        f"assert key.signed(bytes.fromhex({signature!r}), bytes.fromhex({message!r}))\n"
        f"assert not key.signed(bytes(64), bytes.fromhex({message!r}))\n"
        "assert 'cryptography' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)

"""The validity of a certificate as ``cryptography`` reads it, and what is refused."""

import ssl
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from agent.certificate import validity_us

KEY = ec.generate_private_key(ec.SECP256R1())
SECONDS = st.datetimes(datetime(1951, 1, 1), datetime(2200, 1, 1)).map(  # noqa: DTZ001  # hypothesis wants naive
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)


def certificate(begins: datetime, ends: datetime, name: str = "0016c001f12a3b4c") -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, KEY.public_key(), 1, begins, ends)
    return builder.sign(KEY, hashes.SHA256())


def pem_of(made: x509.Certificate) -> str:
    return made.public_bytes(Encoding.PEM).decode()


MADE = certificate(datetime(2026, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC))


def micros(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


@given(begins=SECONDS, lasts=st.integers(0, 50_000 * 86_400), name=st.text("aé", min_size=1, max_size=60))
def test_both_instants_are_read_as_cryptography_does(begins: datetime, lasts: int, name: str) -> None:
    made = certificate(begins, begins + timedelta(seconds=lasts), name)
    expected = micros(made.not_valid_before_utc), micros(made.not_valid_after_utc)
    assert validity_us(pem_of(made)) == expected


def test_what_stands_around_the_certificate_does_not_matter() -> None:
    made = pem_of(MADE)
    assert validity_us(f"text\n{made}-----BEGIN PRIVATE KEY-----\n{made}") == validity_us(made)


@pytest.mark.parametrize(
    "text",
    ["", "rubbish", "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE----------BEGIN CERTIFICATE-----"],
)
def test_no_certificate_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        validity_us(text)


@given(data=st.data())
def test_damaged_bytes_raise_nothing_but_a_value_error(data: st.DataObject) -> None:
    der = bytearray(MADE.public_bytes(Encoding.DER))
    for at in data.draw(st.lists(st.integers(0, len(der) - 1), min_size=1, max_size=4)):
        der[at] = data.draw(st.integers(0, 255))
    cut = bytes(der[: data.draw(st.integers(1, len(der)))])
    try:
        begins, ends = validity_us(ssl.DER_cert_to_PEM_cert(cut))
    except ValueError:
        return
    assert isinstance(begins, int)
    assert isinstance(ends, int)

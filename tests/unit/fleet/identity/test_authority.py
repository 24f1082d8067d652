import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from fleet.identity.authority import (
    CSR_LIMIT_BYTES,
    RequestRefused,
    check_request,
    found_authority,
    read_authority,
    revocation_list,
)
from fleet.identity.keys import KeyFileError
from tests.unit.fleet.founded import EUIS, NOW_US
from tests.unit.fleet.identity.certificates import csr_of


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return found_authority(tmp_path_factory.mktemp("keys"), NOW_US)


def test_a_gateway_gets_ninety_days_in_its_own_name(authority):
    issued = authority.issue_gateway(check_request(csr_of(EUIS[0]), EUIS[0]), EUIS[0], NOW_US)
    certificate = issued.certificate
    certificate.verify_directly_issued_by(authority.certificate)
    assert certificate.subject.rfc4514_string() == f"CN={EUIS[0]}"
    now = dt.datetime.fromtimestamp(NOW_US / 1e6, dt.UTC)
    assert certificate.not_valid_after_utc - now == dt.timedelta(days=90)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert issued.not_after_us == NOW_US + 90 * 86_400_000_000


def test_a_server_certificate_names_its_hosts(authority):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    issued = authority.issue_server(("broker.example.fr", "127.0.0.1"), key, NOW_US)
    names = issued.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["broker.example.fr"]
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("csr", "words"),
    [
        ("rubbish", "not a PEM"),
        ("x" * (CSR_LIMIT_BYTES + 1), "at most"),
        (csr_of(EUIS[1]), "common name"),
        (csr_of(EUIS[0], ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (csr_of(EUIS[0], ed25519.Ed25519PrivateKey.generate()), "P-256"),
    ],
    ids=["rubbish", "too large", "another name", "another curve", "another kind"],
)
def test_a_request_that_is_not_acceptable_names_the_field(csr, words):
    with pytest.raises(RequestRefused, match=words) as caught:
        check_request(csr, EUIS[0])
    assert caught.value.field == "csr_pem"


def test_the_authority_is_read_back_and_its_key_is_private(tmp_path):
    made = found_authority(tmp_path, NOW_US)
    assert read_authority(tmp_path).certificate == made.certificate
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        found_authority(tmp_path, NOW_US)


def test_a_missing_key_says_what_makes_it(tmp_path):
    with pytest.raises(KeyFileError, match="fleet init"):
        read_authority(tmp_path)


def test_the_revocation_list_holds_the_serials(authority):
    pem = revocation_list(authority, (("1f", NOW_US),), NOW_US)
    listed = x509.load_pem_x509_crl(pem)
    assert listed.is_signature_valid(authority.certificate.public_key())
    assert [one.serial_number for one in listed] == [0x1F]

"""A signature is optional, and a validator that is not ours accepts it."""

import datetime as dt
import io

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fleet.reports.model import Report
from fleet.reports.pdf import pdf_of
from fleet.reports.signature import PASSPHRASE_VARIABLE, Signature, SignatureError, signed

pyhanko = pytest.importorskip("pyhanko")
REPORT = Report(title="Disponibilité", subtitle="Essai", sentences=("Une phrase.",), tables=())
PASSPHRASE = "une phrase"


@pytest.fixture(scope="module")
def pdf():
    return pdf_of(REPORT)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("signer")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "SMO, essai")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=True,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "signer.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    sealed = serialization.BestAvailableEncryption(PASSPHRASE.encode())
    (folder / "signer.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, sealed)
    )
    return folder


def signature(folder):
    return Signature(key=str(folder / "signer.key"), certificate=str(folder / "signer.pem"))


def status_of(pdf, folder):
    from pyhanko.keys import load_cert_from_pemder
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    (one,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    context = ValidationContext(trust_roots=[load_cert_from_pemder(str(folder / "signer.pem"))])
    return one, validate_pdf_signature(one, signer_validation_context=context)


def test_without_a_setting_nothing_is_signed(pdf):
    assert b"/ByteRange" not in pdf


def test_a_validator_accepts_the_signature(pdf, files):
    made = signed(pdf, signature(files), {PASSPHRASE_VARIABLE: PASSPHRASE})
    assert made.startswith(pdf)
    one, status = status_of(made, files)
    assert status.bottom_line
    assert one.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"


def test_a_changed_report_is_not_accepted(pdf, files):
    made = signed(pdf, signature(files), {PASSPHRASE_VARIABLE: PASSPHRASE})
    at = made.index(b"%PDF-") + 7
    _, status = status_of(made[:at] + bytes([made[at] ^ 1]) + made[at + 1 :], files)
    assert not status.intact


@pytest.mark.parametrize("passphrase", ["", "une autre"])
def test_another_passphrase_is_said(pdf, files, passphrase):
    with pytest.raises(SignatureError, match="passphrase"):
        signed(pdf, signature(files), {PASSPHRASE_VARIABLE: passphrase})


def test_a_missing_key_is_named(pdf, files):
    with pytest.raises(SignatureError, match=r"signature\.key"):
        signed(pdf, Signature(key=str(files / "none"), certificate=str(files / "signer.pem")), {})

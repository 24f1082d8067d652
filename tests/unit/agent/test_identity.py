from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.identity import BadCertificate, Identity
from agent.wire.renewal import renewal_holds
from tests.controlpath.virtual import EUI, Authority


def public_key(csr_pem: str) -> object:
    return x509.load_pem_x509_csr(csr_pem.encode()).public_key()


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    return Identity(tmp_path / "identity", eui=EUI)


def test_the_key_is_made_once_and_private(identity: Identity) -> None:
    assert identity.key_path.stat().st_mode & 0o777 == 0o600
    assert identity.folder.stat().st_mode & 0o777 == 0o700
    before = identity.key_path.read_bytes()
    Identity(identity.folder, eui=EUI)
    assert identity.key_path.read_bytes() == before


def test_a_certificate_of_the_fleet_is_kept(identity: Identity, authority: Authority) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    assert Identity(identity.folder, eui=EUI).enrolled
    assert identity.validity_us() is not None
    assert identity.certificate_path.stat().st_mode & 0o777 == 0o600


def test_foreign_certificates_are_refused(identity: Identity, authority: Authority, tmp_path: Path) -> None:
    other = Identity(tmp_path / "other", eui=EUI)
    neighbour = Identity(tmp_path / "neighbour", eui="0016c001f12a3b4d")
    for certificate, ca, why in (
        (authority.sign(other.csr_pem()), authority.pem, "another key"),
        (authority.sign(neighbour.csr_pem()), authority.pem, "this is"),
        (Authority().sign(identity.csr_pem()), authority.pem, "not signed"),
        ("rubbish", authority.pem, "not signed"),
    ):
        with pytest.raises(BadCertificate, match=why):
            identity.accept(certificate, ca)
    assert not identity.enrolled


def test_renewal_keeps_the_key_and_is_signed_with_it(identity: Identity, authority: Authority) -> None:
    with pytest.raises(BadCertificate, match="nothing to renew"):
        identity.renewal(new_key=False)
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    request = identity.renewal(new_key=False)
    public = x509.load_pem_x509_certificate(request.certificate_pem.encode()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert renewal_holds(public, request)
    assert b"PRIVATE" not in request.certificate_pem.encode()
    key = identity.key_path.read_bytes()
    identity.accept(authority.sign(request.csr_pem), authority.pem)
    assert identity.key_path.read_bytes() == key


def test_rotation_changes_key_and_certificate_together(identity: Identity, authority: Authority) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    old = identity.key_path.read_bytes()
    request = identity.renewal(new_key=True)
    assert identity.key_path.read_bytes() == old
    identity.accept(authority.sign(request.csr_pem), authority.pem)
    assert identity.key_path.read_bytes() != old
    assert not (identity.folder / "key-next.pem").exists()


def test_power_cut_between_certificate_and_key_file_keeps_the_pair(
    identity: Identity, authority: Authority
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    old = identity.key_path.read_bytes()
    request = identity.renewal(new_key=True)
    identity.accept(authority.sign(request.csr_pem), authority.pem)
    identity.key_path.write_bytes(old)
    again = Identity(identity.folder, eui=EUI)
    assert again.renewal(new_key=False).csr_pem
    again.accept(authority.sign(again.csr_pem()), authority.pem)


def test_an_answer_for_the_old_key_while_a_new_one_waits_is_refused(
    identity: Identity, authority: Authority
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    identity.renewal(new_key=True)
    with pytest.raises(BadCertificate, match="another key"):
        identity.accept(authority.sign(identity.csr_pem()), authority.pem)


@pytest.mark.parametrize("new_key", [False, True])
def test_a_key_that_waits_is_asked_for_until_its_answer_arrives(
    identity: Identity, authority: Authority, new_key: bool
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    assert not identity.key_waits
    waiting = public_key(identity.renewal(new_key=True).csr_pem)
    assert identity.key_waits
    again = Identity(identity.folder, eui=EUI).renewal(new_key=new_key).csr_pem
    assert public_key(again) == waiting
    identity.accept(authority.sign(again), authority.pem)
    assert not identity.key_waits
    assert public_key(identity.csr_pem()) == waiting


def test_a_waiting_key_that_is_worn_is_set_aside(identity: Identity, authority: Authority) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    (identity.folder / "key-next.pem").write_bytes(b"rubbish")
    assert public_key(identity.renewal(new_key=False).csr_pem) == public_key(identity.csr_pem())
    assert (identity.folder / "key-next.pem.damaged").exists()


@pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_a_worn_certificate_comes_back_from_its_copy(
    identity: Identity, authority: Authority, content: bytes
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    whole = identity.certificate_path.read_bytes()
    identity.certificate_path.write_bytes(content)
    assert Identity(identity.folder, eui=EUI).enrolled
    assert identity.certificate_path.read_bytes() == whole


def test_an_identity_that_is_all_worn_is_set_aside_and_begins_anew(
    identity: Identity, authority: Authority
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    for path in (identity.certificate_path, identity.copy_path, identity.key_path):
        path.write_bytes(b"rubbish")
    again = Identity(identity.folder, eui=EUI)
    assert not again.enrolled
    again.accept(authority.sign(again.csr_pem()), authority.pem)
    assert (identity.folder / "key.pem.damaged").read_bytes() == b"rubbish"


def test_a_worn_key_file_beside_a_whole_certificate_does_not_matter(
    identity: Identity, authority: Authority
) -> None:
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    identity.key_path.write_bytes(b"rubbish")
    request = Identity(identity.folder, eui=EUI).renewal(new_key=False)
    public = x509.load_pem_x509_certificate(request.certificate_pem.encode()).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert renewal_holds(public, request)


def test_the_authority_of_the_order_is_put_back(identity: Identity, authority: Authority) -> None:
    identity.trust(authority.pem)
    assert not identity.ca_path.exists()
    identity.accept(authority.sign(identity.csr_pem()), authority.pem)
    identity.ca_path.write_bytes(b"rubbish")
    identity.trust(authority.pem)
    assert identity.ca_path.read_text() == authority.pem

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from agent.wire.renewal import sign_renewal
from fleet.durations import DAY_US
from fleet.identity.authority import found_authority
from fleet.identity.enrolments import revoke, store_token
from fleet.identity.foundation import broker_files
from fleet.web.api.enrolments import BODY_LIMIT_BYTES
from tests.unit.fleet.founded import EUIS, NOW_US
from tests.unit.fleet.identity.certificates import csr_of, enrolment
from tests.unit.fleet.web.api.site import Site


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, open_access=False)


def order(site, token="secret", eui=EUIS[0]):
    with site.database.write() as connection:
        told = {"valid_until_us": NOW_US + DAY_US, "who": "t", "now_us": NOW_US}
        store_token(connection, site.keys.authority, token=token, eui=eui, **told)


def post(site, path, asked):
    return site.client.post(f"/api/v1/{path}", content=msgspec.json.encode(asked))


def enrolled(site, key):
    order(site)
    answer = post(site, "enrolments", enrolment(EUIS[0], "secret", key))
    assert answer.status_code == 201, answer.text
    return answer.json()["certificate_pem"]


def test_a_gateway_enrols_without_a_login(site):
    certificate = x509.load_pem_x509_certificate(enrolled(site, None).encode())
    certificate.verify_directly_issued_by(site.keys.authority.certificate)


def test_a_used_token_is_refused_with_its_field_and_word(site):
    enrolled(site, None)
    answer = post(site, "enrolments", enrolment(EUIS[0], "secret"))
    assert answer.status_code == 409
    told = answer.json()
    assert (told["field"], told["reason"]) == ("proof", "used")


@pytest.mark.parametrize(
    ("token", "later_us", "reason"), [("other", 0, "foreign"), ("secret", 2 * DAY_US, "expired")]
)
def test_other_tokens_are_refused(site, token, later_us, reason):
    order(site)
    site.clock.now += later_us
    answer = post(site, "enrolments", enrolment(EUIS[0], token))
    assert (answer.status_code, answer.json()["reason"]) == (403, reason)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"", "body"),
        (b"\xff", "body"),
        (b"[]", "body"),
        (b'{"eui":"0016C001F1000001","csr_pem":"","proof":""}', "eui"),
        (b'{"eui":1,"csr_pem":"","proof":""}', "eui"),
        (b'{"eui":"0016c001f1000001","csr_pem":"x","proof":"x"}', "csr_pem"),
    ],
)
def test_what_is_not_a_request_names_its_field(site, body, field):
    answer = site.client.post("/api/v1/enrolments", content=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)


@pytest.mark.parametrize(("extra", "status"), [(-1, 422), (0, 422), (1, 413)])
def test_a_body_has_a_limit(site, extra, status):
    assert (
        site.client.post("/api/v1/enrolments", content=b"x" * (BODY_LIMIT_BYTES + extra)).status_code
        == status
    )


def renewal(certificate, key, *, signer=None, eui=EUIS[0]):
    return sign_renewal(signer or key, eui=eui, certificate_pem=certificate, csr_pem=csr_of(eui, key))


@pytest.mark.parametrize("later_days", [30, 89, 400], ids=["a third", "last day", "expired long ago"])
def test_the_key_of_a_certificate_gets_the_next_one_even_after_its_end(site, later_days):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = enrolled(site, key)
    site.clock.now += later_days * DAY_US
    answer = post(site, "renewals", renewal(certificate, key))
    assert answer.status_code == 201, answer.text
    assert answer.json()["certificate_pem"] != certificate


def test_a_renewal_signed_with_another_key_is_refused(site):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = enrolled(site, key)
    other = ec.generate_private_key(ec.SECP256R1())
    answer = post(site, "renewals", renewal(certificate, key, signer=other))
    assert (answer.status_code, answer.json()["field"]) == (403, "signature_hex")


def test_a_renewal_for_another_gateway_is_refused(site):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = enrolled(site, key)
    answer = post(site, "renewals", renewal(certificate, key, eui=EUIS[1]))
    assert (answer.status_code, answer.json()["reason"]) == (403, "foreign")


def test_a_certificate_of_another_fleet_is_refused(site, tmp_path):
    (tmp_path / "other").mkdir()
    other = found_authority(tmp_path / "other", NOW_US)
    key = ec.generate_private_key(ec.SECP256R1())
    csr = x509.load_pem_x509_csr(csr_of(EUIS[0], key).encode())
    certificate = other.issue_gateway(csr, EUIS[0], NOW_US).pem
    answer = post(site, "renewals", renewal(certificate, key))
    assert (answer.status_code, answer.json()["field"]) == (422, "certificate_pem")


def test_a_revoked_gateway_is_not_renewed_and_the_broker_is_told(site):
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = enrolled(site, key)
    with site.database.write() as connection:
        assert len(revoke(connection, EUIS[0], reason="stolen", who="anne", now_us=NOW_US)) == 1
    answer = post(site, "renewals", renewal(certificate, key))
    assert (answer.status_code, answer.json()["reason"]) == (403, "revoked")
    acl = broker_files(site.folder).acl
    assert EUIS[0] not in acl.read_text()
    order(site, "new box")
    assert post(site, "enrolments", enrolment(EUIS[0], "new box")).status_code == 201
    listed = x509.load_pem_x509_crl(broker_files(site.folder).revoked.read_bytes())
    trial = x509.load_pem_x509_certificate((broker_files(site.folder).folder / "trial.pem").read_bytes())
    stolen = x509.load_pem_x509_certificate(certificate.encode())
    assert {each.serial_number for each in listed} == {stolen.serial_number, trial.serial_number}

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from agent.wire.enrolment import EnrolmentRequest, proof_of, token_key
from agent.wire.renewal import sign_renewal
from fleet.db.outside import InsideWrite
from fleet.durations import DAY_US
from fleet.identity.authority import check_request, found_authority
from fleet.identity.enrolment import EnrolmentRefused
from fleet.identity.enrolments import enrol, renew, revoke, store_token
from fleet.identity.revocation import load_rights
from fleet.identity.tables import audit_log, certificates, enrolment_tokens
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database
from tests.unit.fleet.identity.certificates import csr_of, enrolment

LATER_US = NOW_US + 1_000_000


@cache
def the_authority():
    with TemporaryDirectory() as folder:
        return found_authority(Path(folder), NOW_US)


@pytest.fixture
def authority():
    return the_authority()


@pytest.fixture
def database(tmp_path):
    return founded_database(tmp_path)


def order(database, token, eui=EUIS[0]):
    with database.write() as connection:
        told = {"valid_until_us": NOW_US + 9_000_000, "who": "t", "now_us": NOW_US}
        store_token(connection, the_authority(), token=token, eui=eui, **told)


def rows(database, *columns):
    with database.read() as connection:
        return connection.execute(select(*columns)).all()


def test_a_token_gives_one_certificate_and_is_never_stored_itself(database, authority):
    order(database, "secret")
    outcome = enrol(database, authority, enrolment(EUIS[0], "secret"), LATER_US)
    assert not isinstance(outcome, EnrolmentRefused)
    (row,) = rows(database, enrolment_tokens)
    assert row.used_at_us == LATER_US
    assert row.used_serial == outcome.issued.serial
    assert b"secret" not in row.derived_key
    assert rows(database, audit_log.c.action) == [("gateway.enrol",)]


def test_the_same_key_is_answered_again_another_is_not(database, authority):
    key = ec.generate_private_key(ec.SECP256R1())
    order(database, "secret")
    enrol(database, authority, enrolment(EUIS[0], "secret", key), LATER_US)
    again = enrol(database, authority, enrolment(EUIS[0], "secret", key), LATER_US)
    assert not isinstance(again, EnrolmentRefused)
    refused = enrol(database, authority, enrolment(EUIS[0], "secret"), LATER_US)
    assert isinstance(refused, EnrolmentRefused)
    assert refused.reason == "used"


def test_a_token_of_another_gateway_is_foreign(database, authority):
    order(database, "secret")
    refused = enrol(database, authority, enrolment(EUIS[1], "secret"), LATER_US)
    assert isinstance(refused, EnrolmentRefused)
    assert refused.reason == "foreign"


def test_a_new_order_revokes_the_unused_one(database, authority):
    order(database, "first")
    order(database, "second")
    refused = enrol(database, authority, enrolment(EUIS[0], "first"), LATER_US)
    assert isinstance(refused, EnrolmentRefused)
    assert refused.reason == "revoked"


def test_a_replaced_box_revokes_the_old_ones_certificate(database, authority):
    order(database, "first")
    old = enrol(database, authority, enrolment(EUIS[0], "first"), LATER_US)
    order(database, "second")
    new = enrol(database, authority, enrolment(EUIS[0], "second"), LATER_US + 1)
    assert new.revoked == (old.issued.serial,)
    assert dict(rows(database, certificates.c.serial, certificates.c.revoked_at_us)) == {
        old.issued.serial: LATER_US + 1,
        new.issued.serial: None,
    }


def renewal(present, key, new_key):
    return sign_renewal(
        key, eui=EUIS[0], certificate_pem=present.issued.pem, csr_pem=csr_of(EUIS[0], new_key)
    )


def test_a_renewal_to_a_new_key_retires_the_old_one_and_is_answered_again(database, authority):
    old, new, third = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    order(database, "secret")
    first = enrol(database, authority, enrolment(EUIS[0], "secret", old), LATER_US)
    same = renew(database, authority, renewal(first, old, old), LATER_US)
    assert (same.revoked, same.changes_rights) == ((), False)
    rotated = renew(database, authority, renewal(first, old, new), LATER_US)
    assert set(rotated.revoked) == {first.issued.serial, same.issued.serial}
    assert rotated.changes_rights
    again = renew(database, authority, renewal(first, old, new), LATER_US)
    assert again.issued.certificate.public_key() == new.public_key()
    for asked in (renewal(first, old, old), renewal(same, old, third)):
        refused = renew(database, authority, asked, LATER_US)
        assert (refused.field, refused.reason) == ("certificate_pem", "revoked")
    rights = load_rights(database, LATER_US)
    assert {serial for serial, _ in rights.unconfirmed} == set(rotated.revoked)
    assert rights.denied == ()


def test_after_a_revocation_nothing_of_the_gateway_is_renewed(database, authority):
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    order(database, "secret")
    first = enrol(database, authority, enrolment(EUIS[0], "secret", old), LATER_US)
    rotated = renew(database, authority, renewal(first, old, new), LATER_US)
    with database.write() as connection:
        revoke(connection, EUIS[0], reason="stolen", who="t", now_us=LATER_US)
    for asked in (renewal(first, old, new), renewal(rotated, new, new)):
        assert renew(database, authority, asked, LATER_US).reason == "revoked"
    assert load_rights(database, LATER_US).denied == (EUIS[0],)


def test_an_ended_certificate_leaves_the_list_but_not_the_denial(database, authority):
    order(database, "secret")
    enrol(database, authority, enrolment(EUIS[0], "secret"), LATER_US)
    with database.write() as connection:
        revoke(connection, EUIS[0], reason="stolen", who="t", now_us=LATER_US)
    soon, late = (load_rights(database, NOW_US + days * DAY_US) for days in (90, 92))
    assert (len(soon.revoked), len(late.revoked)) == (1, 0)
    assert late.denied == (EUIS[0],)


def test_nothing_is_signed_inside_a_transaction(database, authority):
    order(database, "secret")
    asked = enrolment(EUIS[0], "secret")
    with database.write(), pytest.raises(InsideWrite):
        authority.issue_gateway(check_request(asked.csr_pem, EUIS[0]), EUIS[0], LATER_US)


def test_a_row_of_the_database_enrols_nobody(database, authority):
    """Who reads rows proves nothing with them; who writes them makes no token, nor moves one."""
    order(database, "secret")
    with database.read() as connection:
        sealed = connection.scalar(select(enrolment_tokens.c.derived_key))
    for key in (sealed, sealed[-32:], sealed[:32]):
        asked = EnrolmentRequest(eui=EUIS[0], csr_pem=csr_of(EUIS[0]), proof="")
        asked = msgspec.structs.replace(asked, proof=proof_of(key, asked.eui, asked.csr_pem))
        assert isinstance(enrol(database, authority, asked, NOW_US), EnrolmentRefused)
    with database.write() as connection:
        connection.execute(enrolment_tokens.update().values(eui=EUIS[1]))
    assert isinstance(enrol(database, authority, enrolment(EUIS[1], "secret"), NOW_US), EnrolmentRefused)
    with database.write() as connection:
        connection.execute(enrolment_tokens.update().values(derived_key=token_key("mine")))
    assert isinstance(enrol(database, authority, enrolment(EUIS[1], "mine"), NOW_US), EnrolmentRefused)

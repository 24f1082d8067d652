import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from fleet.identity.authority import found_authority
from fleet.identity.enrolment import EnrolmentRefused
from fleet.identity.enrolments import enrol, store_token
from fleet.identity.tables import audit_log, certificates, enrolment_tokens
from tests.unit.fleet.founded import EUIS, NOW_US, founded_database
from tests.unit.fleet.identity.certificates import enrolment

LATER_US = NOW_US + 1_000_000


@pytest.fixture
def authority(tmp_path):
    return found_authority(tmp_path, NOW_US)


def order(connection, token, eui=EUIS[0]):
    store_token(connection, token=token, eui=eui, valid_until_us=NOW_US + 9_000_000, who="t", now_us=NOW_US)


def test_a_token_gives_one_certificate_and_is_never_stored_itself(tmp_path, authority):
    with founded_database(tmp_path).write() as connection:
        order(connection, "secret")
        outcome = enrol(connection, authority, enrolment(EUIS[0], "secret"), LATER_US)
        assert not isinstance(outcome, EnrolmentRefused)
        row = connection.execute(select(enrolment_tokens)).mappings().one()
        assert row["used_at_us"] == LATER_US
        assert row["used_serial"] == outcome.issued.serial
        assert b"secret" not in row["derived_key"]
        actions = list(connection.scalars(select(audit_log.c.action)))
        assert actions == ["gateway.enrol"]


def test_the_same_key_is_answered_again_another_is_not(tmp_path, authority):
    key = ec.generate_private_key(ec.SECP256R1())
    with founded_database(tmp_path).write() as connection:
        order(connection, "secret")
        enrol(connection, authority, enrolment(EUIS[0], "secret", key), LATER_US)
        assert not isinstance(
            enrol(connection, authority, enrolment(EUIS[0], "secret", key), LATER_US), EnrolmentRefused
        )
        refused = enrol(connection, authority, enrolment(EUIS[0], "secret"), LATER_US)
        assert isinstance(refused, EnrolmentRefused)
        assert refused.reason == "used"


def test_a_token_of_another_gateway_is_foreign(tmp_path, authority):
    with founded_database(tmp_path).write() as connection:
        order(connection, "secret")
        refused = enrol(connection, authority, enrolment(EUIS[1], "secret"), LATER_US)
        assert isinstance(refused, EnrolmentRefused)
        assert refused.reason == "foreign"


def test_a_new_order_revokes_the_unused_one(tmp_path, authority):
    with founded_database(tmp_path).write() as connection:
        order(connection, "first")
        order(connection, "second")
        refused = enrol(connection, authority, enrolment(EUIS[0], "first"), LATER_US)
        assert isinstance(refused, EnrolmentRefused)
        assert refused.reason == "revoked"


def test_a_replaced_box_revokes_the_old_ones_certificate(tmp_path, authority):
    with founded_database(tmp_path).write() as connection:
        order(connection, "first")
        old = enrol(connection, authority, enrolment(EUIS[0], "first"), LATER_US)
        order(connection, "second")
        new = enrol(connection, authority, enrolment(EUIS[0], "second"), LATER_US + 1)
        assert new.revoked == (old.issued.serial,)
        query = select(certificates.c.serial, certificates.c.revoked_at_us)
        assert dict(connection.execute(query).all()) == {
            old.issued.serial: LATER_US + 1,
            new.issued.serial: None,
        }

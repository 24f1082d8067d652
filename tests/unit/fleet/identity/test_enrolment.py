"""The whole table of ``decide``: every state of a token × the same key, another key."""

import pytest

from agent.wire.enrolment import EnrolmentRequest, proof_of, token_key
from fleet.identity.enrolment import Accepted, EnrolmentRefused, Token, decide
from tests.unit.fleet.founded import EUIS, NOW_US

KEY = token_key("a token")
SAME, OTHER = "aa", "bb"
CSR = "csr"


def asked(eui=EUIS[0], key=KEY, csr=CSR):
    return EnrolmentRequest(eui=eui, csr_pem=csr, proof=proof_of(key, eui, CSR))


def token(**fields):
    return Token(**({"id": 1, "eui": EUIS[0], "derived_key": KEY, "valid_until_at_us": NOW_US + 1} | fields))


UNUSED = token()
EXPIRED = token(valid_until_at_us=NOW_US)
REVOKED = token(revoked_at_us=NOW_US - 1)
USED = token(used_at_us=NOW_US - 1, used_public_key_sha256=SAME)
USED_EXPIRED = token(used_at_us=NOW_US - 1, used_public_key_sha256=SAME, valid_until_at_us=NOW_US - 1)
USED_CERTIFICATE_REVOKED = token(used_at_us=NOW_US - 1, used_public_key_sha256=None)


@pytest.mark.parametrize(
    ("stored", "fingerprint", "expected"),
    [
        (UNUSED, SAME, Accepted(token_id=1, first=True)),
        (UNUSED, OTHER, Accepted(token_id=1, first=True)),
        (EXPIRED, SAME, "expired"),
        (REVOKED, SAME, "revoked"),
        (USED, SAME, Accepted(token_id=1, first=False)),
        (USED, OTHER, "used"),
        (USED_EXPIRED, SAME, Accepted(token_id=1, first=False)),
        (USED_CERTIFICATE_REVOKED, SAME, "used"),
    ],
)
def test_table(stored, fingerprint, expected):
    outcome = decide(asked(), fingerprint, (stored,), NOW_US)
    if isinstance(expected, str):
        assert isinstance(outcome, EnrolmentRefused)
        assert (outcome.field, outcome.reason) == ("proof", expected)
    else:
        assert outcome == expected


@pytest.mark.parametrize(
    "request_",
    [asked(key=token_key("another")), asked(csr="changed on the way"), asked(eui=EUIS[1])],
    ids=["foreign token", "changed CSR", "another EUI"],
)
def test_no_proof_is_foreign(request_):
    outcome = decide(request_, SAME, (UNUSED,), NOW_US)
    if request_.eui == EUIS[1]:
        assert isinstance(outcome, Accepted)  # tokens are looked up by EUI: the store gives none of another
    else:
        assert isinstance(outcome, EnrolmentRefused)
        assert outcome.reason == "foreign"


def test_among_several_tokens_the_one_that_made_the_proof_counts():
    old = token(id=2, derived_key=token_key("old"), revoked_at_us=1)
    assert decide(asked(), SAME, (old, UNUSED), NOW_US) == Accepted(token_id=1, first=True)

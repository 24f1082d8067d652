import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.wire.onsite import (
    CHALLENGE_CHARACTERS,
    CURVE,
    ChallengeUnfit,
    asked_code,
    challenge_of,
    shown_code,
)

FRESH = ec.derive_private_key(11, CURVE)
GATEWAY = ec.derive_private_key(7, CURVE)


@settings(max_examples=30)
@given(st.integers(1, 2**64), st.integers(1, 2**64), st.integers(0, 10**6))
def test_fleet_and_gateway_agree_on_one_code(fresh: int, own: int, ticket: int) -> None:
    asked, gateway = ec.derive_private_key(fresh, CURVE), ec.derive_private_key(own, CURVE)
    expected = asked_code(asked, gateway.public_key(), "eui", ticket)
    assert shown_code(gateway, challenge_of(asked), "eui", ticket) == expected
    assert (len(expected), expected.isdigit()) == (6, True)


@pytest.mark.parametrize(
    ("key", "challenge", "eui", "ticket"),
    [
        (ec.derive_private_key(8, CURVE), challenge_of(FRESH), "eui", 7),
        (GATEWAY, challenge_of(ec.derive_private_key(12, CURVE)), "eui", 7),
        (GATEWAY, challenge_of(FRESH), "other", 7),
        (GATEWAY, challenge_of(FRESH), "eui", 8),
    ],
)
def test_another_key_question_gateway_or_ticket_has_another_code(
    key: ec.EllipticCurvePrivateKey, challenge: str, eui: str, ticket: int
) -> None:
    assert shown_code(key, challenge, eui, ticket) != asked_code(FRESH, GATEWAY.public_key(), "eui", 7)


@pytest.mark.parametrize("challenge", ["", "00", "zz" * 33, "02" + "ff" * 32, "05" * 33])
def test_what_is_no_point_of_the_curve_is_refused(challenge: str) -> None:
    assert len(challenge_of(FRESH)) == CHALLENGE_CHARACTERS
    with pytest.raises(ChallengeUnfit):
        shown_code(GATEWAY, challenge, "eui", 7)

import pytest

from agent.enrol.step import Outcome, outcome_of, renewal_due_us, wait_s


@pytest.mark.parametrize(
    ("status", "word", "outcome"),
    [
        (200, "", Outcome.ENROLLED),
        (201, "used", Outcome.ENROLLED),
        (401, "", Outcome.UNKNOWN_PROOF),
        (403, "", Outcome.FOREIGN),
        (403, "used", Outcome.USED),
        (403, "expired", Outcome.EXPIRED),
        (409, "", Outcome.USED),
        (410, "", Outcome.EXPIRED),
        (403, "revoked", Outcome.REVOKED),
        (422, "", Outcome.MALFORMED),
        (429, "", Outcome.SERVER_FAULT),
        (500, "used", Outcome.SERVER_FAULT),
        (302, "", Outcome.SERVER_FAULT),
    ],
)
def test_what_an_answer_means(status: int, word: str, outcome: Outcome) -> None:
    assert outcome_of(status, word) is outcome


@pytest.mark.parametrize(
    ("outcome", "tries", "jitter", "expected"),
    [
        (Outcome.UNREACHABLE, 1, 1.0, 2.0),
        (Outcome.UNREACHABLE, 2, 0.0, 2.0),
        (Outcome.UNREACHABLE, 8, 1.0, 256.0),
        (Outcome.UNREACHABLE, 9, 1.0, 300.0),
        (Outcome.SERVER_FAULT, 10**6, 0.0, 150.0),
        (Outcome.USED, 1, 0.0, 450.0),
        (Outcome.EXPIRED, 10, 1.0, 900.0),
    ],
)
def test_waits_grow_to_a_bound_and_refusals_wait_long(
    outcome: Outcome, tries: int, jitter: float, expected: float
) -> None:
    assert wait_s(outcome, tries=tries, jitter=jitter) == expected


def test_renewal_at_a_third() -> None:
    assert renewal_due_us(100, 400) == 200

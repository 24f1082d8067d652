import threading

import pytest
from argon2 import extract_parameters
from argon2.exceptions import VerifyMismatchError

from fleet.identity import passwords
from fleet.identity.passwords import AT_ONCE_LIMIT, WAITING_LIMIT, PasswordsBusy, hash_of, matches


def test_a_password_matches_its_hash_alone():
    stored = hash_of("une phrase")
    assert matches(stored, "une phrase")
    assert not matches(stored, "une autre")
    assert not matches("no hash", "une phrase")
    assert not matches(None, "une phrase")


def test_an_unknown_name_costs_what_a_wrong_password_does():
    assert extract_parameters(passwords._NOBODY) == extract_parameters(hash_of("une phrase"))
    with pytest.raises(VerifyMismatchError):  # it was computed to the end
        passwords._HASHER.verify(passwords._NOBODY, "une phrase")


def test_more_at_once_than_the_limit_are_refused_at_once_and_places_come_back():
    with passwords._turn():
        outcomes = []

        def check() -> None:
            outcomes.append(matches(None, "x"))

        waiting = [threading.Thread(target=check) for _ in range(WAITING_LIMIT)]
        for thread in waiting:
            thread.start()
        while passwords._admitted._value:
            pass
        with pytest.raises(PasswordsBusy):
            matches(None, "x")
    for thread in waiting:
        thread.join()
    assert outcomes == [False] * WAITING_LIMIT
    assert passwords._admitted._value == AT_ONCE_LIMIT + WAITING_LIMIT

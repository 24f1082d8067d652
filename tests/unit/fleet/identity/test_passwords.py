import threading

import pytest

from fleet.identity import passwords
from fleet.identity.passwords import AT_ONCE_LIMIT, WAITING_LIMIT, PasswordsBusy, hash_of, matches


def test_a_password_matches_its_hash_alone():
    stored = hash_of("une phrase")
    assert matches(stored, "une phrase")
    assert not matches(stored, "une autre")
    assert not matches("no hash", "une phrase")
    assert not matches(None, "une phrase")


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

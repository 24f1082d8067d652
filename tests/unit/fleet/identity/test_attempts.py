"""How long a login waits: the whole table, then what one process remembers of many tries."""

import pytest

from fleet.durations import HOUR_US, SECOND_US
from fleet.identity.attempts import (
    ADDRESS_WATCH,
    FORGOTTEN_AFTER_US,
    FREE_TRIES,
    NAME_WATCH,
    WAITS_US,
    Attempts,
    Failures,
    LoginTry,
    Tally,
    Tried,
    Wait,
    wait_for,
)

NOW_US = 10 * HOUR_US
ANNE = LoginTry(name="anne", address="192.0.2.1")
ELSEWHERE = LoginTry(name="anne", address="198.51.100.7")
KNOWN = LoginTry(name="anne", address="192.0.2.1", browser="b1")


def failed(count, ago_us=0):
    return Failures(count=count, last_us=NOW_US - ago_us)


NONE = Failures()
TABLE = [
    # known, own, name, address → wait, counted
    (False, NONE, NONE, NONE, 0, Tried.PAIR),
    (False, failed(FREE_TRIES - 1), failed(FREE_TRIES - 1), failed(FREE_TRIES - 1), 0, Tried.PAIR),
    (False, failed(FREE_TRIES), failed(FREE_TRIES), failed(FREE_TRIES), WAITS_US[0], Tried.PAIR),
    (False, failed(FREE_TRIES, WAITS_US[0]), NONE, NONE, 0, Tried.PAIR),
    (False, failed(FREE_TRIES, WAITS_US[0] - 1), NONE, NONE, 1, Tried.PAIR),
    (False, failed(FREE_TRIES + 1), NONE, NONE, WAITS_US[1], Tried.PAIR),
    (False, failed(FREE_TRIES + 2), NONE, NONE, WAITS_US[2], Tried.PAIR),
    (False, failed(FREE_TRIES + 3), NONE, NONE, WAITS_US[3], Tried.PAIR),
    (False, failed(FREE_TRIES + 4), NONE, NONE, WAITS_US[4], Tried.PAIR),
    (False, failed(FREE_TRIES + 5), NONE, NONE, WAITS_US[5], Tried.PAIR),
    (False, failed(FREE_TRIES + 99), NONE, NONE, WAITS_US[5], Tried.PAIR),
    # a name that many try: a new address has one free try
    (False, NONE, failed(NAME_WATCH), NONE, 0, Tried.PAIR),
    (False, failed(1), failed(NAME_WATCH), NONE, WAITS_US[0], Tried.PAIR),
    (False, failed(1), failed(NAME_WATCH - 1), NONE, 0, Tried.PAIR),
    # an address that tries many names
    (False, NONE, NONE, failed(ADDRESS_WATCH - 1), 0, Tried.PAIR),
    (False, NONE, NONE, failed(ADDRESS_WATCH), WAITS_US[0], Tried.ADDRESS),
    (False, NONE, NONE, failed(ADDRESS_WATCH + 9), WAITS_US[5], Tried.ADDRESS),
    (False, failed(FREE_TRIES), NONE, failed(ADDRESS_WATCH + 1), WAITS_US[1], Tried.ADDRESS),
    (False, failed(FREE_TRIES + 2), NONE, failed(ADDRESS_WATCH), WAITS_US[2], Tried.PAIR),
    # a known browser waits for nobody else's failures
    (True, NONE, failed(10_000), failed(10_000), 0, Tried.BROWSER),
    (True, failed(FREE_TRIES - 1), failed(10_000), failed(10_000), 0, Tried.BROWSER),
    (True, failed(FREE_TRIES), NONE, NONE, WAITS_US[0], Tried.BROWSER),
]


@pytest.mark.parametrize(("known", "own", "name", "address", "wait_us", "counted"), TABLE)
def test_the_table(known, own, name, address, wait_us, counted):
    tally = Tally(known=known, own=own, name=name, address=address)
    assert wait_for(tally, NOW_US) == Wait(wait_us=wait_us, counted=counted)


def fail(attempts, attempt, times, now_us=NOW_US):
    return [attempts.admit(attempt, now_us).wait.wait_us for _ in range(times)]


def test_tries_at_once_are_counted_before_they_are_judged():
    attempts = Attempts()
    assert fail(attempts, ANNE, 8) == [0] * 5 + [WAITS_US[0]] * 3
    assert attempts.refused == 3


def test_the_wait_grows_and_is_forgotten_after_an_hour():
    attempts, now_us, waits = Attempts(), NOW_US, []
    fail(attempts, ANNE, FREE_TRIES)
    for _ in range(8):
        waits.append(attempts.admit(ANNE, now_us).wait.wait_us)
        now_us += waits[-1]
        assert attempts.admit(ANNE, now_us).wait.wait_us == 0
    assert waits == [*WAITS_US, WAITS_US[-1], WAITS_US[-1]]
    assert fail(attempts, ANNE, 2, now_us + FORGOTTEN_AFTER_US) == [0, 0]


def test_nobody_locks_the_owner_out_from_elsewhere():
    attempts = Attempts()
    for number in range(200):
        fail(attempts, LoginTry(name="anne", address=f"203.0.113.{number}"), 50)
    assert attempts.admit(ELSEWHERE, NOW_US).wait.wait_us == 0
    attempts.succeeded(ELSEWHERE, NOW_US)
    assert fail(attempts, KNOWN, FREE_TRIES) == [0] * FREE_TRIES


def test_somebody_behind_the_same_line_locks_no_known_browser_out():
    attempts = Attempts()
    for number in range(ADDRESS_WATCH):
        fail(attempts, LoginTry(name=f"n{number}", address=ANNE.address), 1)
    assert attempts.admit(ANNE, NOW_US).wait == Wait(wait_us=WAITS_US[0], counted=Tried.ADDRESS)
    assert attempts.admit(KNOWN, NOW_US).wait.wait_us == 0
    assert attempts.admit(ELSEWHERE, NOW_US).wait.wait_us == 0


def test_a_refusal_begins_once_a_wait():
    attempts = Attempts()
    fail(attempts, ANNE, FREE_TRIES)
    assert [attempts.admit(ANNE, NOW_US).begins for _ in range(3)] == [True, False, False]
    later_us = NOW_US + WAITS_US[0]
    assert [attempts.admit(ANNE, later_us).begins for _ in range(3)] == [False, True, False]


def test_who_proves_who_it_is_leaves_no_trace():
    attempts = Attempts()
    fail(attempts, ANNE, FREE_TRIES - 1)
    attempts.succeeded(ANNE, NOW_US)
    assert fail(attempts, ANNE, FREE_TRIES) == [0] * FREE_TRIES


def test_a_success_prolongs_nobodys_wait():
    attempts = Attempts()
    for number in range(ADDRESS_WATCH):
        fail(attempts, LoginTry(name=f"n{number}", address=ANNE.address), 1)
    later_us = NOW_US + WAITS_US[0] - SECOND_US
    assert attempts.admit(KNOWN, later_us).wait.wait_us == 0
    attempts.succeeded(KNOWN, later_us)
    assert attempts.admit(ANNE, later_us).wait.wait_us == SECOND_US


def test_a_try_that_was_not_judged_counts_as_none():
    attempts = Attempts()
    for _ in range(3 * FREE_TRIES):
        assert attempts.admit(ANNE, NOW_US).wait.wait_us == 0
        attempts.give_back(ANNE, NOW_US)


def test_what_is_remembered_is_bounded():
    attempts = Attempts(keys=3)
    fail(attempts, ANNE, FREE_TRIES)
    assert attempts.admit(ANNE, NOW_US).wait.wait_us == WAITS_US[0]
    fail(attempts, LoginTry(name="victor", address="198.51.100.9"), 1)
    assert attempts.admit(ANNE, NOW_US).wait.wait_us == 0


@pytest.mark.parametrize(
    ("address", "line"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::/64"), ("", ""), ("testclient", "testclient")],
)
def test_a_customer_does_not_choose_another_line(address, line):
    assert LoginTry(name="anne", address=address).line == line

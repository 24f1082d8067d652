"""What a month's time stamp lacks: asked for, failed so often, or nobody who stamps."""

import pytest

from fleet.months.checking import check_stamp
from fleet.months.closing import Version
from fleet.months.timestamp import ATTEMPTS_LIMIT, Authority

AUTHORITY = Authority(url="https://tsa.example", roots=())
SEALED = Version(month="2026-11", number=2, hash="h", facts=(), figures={}, difference={}, seal="s")
OLDER = Version(month="2026-11", number=1, hash="h", facts=(), figures={}, difference={})


def stamp(attempts, response=None):
    return {"attempts": attempts, "error": "refused", "response": response, "stamped_at_us": 5}


@pytest.mark.parametrize(
    ("version", "given", "authority", "what", "fault"),
    [
        (SEALED, None, None, None, False),
        (SEALED, None, AUTHORITY, "unstamped", False),
        (OLDER, None, AUTHORITY, None, False),
        (OLDER, stamp(1), AUTHORITY, None, False),
        (SEALED, stamp(ATTEMPTS_LIMIT), None, None, False),
        (SEALED, stamp(ATTEMPTS_LIMIT - 1), AUTHORITY, "unstamped", False),
        (SEALED, stamp(ATTEMPTS_LIMIT), AUTHORITY, "timestamp", True),
        (SEALED, stamp(1, b"no stamp"), None, "timestamp", True),
        (SEALED, stamp(1, b"no stamp"), AUTHORITY, "timestamp", True),
    ],
)
def test_a_stamp_is_missing_late_or_given_up(version, given, authority, what, fault):
    found = check_stamp(version, given, authority)
    assert (found and found.what) == what
    if found is not None:
        assert (found.month, found.version, found.is_fault) == (version.month, version.number, fault)


def test_attempts_are_counted_with_the_last_error():
    found = check_stamp(SEALED, stamp(3), AUTHORITY)
    assert found is not None
    assert found.text == f"3 of {ATTEMPTS_LIMIT} attempts, the last: refused"

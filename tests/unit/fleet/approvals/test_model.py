"""What a request needs before anything is signed for it; every field of it counts."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from fleet.approvals.model import (
    LIFE_US,
    Fault,
    Request,
    RequestKind,
    RequestState,
    TwoPersons,
    asked_seal,
    countdown_us,
    decided_seal,
    fault_of,
    is_address,
    key_of,
    seal,
)
from fleet.durations import HOUR_US

KEY = key_of(Ed25519PrivateKey.from_private_bytes(bytes(32)))
NOW_US = 1_790_000_000_000_000
CONTENT = {"changes": {"connectors.0.host": "lns.example.fr"}}


def asked(**fields: object) -> Request:
    bare = Request(
        id=1,
        kind=RequestKind.PUSH,
        subject="0016c001f1370001",
        content=CONTENT,
        author="anne",
        reason="nouveau serveur",
        asked_at_us=NOW_US,
        expires_at_us=NOW_US + HOUR_US,
        needs_second=True,
        state=RequestState.WAITING,
        decided_by="",
        decided_at_us=None,
        decided_why="",
        due_at_us=None,
        outcome="",
        asked_seal="",
        decided_seal="",
    )
    made = replace(bare, **fields)  # type: ignore[arg-type]
    return replace(made, asked_seal=asked_seal(KEY, made))


def approved(one: Request, who: str = "bruno") -> Request:
    decided = replace(
        one,
        state=RequestState.APPROVED,
        decided_by=who,
        decided_at_us=NOW_US + 1,
        due_at_us=NOW_US + 1,
        decided_session="a session",
        decided_proof="password",
    )
    return replace(decided, decided_seal=decided_seal(KEY, decided))


@pytest.mark.parametrize(
    ("one", "fault"),
    [
        (None, Fault.MISSING),
        (asked(), Fault.WAITING),
        (asked(needs_second=False, state=RequestState.APPROVED), None),
        (asked(needs_second=False, state=RequestState.WAITING), Fault.CLOSED),
        (approved(asked()), None),
        (approved(asked(), "anne"), Fault.OWN),
        (replace(asked(), state=RequestState.APPROVED, decided_by="bruno"), Fault.FORGED),
        (replace(approved(asked()), state=RequestState.REFUSED), Fault.CLOSED),
        (replace(approved(asked()), state=RequestState.CANCELLED), Fault.CLOSED),
        (replace(approved(asked()), state=RequestState.EXPIRED), Fault.CLOSED),
        (replace(approved(asked()), state=RequestState.DONE), Fault.USED),
        (asked(needs_second=False, state=RequestState.DONE), Fault.USED),
        (replace(approved(asked()), intact=False), Fault.FORGED),
        (replace(approved(asked()), decided_session="another"), Fault.FORGED),
        (replace(approved(asked()), decided_proof="password and code"), Fault.FORGED),
        (replace(approved(asked()), decided_by="carole"), Fault.FORGED),
        (replace(approved(asked()), due_at_us=0), Fault.FORGED),
        (replace(approved(asked()), id=2), Fault.FORGED),
        (replace(approved(asked()), needs_second=False), Fault.FORGED),
        (replace(approved(asked()), author="dora"), Fault.FORGED),
        (replace(approved(asked()), reason="autre"), Fault.FORGED),
        (replace(approved(asked()), subject="0016c001f1370002"), Fault.FORGED),
        (replace(approved(asked()), kind=RequestKind.EMERGENCY), Fault.FORGED),
        (replace(approved(asked()), expires_at_us=0), Fault.FORGED),
    ],
)
def test_what_is_signed_for_a_request(one: Request | None, fault: Fault | None) -> None:
    assert fault_of(KEY, one, CONTENT, NOW_US) is fault


def test_another_content_is_not_what_was_asked_for() -> None:
    other = {"changes": {"connectors.0.host": "evil.example"}}
    assert fault_of(KEY, approved(asked()), other, NOW_US) is Fault.CHANGED
    assert fault_of(KEY, replace(approved(asked()), content=other), other, NOW_US) is Fault.FORGED


@pytest.mark.parametrize(("late_us", "fault"), [(0, None), (1, Fault.OLD)])
def test_an_approval_ends(late_us: int, fault: Fault | None) -> None:
    assert fault_of(KEY, approved(asked()), CONTENT, NOW_US + LIFE_US + late_us) is fault


@given(st.lists(st.text(max_size=8), max_size=4), st.lists(st.text(max_size=8), max_size=4))
def test_equal_seals_are_over_equal_values(first: list[str], second: list[str]) -> None:
    assert (seal(KEY, *first) == seal(KEY, *second)) is (first == second)


def test_the_key_is_of_the_signing_key_alone() -> None:
    assert key_of(Ed25519PrivateKey.from_private_bytes(bytes(31) + b"x")) != KEY
    assert len(KEY) == 32


@pytest.mark.parametrize(
    ("path", "is_one"),
    [
        ("connectors.0.host", True),
        ("connectors.0.port", True),
        ("connectors.1", True),
        ("connectors.0.cups.uri", True),
        ("connectors.0.ca_file", True),
        ("connectors.0.priority", False),
        ("connectors.0.filters.net_ids", False),
        ("fleet.host", True),
        ("fleet.tls", True),
        ("radio.antenna_gain_db", False),
        ("intervals.heartbeat_s", False),
    ],
)
def test_addresses_of_servers_and_fleet_are_protected(path: str, is_one: bool) -> None:
    assert is_address(path) is is_one
    assert TwoPersons().concerns([path]) is is_one
    assert TwoPersons(every_change=True).concerns([path])
    assert not TwoPersons(addresses=False).concerns([path])


def test_only_an_emergency_counts_down() -> None:
    rules = TwoPersons(countdown_s=60)
    assert [countdown_us(kind, rules) for kind in RequestKind] == [0, 0, 60_000_000]

"""Tokens, keep-alive and silence of the Semtech UDP protocol."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.connectors.semtech_udp.datagrams import (
    DatagramError,
    PullResp,
    parse,
    pull_data,
    push_data,
    tx_ack,
)
from agent.connectors.semtech_udp.session import (
    ANSWER_MAX_US,
    KEEPALIVE_US,
    PATIENCE_MAX_US,
    PATIENCE_MIN_US,
    PROBE_US,
    SILENCE_MIN_US,
    TOKEN_AGE_LIMIT_US,
    UdpSession,
)

EUI = "0016c001f12a3b4c"


def session() -> UdpSession:
    return UdpSession(EUI, first_token=0xFFFE)


def answered(made: UdpSession, now_us: int = 0, rtt_us: int = 20_000) -> UdpSession:
    pull = made.pull(now_us - rtt_us, 0.5)
    assert pull is not None
    made.take(pull[:3] + b"\x04", now_us)
    return made


def test_datagrams_have_the_bytes_of_the_protocol() -> None:
    assert push_data(0x0102, EUI, b"{}") == bytes.fromhex("02010200" + EUI) + b"{}"
    assert pull_data(0x0102, EUI) == bytes.fromhex("02010202" + EUI)
    assert tx_ack(0x0102, EUI, b"") == bytes.fromhex("02010205" + EUI)


@pytest.mark.parametrize(
    ("datagram", "message"),
    [
        (b"\x02\0\0", "length: 3 bytes"),
        (bytes(4097), "length: 4097 bytes"),
        (b"\x01\0\0\x01", "version: 1, not 2"),
        (b"\x02\0\0\x00", "identifier: 0 is not for a gateway"),
        (b"\x02\0\0\x06", "identifier: 6"),
    ],
)
def test_what_is_wrong_with_a_datagram_is_named(datagram: bytes, message: str) -> None:
    with pytest.raises(DatagramError, match=message):
        parse(datagram)


@given(st.binary(max_size=64))
def test_any_datagram_changes_nothing_unless_it_answers_a_token(datagram: bytes) -> None:
    made = answered(session())
    push = made.push(b"{}", (1,), 0)
    if datagram[:3] == push[:3]:
        return
    try:
        taken = made.take(datagram, 10)
    except DatagramError:
        return
    assert isinstance(taken, PullResp) or taken == ()


def test_a_push_ack_settles_its_frames_once() -> None:
    made = session()
    push = made.push(b"{}", (4, 5), 0)
    assert made.take(push[:3] + b"\x01", 20_000) == (4, 5)
    assert made.take(push[:3] + b"\x01", 30_000) == ()
    assert made.counts["push_ack_unknown"] == 1


def test_tokens_wrap_and_differ() -> None:
    made = session()
    tokens = [made.push(b"", (), 0)[1:3] for _ in range(4)]
    assert tokens == [b"\xff\xff", b"\x00\x00", b"\x00\x01", b"\x00\x02"]


def test_old_tokens_are_forgotten() -> None:
    made = session()
    push = made.push(b"{}", (1,), 0)
    made.push(b"{}", (2,), TOKEN_AGE_LIMIT_US)
    assert made.take(push[:3] + b"\x01", TOKEN_AGE_LIMIT_US) == ()


def test_a_silent_server_is_probed_every_second_and_an_answering_one_every_five() -> None:
    made = session()
    assert made.pull(0, 0.5)
    assert made.pull(PROBE_US - 1, 0.5) is None
    pull = made.pull(PROBE_US, 0.5)
    assert pull
    made.take(pull[:3] + b"\x04", PROBE_US + 10)
    assert made.answering
    assert made.pull(PROBE_US + 10 + KEEPALIVE_US - 1, 0.5) is None
    assert made.pull(PROBE_US + 10 + KEEPALIVE_US, 0.5)


@pytest.mark.parametrize(("jitter", "expected_us"), [(0.0, 800_000), (1.0, 1_200_000)])
def test_probes_are_spread(jitter: float, expected_us: int) -> None:
    made = session()
    made.pull(0, jitter)
    assert made.wake_at_us(0) == expected_us


def test_silence_begins_when_nothing_is_answered_and_is_judged_on_time() -> None:
    made = answered(session())
    made.push(b"{}", (1,), 1_000)
    assert made.wake_at_us(1_000) == 1_000 + SILENCE_MIN_US
    made.pull(1_000 + SILENCE_MIN_US - 1, 0.5)
    assert made.answering
    assert made.pull(1_000 + SILENCE_MIN_US, 0.5)
    assert not made.answering


def test_the_network_may_say_that_nobody_listens() -> None:
    made = answered(session())
    made.refused()
    assert not made.answering


def test_up_needs_an_answer_of_the_last_30_seconds_and_no_frame_unanswered_for_longer() -> None:
    made = session()
    assert not made.up(0)
    answered(made, 100)
    assert made.up(100 + ANSWER_MAX_US)
    assert not made.up(101 + ANSWER_MAX_US)
    made.push(b"{}", (1,), 200)
    answered(made, 20_000_000)
    assert made.up(200 + ANSWER_MAX_US)
    assert not made.up(201 + ANSWER_MAX_US)
    push = made.push(b"{}", (2,), 31_000_000)
    made.take(push[:3] + b"\x01", 31_000_000)
    assert made.up(31_000_000)


def test_patience_follows_the_round_trip_within_its_bounds() -> None:
    assert session().patience_us() == PATIENCE_MIN_US
    assert answered(session(), rtt_us=20_000).patience_us() == PATIENCE_MIN_US
    assert answered(session(), rtt_us=1_000_000).patience_us() == 3_000_000
    assert answered(session(), rtt_us=9_000_000).patience_us() == PATIENCE_MAX_US

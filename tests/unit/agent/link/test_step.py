import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.link.step import Ended, batch_message, end_of, wait_s
from agent.link.tcp import TcpInfo, decode_tcp_info
from agent.wire.messages import (
    Change,
    JournalBatch,
    JournalRecord,
    TimeQuality,
    WireError,
    decode,
    encode,
)


@pytest.mark.parametrize(
    ("ended", "tries", "jitter", "expected"),
    [
        (Ended.LINE_LOST, 1, 0.0, 0.0),
        (Ended.LINE_LOST, 1, 1.0, 0.0),
        (Ended.LINE_LOST, 2, 1.0, 2.0),
        (Ended.LINE_LOST, 2, 0.0, 1.0),
        (Ended.LINE_LOST, 7, 1.0, 60.0),
        (Ended.LINE_LOST, 1000, 1.0, 60.0),
        (Ended.REFUSED, 1, 0.5, 10.0),
        (Ended.REFUSED, 1, 1.0, 20.0),
        (Ended.REFUSED, 9, 0.0, 30.0),
        (Ended.NOT_ALLOWED, 1, 0.0, 150.0),
        (Ended.NOT_ALLOWED, 50, 1.0, 300.0),
    ],
)
def test_waits(ended: Ended, tries: int, jitter: float, expected: float) -> None:
    assert wait_s(ended, tries=tries, jitter=jitter) == expected


@pytest.mark.parametrize(
    ("ended", "worked", "unacknowledged", "expected"),
    [
        (Ended.LINE_LOST, True, False, Ended.REFUSED),
        (Ended.LINE_LOST, True, True, Ended.LINE_LOST),
        (Ended.LINE_LOST, False, False, Ended.LINE_LOST),
        (Ended.LINE_LOST, False, True, Ended.LINE_LOST),
        (Ended.REFUSED, True, True, Ended.REFUSED),
        (Ended.REFUSED, False, False, Ended.REFUSED),
        (Ended.NOT_ALLOWED, True, False, Ended.NOT_ALLOWED),
        (Ended.NOT_ALLOWED, False, True, Ended.NOT_ALLOWED),
    ],
)
def test_who_ended_the_session(ended: Ended, worked: bool, unacknowledged: bool, expected: Ended) -> None:
    assert end_of(ended, worked=worked, unacknowledged=unacknowledged) is expected


@given(st.sampled_from(Ended), st.integers(1, 10**6), st.floats(0, 1))
def test_waits_are_bounded(ended: Ended, tries: int, jitter: float) -> None:
    assert 0 <= wait_s(ended, tries=tries, jitter=jitter) <= 300


def test_records_become_one_message() -> None:
    record = JournalRecord(1, 2, 3, 4, TimeQuality.NTP, Change.RADIO, "radio", "OFF", "why")
    assert decode("journal", batch_message([encode(record)] * 3)) == JournalBatch((record,) * 3)


def test_a_row_that_is_no_record_is_named() -> None:
    with pytest.raises(WireError, match="journal"):
        batch_message([b"\xc1"])


def test_tcp_info_is_read_by_offset() -> None:
    raw = bytearray(232)
    for at, size, value in (
        (24, 4, 2),
        (68, 4, 48_000),
        (120, 8, 1000),
        (128, 8, 500),
        (136, 4, 7),
        (140, 4, 5),
    ):
        raw[at : at + size] = value.to_bytes(size, "little")
    info = decode_tcp_info(bytes(raw))
    assert info == TcpInfo(
        rtt_us=48_000, unacked_segments=2, bytes_acked=1000, bytes_received=500, segments_out=7, segments_in=5
    )
    assert info.wire_bytes == 1500 + 12 * 52
    with pytest.raises(ValueError, match="needed"):
        decode_tcp_info(bytes(100))

"""Records on disk: round trip, CRC, classification."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.record import NO_ADDRESS, FrameKind, RecordError, classify, decode_record, encode_record
from hal.packets import Fsk
from tests.datapath.virtual import data_up, join_request, received, record


def test_a_record_reads_back_as_it_was_written() -> None:
    before = record(7, fine_ns=12)
    assert decode_record(*encode_record(before)) == before


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_any_changed_byte_is_found(position: int, change: int) -> None:
    body, crc = encode_record(record(7))
    damaged = bytearray(body)
    damaged[position % len(body)] ^= change
    with pytest.raises(RecordError, match="crc"):
        decode_record(bytes(damaged), crc)


@given(st.binary(max_size=200))
def test_any_bytes_with_a_good_crc_give_a_record_or_a_record_error(body: bytes) -> None:
    import zlib

    with pytest.raises(RecordError, match="body"):
        decode_record(body, zlib.crc32(body))


@pytest.mark.parametrize(
    ("payload", "kind", "address"),
    [
        (data_up(0x26011BDA), FrameKind.DATA, 0x26011BDA),
        (join_request(), FrameKind.JOIN, NO_ADDRESS),
        (b"\xc0\x00" + bytes(17), FrameKind.JOIN, NO_ADDRESS),
        (b"\xe0maker", FrameKind.OTHER, NO_ADDRESS),
        (b"", FrameKind.OTHER, NO_ADDRESS),
        (b"\x40\x01", FrameKind.OTHER, NO_ADDRESS),
    ],
)
def test_frames_are_told_apart(payload: bytes, kind: FrameKind, address: int) -> None:
    assert classify(payload) == (kind, address)


def test_tmst_wraps_and_fsk_has_no_spreading_factor() -> None:
    from dataclasses import replace

    from agent.record import record_of
    from agent.wire.messages import TimeQuality

    frame = replace(received(b"x", (1 << 32) + 5), modulation=Fsk(bitrate_bps=50_000))
    made = record_of(
        frame,
        record_id=1,
        received_at_us=0,
        time_quality=TimeQuality.UNTRUSTED,
        boot=1,
        monotonic_us=0,
        session=1,
    )
    assert (made.tmst, made.sf, made.rate) == (5, 0, 50_000)

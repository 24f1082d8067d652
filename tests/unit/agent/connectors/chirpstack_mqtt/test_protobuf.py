"""The wire format itself: every kind of field, every edge of its numbers, and what is no message."""

import struct

import pytest
from google.protobuf.duration_pb2 import Duration

from agent.connectors.chirpstack_mqtt.protobuf import (
    MESSAGE_LIMIT_BYTES,
    ProtobufError,
    double,
    fields,
    message,
    number,
    octets,
    read_span,
    real,
    signed32,
    span,
    text,
    varint,
)


@pytest.mark.parametrize(
    "us", [0, 1, 999_999, 1_000_000, 1_000_001, -1, -999_999, -1_000_000, -1_000_001, -2_000_000, 10**15]
)
def test_a_span_is_what_google_makes_of_it(us: int) -> None:
    official = Duration()
    official.FromMicroseconds(us)
    assert span(3, us) == message(3, official.SerializeToString())
    assert read_span(official.SerializeToString()) == us


def test_fixed_widths_are_given_as_their_bytes_and_what_follows_is_found() -> None:
    content = double(1, 2.5) + real(2, -0.5) + number(3, 300) + octets(4, b"abc") + text(5, "é")
    assert list(fields(content)) == [
        (1, struct.pack("<d", 2.5)),
        (2, struct.pack("<f", -0.5)),
        (3, 300),
        (4, b"abc"),
        (5, "é".encode()),
    ]


def test_nothing_is_written_for_what_is_nothing_but_for_an_empty_message() -> None:
    assert [number(1, 0), real(1, 0.0), double(1, 0.0), octets(1, b""), text(1, "")] == [b""] * 5
    assert list(fields(message(1, b""))) == [(1, b"")]


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16_383, 16_384, 2**32 - 1, 2**63, 2**64 - 1])
def test_varints_at_their_edges(value: int) -> None:
    assert list(fields(b"\x08" + varint(value))) == [(1, value)]
    assert len(varint(value)) == max(1, -(-value.bit_length() // 7))


@pytest.mark.parametrize(
    ("value", "signed"),
    [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, -(2**31)), (2**32 - 1, -1), (2**64 - 1, -1), (2**32, 0)],
)
def test_an_int32_is_signed_by_its_32nd_bit(value: int, signed: int) -> None:
    assert signed32(value) == signed


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x00\x01", "field 0 at byte 1"),
        (b"\x0a\x02a", "field 1: 2 bytes announced, 1 are there"),
        (b"\x09" + bytes(7), "field 1: 8 bytes announced, 7 are there"),
        (b"\x0d" + bytes(3), "field 1: 4 bytes announced, 3 are there"),
        (b"\x0b", "wire type 3 at byte 1"),
        (b"\x0f", "wire type 7 at byte 1"),
        (b"\x08", "truncated at byte 1"),
        (b"\x08\x80", "truncated at byte 2"),
        (b"\x08" + b"\x80" * 10 + b"\x00", "varint longer than 10 bytes at byte 11"),
        (bytes(MESSAGE_LIMIT_BYTES + 1), "bytes, at most"),
    ],
)
def test_what_is_no_message_says_where(content: bytes, words: str) -> None:
    with pytest.raises(ProtobufError, match=words):
        list(fields(content))


def test_a_message_of_the_limit_is_read() -> None:
    content = message(1, bytes(MESSAGE_LIMIT_BYTES - 4))
    assert len(content) == MESSAGE_LIMIT_BYTES
    assert len(list(fields(content))) == 1

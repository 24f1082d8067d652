"""The MCU bridge: frames, bulk limits, and everything that can be wrong with an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.errors import ChipMisbehaved
from hal.usb.protocol import (
    BULK_LIMIT_BYTES,
    BULK_LIMIT_REQUESTS,
    Command,
    Header,
    SpiTarget,
    bundles,
    check_header,
    decode_header,
    decode_ping,
    decode_status,
    encode,
    spi_answers,
    spi_part,
)


@given(st.integers(0, 255), st.sampled_from(Command), st.binary(max_size=4200))
def test_a_header_comes_back(identifier: int, command: Command, payload: bytes) -> None:
    frame = encode(identifier, command, payload)

    assert decode_header(frame[:4]) == Header(identifier=identifier, size=len(payload), command=command)
    assert frame[4:] == payload


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (Header(identifier=1, size=0, command=0xFF), "refused SPI"),
        (Header(identifier=1, size=0, command=0x40), "answered 0x40 to SPI, must be 0x45"),
        (Header(identifier=2, size=0, command=0x45), "answered id 2 to id 1"),
        (Header(identifier=1, size=4201, command=0x45), "announces 4201 bytes"),
    ],
)
def test_an_answer_that_does_not_belong_is_named(header: Header, reason: str) -> None:
    with pytest.raises(ChipMisbehaved, match=reason):
        check_header(header, 1, Command.SPI, "here")


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=600))
def test_bundles_keep_the_order_and_the_limits(frames: list[bytes]) -> None:
    groups = bundles(SpiTarget.SX1302, frames)

    assert [part[5:] for group in groups for part in group] == frames
    assert all(len(group) <= BULK_LIMIT_REQUESTS for group in groups)
    assert all(sum(map(len, group)) <= BULK_LIMIT_BYTES for group in groups)


@given(st.lists(st.binary(max_size=50), max_size=20))
def test_spi_answers_come_apart(answers: list[bytes]) -> None:
    payload = b"".join(
        bytes((index, 1, 0, len(answer) >> 8, len(answer) & 0xFF)) + answer
        for index, answer in enumerate(answers)
    )

    assert spi_answers(payload, len(answers), "here") == answers


@pytest.mark.parametrize(
    ("payload", "count", "reason"),
    [
        ("0001030000", 1, "SPI request 0: status 3 \\(time-out\\)"),
        ("0001090000", 1, "status 9 \\(unknown\\)"),
        ("00010000", 1, "cut short"),
        ("000100000401", 1, "cut short"),
        ("0001000000", 2, "1 answers to 2 SPI requests"),
    ],
)
def test_spi_answers_that_are_wrong(payload: str, count: int, reason: str) -> None:
    with pytest.raises(ChipMisbehaved, match=reason):
        spi_answers(bytes.fromhex(payload), count, "here")


@given(st.binary(max_size=60))
def test_any_bytes_are_answers_or_a_named_error(payload: bytes) -> None:
    where = "here"
    try:
        spi_answers(payload, 1, "here")
    except ChipMisbehaved as error:
        where = error.where
    assert where == "here"


def test_a_part_is_what_facts_say() -> None:
    assert spi_part(3, SpiTarget.SX1261, b"\xc0\x00").hex() == "03010100" + "02" + "c000"


def test_ping_and_status() -> None:
    identity = decode_ping(bytes(range(12)) + b"V01.00.00", "here")
    assert identity.version == "V01.00.00"
    status = decode_status(bytes.fromhex("000003e8f830"), "here")
    assert status.uptime_ms == 1000
    assert status.temperature_c == -20.0
    for decode, size in ((decode_ping, 20), (decode_status, 5)):
        with pytest.raises(ChipMisbehaved, match=f"{size} bytes answer"):
            decode(bytes(size), "here")

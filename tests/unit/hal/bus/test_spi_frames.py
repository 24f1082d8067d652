"""Frames as FACTS §1 tabulates them, byte by byte."""

from hypothesis import given
from hypothesis import strategies as st

from hal.bus import spi_frames


def test_the_table_of_operations() -> None:
    assert spi_frames.write(0x5601, b"\x0b").hex() == "00d6010b"
    assert spi_frames.write(0x5205, b"\xb9\x35").hex() == "00d205b935"
    assert spi_frames.read(0x5601, 1).hex() == "0056010000"
    assert spi_frames.read(0x4000, 3).hex() == "00400000000000"
    assert spi_frames.radio(0, 0x80, b"\x01").hex() == "018001"
    assert spi_frames.radio(1, 0xC0, b"\x00").hex() == "02c000"
    assert spi_frames.sx1261(0xD9, b"").hex() == "d9"


@given(st.integers(0, 0x7FFF), st.binary(min_size=1, max_size=1024))
def test_a_read_brings_what_comes_after_four_bytes(address: int, data: bytes) -> None:
    frame = spi_frames.read(address, len(data))

    assert len(frame) == 4 + len(data)
    assert spi_frames.read_answer(bytes(4) + data) == data
    assert not frame[1] & spi_frames.WRITE_BIT


@given(st.integers(0, 0x7FFF), st.binary(min_size=1, max_size=64))
def test_a_write_names_its_address(address: int, data: bytes) -> None:
    frame = spi_frames.write(address, data)

    assert int.from_bytes(frame[1:3], "big") == 0x8000 | address
    assert frame[3:] == data


def test_radio_answers_stand_where_the_arguments_went() -> None:
    assert spi_frames.radio_answer(bytes.fromhex("0000 240000")) == bytes.fromhex("240000")
    assert spi_frames.sx1261_answer(bytes.fromhex("00 2222")) == bytes.fromhex("2222")

"""A spectrum as a picture: levels, floor, and a PNG that decodes to what was put in."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.packets import Crc, Lora, ReceivedFrame
from hal.sx1261.commands import Spectrum, decode_spectrum
from hal.tools.listen import record, row
from hal.tools.picture import CELL_HEIGHT, CELL_WIDTH, floor_dbm, line, png, shares
from hal.tools.words import WORDS
from hal.units import Dbm, Hz, Micros


def spectrum(counts: list[int]) -> Spectrum:
    data = b"".join(count.to_bytes(2, "big") for count in counts)
    return decode_spectrum(Hz(868_100_000), data, 0)


@given(st.lists(st.integers(0, 0xFFFF), min_size=33, max_size=33))
def test_shares_are_shares(counts: list[int]) -> None:
    found = shares(spectrum(counts))

    assert all(0 <= share <= 1 for share in found)
    assert (max(found) == 1) == any(counts)
    assert len(line(spectrum(counts))) == 33


@pytest.mark.parametrize(
    ("seen", "floor"), [({20: 10}, -80), ({20: 5, 30: 5}, -120), ({20: 6, 30: 5}, -80), ({32: 1}, -124)]
)
def test_the_floor_is_the_median(seen: dict[int, int], floor: int) -> None:
    assert floor_dbm(spectrum([seen.get(index, 0) for index in range(33)])) == floor


def test_no_samples_have_no_floor() -> None:
    assert floor_dbm(spectrum([0] * 33)) is None


def test_the_png_decodes_to_its_cells() -> None:
    data = png([spectrum([0] * 32 + [9]), spectrum([9] + [0] * 32)])

    width, height, depth, colour = struct.unpack(">IIBB", data[16:26])
    assert (width, height, depth, colour) == (33 * CELL_WIDTH, 2 * CELL_HEIGHT, 8, 0)
    size = struct.unpack(">I", data[33:37])[0]
    rows = zlib.decompress(data[41 : 41 + size])
    stride = width + 1
    assert len(rows) == stride * height
    assert rows[1] == 0
    assert rows[stride - 1] == 255
    assert rows[stride * CELL_HEIGHT + 1] == 255


def test_frames_are_shown_in_columns_and_as_records() -> None:
    frame = ReceivedFrame(
        payload=b"\x01",
        modulation=Lora(sf=7),
        frequency_hz=Hz(868_100_000),
        counter_us=Micros(7),
        rf_chain=0,
        if_channel=2,
        crc=Crc.OK,
        rssi_channel_dbm=Dbm(-90.04),
        rssi_signal_dbm=Dbm(-91.0),
        snr_db=5.25,
    )

    assert row(frame).split() == ["7", "868.100", "SF7BW125", "-90.0", "5.2", "ok", "1", "01"]
    shown = record(frame)
    assert (shown["tmst"], shown["rssi_dbm"], shown["snr_db"], shown["crc"]) == (7, -90.04, 5.25, "ok")


def test_both_languages_say_the_same_things() -> None:
    assert WORDS["fr"].keys() == WORDS["en"].keys()
    for key, text in WORDS["fr"].items():
        assert text.count("{") == WORDS["en"][key].count("{"), key

"""The GNSS twin's sentences and frames, checked by the formats' own rules and an independent parser."""

import os
import select
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynmeagps import NMEAReader
from pyubx2 import UBXReader

from hal.twin.chip import VirtualChip
from hal.twin.clock import RealClock
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import (
    AntennaSite,
    GnssReceiver,
    gga,
    gps_time,
    nav_timegps,
    rmc,
    sentence,
    ubx,
)

ENABLE_TIMEGPS = bytes.fromhex("b56206010800012000010100000032 94")
ACK = "b5620501020006010f38"
NOON = datetime(2026, 11, 22, 12, 34, 56, tzinfo=UTC)


def frame_in(sentences: bytes) -> bytes:
    start = sentences.index(b"\xb5\x62")
    return sentences[start : start + 6 + 16 + 2]


def test_every_sentence_of_a_second_reads_back() -> None:
    for fix in (True, False):
        receiver = GnssReceiver(AntennaSite(satellites=7))
        receiver.faults.no_fix = not fix
        lines = receiver.second(NOON).splitlines(keepends=True)
        assert [NMEAReader.parse(line).msgID for line in lines] == ["RMC", "GGA", "GSA", "GLL"]


def test_hosts_that_read_in_blocks_of_eight_see_the_time_at_once() -> None:
    receiver = GnssReceiver()
    receiver.feed(ENABLE_TIMEGPS)
    sentences = receiver.second(NOON)
    assert sentences.index(nav_timegps(NOON)) + 24 < len(sentences) // 8 * 8


def test_a_published_sentence_has_its_published_checksum() -> None:
    assert sentence("GPGLL,5300.97914,N,00259.98174,E,125926,A").startswith(b"$GPGLL,5300.97914")
    assert sentence("GPGLL,5300.97914,N,00259.98174,E,125926,A").endswith(b"*28\r\n")


def test_the_enabling_frame_of_the_reference_is_acknowledged_and_obeyed() -> None:
    receiver = GnssReceiver()
    assert b"\xb5\x62" not in receiver.second(NOON)
    assert receiver.feed(ENABLE_TIMEGPS).hex() == ACK
    assert nav_timegps(NOON) in receiver.second(NOON)


def test_other_commands_are_not_acknowledged_as_done() -> None:
    assert GnssReceiver().feed(ubx((0x06, 0x3E), b"\0\0\0\0"))[2:4] == b"\x05\x00"


def test_nav_timegps_reads_back() -> None:
    parsed = UBXReader.parse(nav_timegps(NOON))
    week, tow_ms = gps_time(NOON)
    assert (parsed.identity, parsed.week, parsed.iTOW, parsed.leapS) == ("NAV-TIMEGPS", week, tow_ms, 18)
    assert (parsed.towValid, parsed.weekValid, parsed.leapSValid) == (1, 1, 1)


@given(lat=st.floats(-89.9, 89.9), lon=st.floats(-179.9, 179.9))
def test_positions_read_back(lat: float, lon: float) -> None:
    place = AntennaSite(lat=lat, lon=lon)
    for sentences in (rmc(NOON, place, fix=True), gga(NOON, place, fix=True)):
        parsed = NMEAReader.parse(sentences)
        assert (parsed.lat, parsed.lon) == (pytest.approx(lat, abs=1e-6), pytest.approx(lon, abs=1e-6))
        assert parsed.time == NOON.time()


def test_without_a_fix_it_says_so() -> None:
    receiver = GnssReceiver()
    receiver.feed(ENABLE_TIMEGPS)
    receiver.faults.no_fix = True
    lines = receiver.second(NOON)
    assert b",V," in lines
    assert b",,,,,0,00," in lines
    assert UBXReader.parse(frame_in(lines)).towValid == 0


def test_unknown_leap_seconds_are_flagged() -> None:
    receiver = GnssReceiver()
    receiver.feed(ENABLE_TIMEGPS)
    receiver.faults.leap_unknown = True
    lines = receiver.second(NOON)
    assert UBXReader.parse(frame_in(lines)).leapSValid == 0


def test_bad_checksums_and_silence() -> None:
    receiver = GnssReceiver()
    receiver.faults.bad_checksums = True
    assert receiver.second(NOON) != GnssReceiver().second(NOON)
    receiver.faults.silent = True
    assert receiver.second(NOON) == b""


@given(noise=st.binary(max_size=200), cut=st.integers(0, 16))
def test_noise_before_a_command_and_any_cut_are_survived(noise: bytes, cut: int) -> None:
    receiver = GnssReceiver()
    noise = noise.replace(b"\xb5", b"")
    answers = receiver.feed(noise + ENABLE_TIMEGPS[:cut]) + receiver.feed(ENABLE_TIMEGPS[cut:])
    assert answers.hex() == ACK


def test_a_damaged_or_endless_frame_is_counted() -> None:
    receiver = GnssReceiver()
    assert receiver.feed(ENABLE_TIMEGPS[:-1] + b"\0") == b""
    assert receiver.feed(b"\xb5\x62\x06\x01\xff\xff" + bytes(4)) == b""
    assert receiver.refused_frames == 2
    assert receiver.feed(ENABLE_TIMEGPS).hex() == ACK


def utc_of_the_last_edge(chip: VirtualChip) -> float:
    """Return when the last edge of the PPS was, by two clocks that were read at once."""
    while True:
        before_s = datetime.now(UTC).timestamp()
        ticks = chip.now_ticks()
        if datetime.now(UTC).timestamp() - before_s < 0.01:
            since_us = chip.clock.host_us(ticks) - chip.clock.host_us(chip.pps.last(ticks))
            return before_s - since_us / 1e6


def test_on_a_line_it_acknowledges_and_the_pps_is_aligned(tmp_path: Path) -> None:
    chip = VirtualChip(clock=RealClock())
    with GnssLine(chip, GnssReceiver(), link=tmp_path / "ttyGNSS") as line:
        host = os.open(tmp_path / "ttyGNSS", os.O_RDWR | os.O_NOCTTY)
        try:
            os.write(host, ENABLE_TIMEGPS)
            sentences = b""
            while bytes.fromhex(ACK) not in sentences:
                assert select.select([host], [], [], 60)[0], "no answer"
                sentences += os.read(host, 256)
        finally:
            os.close(host)
        edge_s = utc_of_the_last_edge(chip)
        assert edge_s == pytest.approx(round(edge_s), abs=0.05)
    assert not (tmp_path / "ttyGNSS").exists()
    assert line.path.startswith("/dev/")

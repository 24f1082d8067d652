"""Sketches of a day, the RF picture and its page, spans of delivery."""

import asyncio
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.evidence.accounts import REASONS_LIMIT, REPORT_INTERVAL_US, Span, Spans
from agent.evidence.evidence import FILE_NAME, METRICS_TYPE, PICTURE_INTERVAL_US, SAVE_INTERVAL_US, Evidence
from agent.evidence.rf import CHANNELS_LIMIT, RfPicture
from agent.evidence.sketches import ADDRESSES_LIMIT, DAY_US, HOUR_US, Sketchbook, decode_book, encode_book
from agent.journal_port import MemoryJournal
from agent.local_page import LocalPage
from agent.observation import DataPathState
from agent.wire.messages import Heard, Radio, TimeQuality
from hal.packets import Crc, Fsk
from hal.units import Dbm, Hz
from tests.datapath.virtual import JUNE_2024_US, ManualClock, data_up, received, record

JOIN = bytes.fromhex("00dc0000d07ed5b3701e6fedf57ceeaf0085cc587fe913")


def test_a_day_is_24_bits_a_count_and_the_best_levels() -> None:
    book = Sketchbook()
    assert book.turn(JUNE_2024_US) == []
    for hour, rssi, snr, sf in ((0, -100.4, 1.0, 12), (0, -90.0, -5.0, 7), (23, -120.0, 9.4, 9)):
        heard = record(1, data_up(0x26011BDA), rssi_channel_dbm=rssi, snr_db=snr, sf=sf)
        book.frame_received(heard, JUNE_2024_US + hour * HOUR_US)
    book.frame_received(record(2, JOIN), JUNE_2024_US)
    book.frame_received(record(3, b"\xe0maker"), JUNE_2024_US)
    book.frame_received(record(3, b""), JUNE_2024_US)
    told = book.turn(JUNE_2024_US + DAY_US)
    assert told == [
        Heard(
            day="2024-06-01",
            address="26011bda",
            hours=1 | 1 << 23,
            frames=3,
            best_rssi_dbm=-90,
            best_snr_db=9.4,
            lowest_sf=7,
        ),
        Heard(
            day="2024-06-01",
            address="00afee7cf5ed6f1e",
            hours=1,
            frames=1,
            best_rssi_dbm=-82,
            best_snr_db=7.2,
            lowest_sf=7,
        ),
    ]
    assert book.turn(JUNE_2024_US) == []


def test_600_addresses_are_less_than_100_kb_a_day() -> None:
    book = Sketchbook()
    book.turn(JUNE_2024_US)
    for n in range(600):
        for hour in (0, 23):
            book.frame_received(record(1, data_up(0x26000000 + n)), JUNE_2024_US + hour * HOUR_US)
    assert sum(len(msgspec.msgpack.encode(told)) + 60 for told in book.turn(JUNE_2024_US + DAY_US)) < 100_000


def test_addresses_beyond_the_limit_are_counted_only() -> None:
    book = Sketchbook()
    for n in range(ADDRESSES_LIMIT + 2):
        book.frame_received(record(1, data_up(n)), JUNE_2024_US)
    assert (len(book.sketches or {}), book.overflowed) == (ADDRESSES_LIMIT, 2)
    assert ADDRESSES_LIMIT == 5_000, "as the README says"


def test_a_clock_that_was_years_ahead_loses_nothing_of_the_day_that_it_ended() -> None:
    book = Sketchbook()
    book.turn(JUNE_2024_US)
    book.frame_received(record(1, data_up(1)), JUNE_2024_US)
    ahead_us = JUNE_2024_US + 3650 * DAY_US
    assert [told.frames for told in book.turn(ahead_us)] == [1]
    book.frame_received(record(2, data_up(2)), ahead_us)
    assert book.turn(JUNE_2024_US) == []
    assert book.misdated == 1
    book.frame_received(record(3, data_up(1)), JUNE_2024_US + HOUR_US)
    assert [(told.day, told.frames, told.hours) for told in book.turn(JUNE_2024_US + DAY_US)] == [
        ("2024-06-01", 2, 0b11)
    ]


def test_a_clock_put_back_by_years_begins_the_day_that_it_says_and_one_over_midnight_none() -> None:
    book = Sketchbook()
    book.turn(JUNE_2024_US)
    book.frame_received(record(1, data_up(1)), JUNE_2024_US)
    assert book.turn(JUNE_2024_US - 1) == []
    assert (book.day, book.misdated) == (JUNE_2024_US // DAY_US, 0)
    assert book.turn(JUNE_2024_US - 3650 * DAY_US) == []
    assert (book.day, book.misdated, book.sketches) == (JUNE_2024_US // DAY_US - 3650, 1, {})


def test_a_book_survives_and_a_damaged_one_is_empty() -> None:
    book = Sketchbook()
    book.turn(JUNE_2024_US)
    book.frame_received(record(1), JUNE_2024_US)
    assert decode_book(encode_book(book)).turn(JUNE_2024_US + DAY_US) == book.turn(JUNE_2024_US + DAY_US)
    assert decode_book(b"damaged") == Sketchbook()


def evidence(path: Path, clock: ManualClock, journal: MemoryJournal) -> Evidence:
    state = DataPathState(
        radio=Radio.RECEIVING,
        radio_reason="",
        radio_since_us=0,
        connectors=(),
        spool_records=3,
        spool_accepting=True,
        counters={"received": 5},
    )
    return Evidence(directory=path, clock=clock, journal=journal, state=lambda: state)


def test_evidence_is_kept_across_a_restart_and_told_when_the_day_is_over(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = MemoryJournal(clock)
    made = evidence(tmp_path, clock, journal)
    made.load()
    made.frame_received(record(1))
    made.frame_received(record(2, time_quality=int(TimeQuality.UNTRUSTED)))
    made.tick()
    assert not (tmp_path / FILE_NAME).exists()
    clock.now_us += SAVE_INTERVAL_US
    made.tick()
    again = evidence(tmp_path, clock, journal)
    again.load()
    clock.now_us += DAY_US
    again.tick()
    told = [entry for entry in journal.entries if isinstance(entry, Heard)]
    assert [(heard.day, heard.frames) for heard in told] == [("2024-06-01", 1)]


def test_the_picture_is_told_every_hour(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = MemoryJournal(clock)
    made = evidence(tmp_path, clock, journal)
    made.on_air(received(data_up()))
    clock.now_us += PICTURE_INTERVAL_US
    made.tick()
    assert [note.fields for note in journal.notes()] == [
        {"868100000.7": "1/0/51", "noise_floor": "not measurable"}
    ]


def test_a_disk_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    made = evidence(tmp_path / "absent", ManualClock(), MemoryJournal(ManualClock()))
    made.load()
    made.save()
    assert made.write_failed == 1


def test_the_picture_counts_failures_air_time_and_estimates_noise() -> None:
    picture = RfPicture()
    weak = replace(received(data_up()), snr_db=-10.0, rssi_signal_dbm=Dbm(-130.0))
    for frame in (weak, received(data_up(), crc=Crc.BAD), received(data_up(), sf=12)):
        picture.frame_received(frame)
    picture.frame_received(replace(received(b"x"), modulation=Fsk()))
    assert picture.fields() == {
        "868100000.0": "1/0/1",
        "868100000.12": "1/0/1318",
        "868100000.7": "2/1/102",
        "noise_floor": "estimated",
        "noise_estimated.868100000": -120.0,
    }
    assert picture.noise_samples == 1, "one weak frame"
    picture.measured(868_100_000, -117.5)
    assert picture.fields()["noise_floor"] == "measured"
    assert picture.fields()["noise_measured.868100000"] == -117.5


def test_channels_are_limited() -> None:
    picture = RfPicture()
    for n in range(CHANNELS_LIMIT + 1):
        picture.frame_received(replace(received(b"x"), frequency_hz=Hz(863_000_000 + n)))
    assert len(picture.cells) == CHANNELS_LIMIT


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /metrics HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK"),
        (b"GET /etc/passwd HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 Not Found"),
        (b"\x00" * 9000, b""),
    ],
)
def test_the_page_answers_one_question(request_bytes: bytes, status: bytes) -> None:
    async def ask() -> bytes:
        server = await LocalPage(lambda _: "up 1\n", path="/metrics", content_type=METRICS_TYPE).serve(0)
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_bytes)
        writer.write_eof()
        try:
            answer = await reader.read()
        except ConnectionResetError:
            answer = b""
        writer.close()
        server.close()
        return answer

    assert asyncio.run(ask()).startswith(status)


def test_spans_tile_the_time_and_the_end_of_a_backlog_is_told_at_once() -> None:
    spans = Spans(from_us=1_000)
    spans.settled(3, None)
    assert spans.report(5_000, 10, behind=False) is None
    assert spans.report(6_000, REPORT_INTERVAL_US, behind=False) == Span(
        received_from_us=1_000, received_until_us=6_000, frames=3, dropped={}
    )
    spans.settled(2, None)
    spans.settled(1, "join_late")
    assert spans.report(6_000, REPORT_INTERVAL_US + 1, behind=True) is None
    assert spans.report(9_000, REPORT_INTERVAL_US + 2, behind=False) == Span(
        received_from_us=6_000, received_until_us=9_000, frames=2, dropped={"join_late": 1}
    )


def test_reasons_of_a_span_are_limited() -> None:
    spans = Spans(from_us=0)
    for n in range(REASONS_LIMIT + 3):
        spans.settled(1, f"reason{n}")
    span = spans.report(1, REPORT_INTERVAL_US, behind=False)
    assert span is not None
    assert len(span.dropped) == REASONS_LIMIT

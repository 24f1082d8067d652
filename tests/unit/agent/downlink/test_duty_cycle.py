"""Air time of any hour: the ledger, its file, and restarts with clocks of any kind."""

from collections import deque
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.downlink.airtime_book import AirtimeBook
from agent.downlink.duty_cycle import ENTRIES_LIMIT, Ledger, Past, Present, dated, end_of
from agent.downlink.ledger_file import FILE_LIMIT_BYTES, FILE_NAME, LedgerFile, decode_lines, encode_line
from agent.downlink.plan import HOUR_US, load_plan
from agent.wire.messages import TimeQuality
from hal.packets import Lora
from tests.datapath.virtual import JUNE_2024_US, ManualClock

BANDS = {band.name: band for band in load_plan("EU868").bands}
M = BANDS["M"]
SECOND = 1_000_000
YEAR_US = 366 * 24 * HOUR_US


def past(age_us: int = 0, quality: TimeQuality = TimeQuality.NTP, boot: str = "a") -> Past:
    return Past(
        band="M",
        airtime_us=SECOND,
        kernel_boot=boot,
        monotonic_us=HOUR_US * 10 - age_us,
        utc_us=JUNE_2024_US - age_us,
        quality=quality,
    )


def present(quality: TimeQuality = TimeQuality.NTP, boot: str = "b", step_us: int = 0) -> Present:
    return Present(
        kernel_boot=boot, monotonic_us=HOUR_US * 10, utc_us=JUNE_2024_US + step_us, quality=quality
    )


@given(
    st.sampled_from(TimeQuality),
    st.sampled_from(TimeQuality),
    st.integers(-50 * YEAR_US, 50 * YEAR_US),
    st.integers(0, HOUR_US - 1),
)
def test_a_clock_that_steps_by_years_is_generous_only_by_our_own_trusted_time(
    before: TimeQuality, after: TimeQuality, step_us: int, age_us: int
) -> None:
    own = {TimeQuality.NTP, TimeQuality.GNSS}
    end_us = end_of(past(age_us, before), present(after, step_us=step_us))
    if not {before, after} <= own:
        assert end_us == HOUR_US * 10, "what an LNS or nobody dates counts as just sent"
        assert not dated(past(age_us, before), present(after, step_us=step_us))
    same_boot = end_of(past(age_us, before, boot="b"), present(after, step_us=step_us))
    assert same_boot == HOUR_US * 10 - age_us, "within one boot of the machine no wall clock is asked"


@given(st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(1, 3 * SECOND)), max_size=120))
def test_no_hour_ever_holds_more_than_its_limit(asked: list[tuple[int, int]]) -> None:
    ledger, now_us, sent = Ledger(), 0, deque[tuple[int, int]]()
    for ticket, (pause_us, airtime_us) in enumerate(asked):
        now_us += pause_us
        if airtime_us <= ledger.room_us(M, now_us):
            ledger.charge("M", end_us=now_us + airtime_us, airtime_us=airtime_us, ticket=ticket)
            sent.append((now_us, airtime_us))
    for start_us, airtime_us in sent:
        end_us = start_us + airtime_us
        within = sum(a for s, a in sent if end_us - HOUR_US < s + a and s < end_us)
        assert within <= M.airtime_limit_us


@pytest.mark.parametrize(("later_us", "room_us"), [(HOUR_US - 1, 0), (HOUR_US, 36 * SECOND)])
def test_air_time_counts_until_an_hour_after_its_end(later_us: int, room_us: int) -> None:
    ledger = Ledger()
    ledger.charge("M", end_us=0, airtime_us=36 * SECOND, ticket=1)
    assert ledger.room_us(M, later_us) == room_us


def test_bands_have_accounts_of_their_own_and_what_did_not_leave_is_taken_back() -> None:
    ledger = Ledger()
    ledger.charge("M", end_us=0, airtime_us=5, ticket=1)
    ledger.charge("P", end_us=0, airtime_us=7, ticket=2)
    ledger.release(1)
    ledger.release(99)
    assert (ledger.used_us("M", 0), ledger.used_us("P", 0)) == (0, 7)


def test_what_is_taken_back_leaves_the_rest_of_its_band() -> None:
    ledger = Ledger()
    ledger.charge("M", end_us=0, airtime_us=5, ticket=1)
    ledger.charge("M", end_us=1, airtime_us=3, ticket=2)
    ledger.release(1)
    used = [ledger.used_us("M", at_us) for at_us in (HOUR_US, HOUR_US + 1)]
    assert used == [3, 0], "and counts once only"


def test_beyond_its_limit_the_ledger_only_gets_stricter() -> None:
    ledger = Ledger()
    for n in range(ENTRIES_LIMIT + 10):
        ledger.charge("M", end_us=n, airtime_us=1, ticket=n)
    assert ledger.used_us("M", 0) == ENTRIES_LIMIT + 10
    assert ledger.used_us("M", HOUR_US + 15) == ENTRIES_LIMIT + 10 - 6


def test_merged_air_time_ends_with_the_entry_that_took_it() -> None:
    ledger = Ledger()
    for n in range(ENTRIES_LIMIT + 1):
        ledger.charge("M", end_us=n, airtime_us=7, ticket=n)
    newest_us = ENTRIES_LIMIT
    assert ledger.used_us("M", HOUR_US + newest_us - 1) == 14
    assert ledger.used_us("M", HOUR_US + newest_us) == 0


@pytest.mark.parametrize(
    ("before", "after", "age_us"),
    [
        (past(60 * SECOND), present(), 60 * SECOND),
        (past(60 * SECOND, TimeQuality.UNTRUSTED), present(), 0),
        (past(60 * SECOND), present(TimeQuality.UNTRUSTED), 0),
        (past(60 * SECOND), present(step_us=-YEAR_US), 0),
        (past(60 * SECOND), present(TimeQuality.UNTRUSTED, step_us=YEAR_US), 0),
        (past(60 * SECOND), present(TimeQuality.UNTRUSTED, boot="a", step_us=YEAR_US), 60 * SECOND),
        (past(60 * SECOND), present(boot="a", step_us=-YEAR_US), 60 * SECOND),
    ],
)
def test_the_past_is_never_older_than_can_be_proved(before: Past, after: Present, age_us: int) -> None:
    assert end_of(before, after) == after.monotonic_us - age_us


def test_the_past_ends_after_an_hour() -> None:
    assert end_of(past(HOUR_US - 1), present()) is not None
    assert end_of(past(HOUR_US), present()) is None
    assert dated(past(), present())
    assert dated(past(quality=TimeQuality.GNSS), present())
    assert not dated(past(quality=TimeQuality.UNTRUSTED), present())


def test_lines_read_back_and_damaged_ones_are_counted() -> None:
    content = encode_line(past()) + b"garbage\n" + encode_line(past(5))[:-9] + b"\n" + encode_line(past(7))
    assert decode_lines(content) == ([past(), past(7)], 2)


@given(st.binary(max_size=300))
def test_any_file_is_read(content: bytes) -> None:
    assert decode_lines(content)[0] == []


def test_a_file_that_has_grown_is_written_anew(tmp_path: Path) -> None:
    file = LedgerFile(tmp_path)
    (tmp_path / FILE_NAME).write_bytes(b"x" * (FILE_LIMIT_BYTES + 1))
    assert file.load() == ([], 1)
    file.append(past(1), [past(2)])
    assert LedgerFile(tmp_path).load() == ([past(2), past(1)], 0)


def book(path: Path, clock: ManualClock) -> AirtimeBook:
    made = AirtimeBook(directory=path, clock=clock, later=lambda work: work())
    made.load()
    return made


def test_the_ledger_survives_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    book(tmp_path, clock).charge(M, end_us=HOUR_US, airtime_us=30 * SECOND, ticket=1)
    clock.now_us += HOUR_US // 2
    again = book(tmp_path, clock)
    assert again.room_us(M) == 6 * SECOND
    clock.now_us += HOUR_US // 2
    assert again.room_us(M) == 36 * SECOND


def test_a_transmission_at_the_compaction_of_the_file_is_kept_once(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    made = book(tmp_path, clock)
    made.charge(M, end_us=HOUR_US, airtime_us=2 * SECOND, ticket=1)
    made._file._size = FILE_LIMIT_BYTES + 1
    made.charge(M, end_us=HOUR_US, airtime_us=3 * SECOND, ticket=2)
    assert (tmp_path / FILE_NAME).stat().st_size < FILE_LIMIT_BYTES
    assert book(tmp_path, clock).used_us(M) == 5 * SECOND


def test_a_transmission_before_the_start_has_compacted_the_file_is_kept_once(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    book(tmp_path, clock).charge(M, end_us=HOUR_US, airtime_us=2 * SECOND, ticket=1)
    writes: list[Callable[[], None]] = []
    again = AirtimeBook(directory=tmp_path, clock=clock, later=writes.append)
    again.load()
    again.charge(M, end_us=HOUR_US, airtime_us=3 * SECOND, ticket=2)
    for write in writes:
        write()
    assert book(tmp_path, clock).used_us(M) == 5 * SECOND


def restarted_machine(clock: ManualClock, tmp_path: Path) -> AirtimeBook:
    lines = decode_lines((tmp_path / FILE_NAME).read_bytes())[0]
    other = [
        encode_line(Past(**{n: getattr(p, n) for n in p.__slots__} | {"kernel_boot": "other"})) for p in lines
    ]
    (tmp_path / FILE_NAME).write_bytes(b"".join(other))
    return book(tmp_path, clock)


def test_without_trusted_time_the_last_hour_counts_as_just_sent_until_time_is_trusted(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    book(tmp_path, clock).charge(M, end_us=HOUR_US, airtime_us=30 * SECOND, ticket=1)
    clock.now_us += 59 * 60 * SECOND
    clock.trusted = TimeQuality.UNTRUSTED
    again = restarted_machine(clock, tmp_path)
    clock.now_us += 30 * 60 * SECOND
    assert again.room_us(M) == 6 * SECOND
    clock.trusted = TimeQuality.NTP
    assert again.room_us(M) == 36 * SECOND


def test_once_time_is_trusted_the_past_counts_from_its_own_end(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    made = book(tmp_path, clock)
    made.charge(M, end_us=HOUR_US + 5 * SECOND, airtime_us=30 * SECOND, ticket=1)
    clock.trusted = TimeQuality.UNTRUSTED
    made.charge(M, end_us=HOUR_US, airtime_us=2 * SECOND, ticket=2)
    clock.now_us += 20 * 60 * SECOND
    again = restarted_machine(clock, tmp_path)
    clock.trusted = TimeQuality.NTP
    assert again.room_us(M) == 4 * SECOND
    clock.now_us = 2 * HOUR_US + 5 * SECOND - 1
    assert again.room_us(M) == 4 * SECOND
    clock.now_us += 1
    assert again.room_us(M) == 34 * SECOND, "the one that nobody dated counts on"


def test_a_downlink_that_is_taken_back_takes_nothing_of_earlier_runs_with_it(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    made = book(tmp_path, clock)
    for ticket in (1, 2):
        made.charge(M, end_us=HOUR_US, airtime_us=SECOND, ticket=ticket)
    again = book(tmp_path, clock)
    for ticket in range(3):
        again.release(ticket)
    assert again.used_us(M) == 2 * SECOND


def test_what_ended_an_hour_ago_is_neither_loaded_nor_kept_in_the_file(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    made = book(tmp_path, clock)
    made.charge(M, end_us=HOUR_US, airtime_us=2 * SECOND, ticket=1)
    clock.now_us += HOUR_US
    made._file._size = FILE_LIMIT_BYTES + 1
    made.charge(M, end_us=clock.now_us, airtime_us=3 * SECOND, ticket=2)
    kept = decode_lines((tmp_path / FILE_NAME).read_bytes())[0]
    assert [each.airtime_us for each in kept] == [3 * SECOND]
    clock.now_us += HOUR_US
    assert book(tmp_path, clock).used_us(M) == 0


def test_a_file_that_cannot_be_read_or_is_damaged_is_counted(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"garbage\nrubbish\n")
    assert book(tmp_path, ManualClock()).counts == {"damaged_lines": 2}
    folder = tmp_path / "other"
    (folder / FILE_NAME).mkdir(parents=True)
    assert book(folder, ManualClock()).counts == {"read_failed": 1}


def test_without_trusted_time_an_hour_is_enough(tmp_path: Path) -> None:
    clock = ManualClock(now_us=HOUR_US)
    book(tmp_path, clock).charge(M, end_us=HOUR_US, airtime_us=30 * SECOND, ticket=1)
    clock.trusted = TimeQuality.UNTRUSTED
    again = restarted_machine(clock, tmp_path)
    clock.now_us += HOUR_US
    assert again.room_us(M) == 36 * SECOND


def test_a_disk_that_takes_nothing_is_counted_and_nothing_stops(tmp_path: Path) -> None:
    made = AirtimeBook(directory=tmp_path / "absent", clock=ManualClock(), later=lambda work: work())
    made.load()
    made.charge(M, end_us=0, airtime_us=5, ticket=1)
    assert made.used_us(M) == 5
    assert made.counts["write_failed"] == 2


def test_every_band_of_the_plan_can_be_charged() -> None:
    for band in BANDS.values():
        assert load_plan("EU868").band_of((band.from_hz + band.to_hz) // 2, Lora(sf=7)) == band


def test_an_end_that_lies_ahead_of_this_boots_clock_counts_as_just_sent() -> None:
    """A file that says so is damaged or of a machine whose boot id came again."""
    ahead = past(-HOUR_US, TimeQuality.UNTRUSTED, boot="b")
    assert end_of(ahead, present()) == HOUR_US * 10
    assert not dated(ahead, present())

"""GNSS: sentences and frames to values, streams to messages, PPS pairs to a time base."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hal.gnss import nmea, ubx
from hal.gnss.receiver import NMEA_LEAP_S, RMC_ALONE, Receiver
from hal.gnss.stream import BUFFER_LIMIT_BYTES, split
from hal.gnss.timebase import AGE_LIMIT_US, Pairing, Timebase, pair, utc_us
from hal.twin.lines.gnss_receiver import GnssReceiver
from hal.units import Micros

RMC = b"$GPRMC,123519.25,A,4807.038,N,01131.000,E,022.4,084.4,230394,003.1,W*70\r\n"
GGA = b"$GPGGA,123519,4807.038,N,01131.000,W,1,08,0.9,545.4,M,46.9,M,,*55\r\n"
SECOND = 1_000_000


def test_rmc_says_when_and_where() -> None:
    said = nmea.decode(sentence("GNRMC,123519.25,A,4723.625,N,00041.350,E,0.1,84.4,230326,,,A"))

    assert isinstance(said, nmea.Rmc)
    assert said.utc == datetime(2026, 3, 23, 12, 35, 19, 250_000, tzinfo=UTC)
    assert said.valid
    assert said.latitude == pytest.approx(47.39375)
    assert said.longitude == pytest.approx(0.6891667)


def sentence(body: str) -> bytes:
    checksum = 0
    for byte in body.encode():
        checksum ^= byte
    return f"${body}*{checksum:02X}\r\n".encode()


def test_gga_says_how_high_and_how_well() -> None:
    said = nmea.decode(sentence("GPGGA,123519,4807.038,S,01131.000,W,1,08,0.9,545.4,M,46.9,M,,"))

    assert isinstance(said, nmea.Gga)
    assert (said.quality, said.satellites, said.hdop, said.altitude_m) == (1, 8, 0.9, 545.4)
    assert said.latitude == pytest.approx(-48.1173)
    assert said.longitude == pytest.approx(-11.516667)


def test_a_receiver_without_a_fix_says_nothing_of_time_and_place() -> None:
    said = nmea.decode(sentence("GPRMC,,V,,,,,,,,,,N"))

    assert said == nmea.Rmc(utc=None, valid=False, latitude=None, longitude=None)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"GPRMC*00",
        b"$GPRMC",
        b"$GPTXT,01*00",
        b"$GPTXT,01*4",
        b"$GPTXT,01*xy",
        b"$" + b"A" * 200 + b"*00",
        sentence("GPRMC,990000,A,4807.038,N,01131.000,E,0,0,230394,,"),
        sentence("GPGGA,123519,4807.038,N,01131.000,E,x,08,0.9,545.4,M,46.9,M,,"),
    ],
)
def test_what_is_no_sentence_is_refused(wrong: bytes) -> None:
    with pytest.raises(nmea.BadSentence):
        nmea.decode(wrong)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_sentence_or_refused(data: bytes) -> None:
    try:
        said = nmea.decode(data)
    except nmea.BadSentence:
        said = None
    assert said is None


def time_gps(week: int = 2400, milliseconds: int = 5000, valid: int = 7) -> bytes:
    payload = ubx.TIMEGPS.pack(milliseconds, 250_000, week, 18, valid, 25)
    return ubx.encode(ubx.NAV_TIMEGPS, payload)


def test_gps_time_of_an_epoch() -> None:
    kind, payload = ubx.decode(time_gps())

    assert kind == ubx.NAV_TIMEGPS
    said = ubx.decode_time_gps(payload)
    assert said == ubx.GpsTime(gps_us=2400 * ubx.WEEK_US + 5_000_250, leap_s=18, accuracy_ns=25)


@pytest.mark.parametrize(
    ("valid", "known", "leap"), [(0, False, None), (1, False, None), (3, True, None), (7, True, 18)]
)
def test_only_valid_time_counts(valid: int, known: bool, leap: int | None) -> None:
    said = ubx.decode_time_gps(ubx.decode(time_gps(valid=valid))[1])

    assert (said is not None) == known
    assert said is None or said.leap_s == leap


@given(st.tuples(st.integers(0, 255), st.integers(0, 255)), st.binary(max_size=300))
def test_frames_come_back(kind: tuple[int, int], payload: bytes) -> None:
    assert ubx.decode(ubx.encode(kind, payload)) == (kind, payload)


@given(st.binary(max_size=60), st.integers(0, 200), st.integers(1, 255))
def test_a_spoiled_frame_is_refused(payload: bytes, position: int, flip: int) -> None:
    frame = bytearray(ubx.encode((1, 2), payload))
    frame[position % len(frame)] ^= flip

    with pytest.raises(ubx.BadFrame):
        ubx.decode(bytes(frame))


def test_a_payload_of_the_wrong_size_is_refused() -> None:
    with pytest.raises(ubx.BadFrame, match="NAV-TIMEGPS of 15 bytes"):
        ubx.decode_time_gps(bytes(15))


MESSAGES = (RMC, time_gps(), GGA, time_gps(week=2401), ubx.encode((5, 1), b"\x06\x01"))


@settings(max_examples=40)
@given(st.lists(st.sampled_from(MESSAGES), max_size=6), st.data())
def test_messages_come_out_of_any_chunks(messages: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(messages)
    out: list[bytes] = []
    rest = b""
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        parted = split(rest + stream[:size])
        stream, rest = stream[size:], parted.rest
        out += parted.messages
        assert parted.skipped_bytes == 0

    assert out == messages
    assert rest == b""


@given(st.binary(max_size=3000))
def test_noise_is_skipped_and_bounded(noise: bytes) -> None:
    parted = split(noise)

    kept = sum(map(len, parted.messages)) + len(parted.rest)
    assert kept + parted.skipped_bytes == len(noise)
    assert len(parted.rest) <= BUFFER_LIMIT_BYTES


def test_a_message_behind_noise_is_found() -> None:
    parted = split(b"\x00\xb5garbage\xff" + RMC + b"\xb5" + time_gps())

    assert parted.messages == (RMC, time_gps())


class TwinLine:
    """A serial line to the virtual receiver."""

    def __init__(self) -> None:
        self.receiver = GnssReceiver()
        self.waiting = b""

    def flush_input(self) -> None:
        self.waiting = b""

    def write(self, data: bytes) -> None:
        self.waiting += self.receiver.feed(data)

    def read(self, count: int) -> bytes:
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken

    def close(self) -> None:
        self.waiting = b""


def rmc(second: str, *, status: str = "A", mode: str = "A") -> bytes:
    return sentence(f"GNRMC,1015{second},{status},4724.6360,N,00047.9280,E,0.0,0.0,231126,,,{mode},V")


def test_rmc_gives_the_time_only_where_no_ubx_comes_between() -> None:
    line = TwinLine()
    receiver = Receiver(line)
    line.waiting = b"".join(rmc(f"{second:02d}.000") + time_gps(valid=3) for second in range(9))
    receiver.poll()
    receiver.poll()
    assert receiver.time is not None
    assert receiver.time.gps_us == 2400 * ubx.WEEK_US + 5_000_250
    line.waiting = b"".join(rmc(f"{second:02d}.000") for second in range(20, 20 + RMC_ALONE - 1))
    assert not receiver.poll()
    line.waiting = rmc("23.000")
    assert receiver.poll()
    assert (receiver.time.leap_s, receiver.time.accuracy_ns) == (NMEA_LEAP_S, None)


@pytest.mark.parametrize(
    ("sentences", "counted"),
    [
        ((rmc("20.250"), rmc("20.500"), rmc("20.750")), "off_second"),
        ((rmc("20.000", status="V"),) * 3, "sentences"),
        *(((rmc("20.000", mode=mode),) * 3, "sentences") for mode in "NEMS"),
        ((rmc("60.000"),) * 3, "bad"),
    ],
)
def test_rmc_that_names_no_second_of_a_pulse_gives_no_time(
    sentences: tuple[bytes, ...], counted: str
) -> None:
    line = TwinLine()
    receiver = Receiver(line)
    line.waiting = b"".join(sentences)
    assert not receiver.poll()
    assert receiver.time is None
    assert receiver.counts[counted] == 3


def test_a_receiver_that_was_asked_tells_gps_time_every_second() -> None:
    line = TwinLine()
    receiver = Receiver(line)
    receiver.start()
    line.waiting += line.receiver.second(datetime(2026, 11, 22, 15, 0, 7, tzinfo=UTC))

    fresh = [receiver.poll() for _ in range(4)]

    assert any(fresh)
    assert receiver.time is not None
    assert receiver.time.leap_s is not None
    utc = utc_us(receiver.time.gps_us, receiver.time.leap_s)
    assert utc // SECOND == int(datetime(2026, 11, 22, 15, 0, 7, tzinfo=UTC).timestamp())
    assert receiver.position is not None
    assert receiver.position.valid
    assert receiver.counts["bad"] == 0


BASE = Timebase(pps_us=Micros(10 * SECOND), gps_us=1000 * SECOND)


@pytest.mark.parametrize(
    ("base", "pps_us", "gps_us", "pairing"),
    [
        (None, 10 * SECOND, 1000 * SECOND + 80_000, Pairing.FIRST),
        (BASE, 11 * SECOND + 10, 1001 * SECOND, Pairing.ACCEPTED),
        (BASE, 11 * SECOND + 11, 1001 * SECOND, Pairing.ABERRANT),
        (BASE, 11 * SECOND - 10, 1001 * SECOND, Pairing.ACCEPTED),
        (BASE, 20 * SECOND + 100, 1010 * SECOND, Pairing.ACCEPTED),
        (BASE, 10 * SECOND, 1001 * SECOND, Pairing.REPEATED),
        (BASE, 11 * SECOND, 1000 * SECOND, Pairing.ABERRANT),
    ],
)
def test_pairs(base: Timebase | None, pps_us: int, gps_us: int, pairing: Pairing) -> None:
    after, what = pair(base, Micros(pps_us), gps_us)

    assert what is pairing
    if what in (Pairing.FIRST, Pairing.ACCEPTED):
        assert (after.pps_us, after.gps_us % SECOND, after.aberrant) == (pps_us, 0, 0)


def test_three_aberrant_pairs_begin_anew() -> None:
    base, seen = BASE, []
    for second in range(1, 4):
        base, what = pair(base, Micros((20 + second) * SECOND), (1000 + second) * SECOND)
        seen.append(what)

    assert seen == [Pairing.ABERRANT, Pairing.ABERRANT, Pairing.RESTARTED]
    assert base == Timebase(pps_us=Micros(23 * SECOND), gps_us=1003 * SECOND)


@given(st.integers(-10, 10), st.integers(0, AGE_LIMIT_US))
def test_conversions_are_each_others_inverse(ppm: int, age_us: int) -> None:
    base, _ = pair(BASE, Micros(11 * SECOND + ppm), 1001 * SECOND)
    counter = Micros(base.pps_us + age_us)

    assert abs(base.counter_at(base.gps_at(counter)) - counter) <= 1
    assert base.crystal_ppm == pytest.approx(ppm, abs=1e-6)


def test_a_reference_ages() -> None:
    assert BASE.fresh(Micros(BASE.pps_us + AGE_LIMIT_US))
    assert not BASE.fresh(Micros(BASE.pps_us + AGE_LIMIT_US + 1))
    assert not BASE.fresh(Micros(BASE.pps_us - 1))

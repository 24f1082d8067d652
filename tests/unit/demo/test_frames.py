"""Every line is a frame or a refusal that names the line and the field."""

import base64
import gzip
import json
from pathlib import Path

import pytest

from demo.frames import TRAFFIC_BYTES, RecordedFrame, RefusedLine, parse_line, read_frames

GOOD = {
    "ts": 1672867882173,
    "gw": "a",
    "freq": 868.3,
    "datr": "SF12BW125",
    "rssi": -111,
    "snr": -3.8,
    "phy": "gAcAAEg=",
}


def line(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def test_a_good_line() -> None:
    (frame,) = parse_line(3, line())
    assert frame == RecordedFrame(
        line=3,
        at_ms=1672867882173,
        receiver="a",
        frequency_hz=868_300_000,
        sf=12,
        bandwidth_hz=125_000,
        rssi_dbm=-111,
        snr_db=-3.8,
        phy=base64.b64decode("gAcAAEg="),
    )


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (line()[:40], "line"),
        (b"[1]", "line"),
        (b"\xff\xfe", "line"),
        (b'{"ts": ' + b"[" * 5000, "line"),
        (b"x" * 20_000, "line"),
        (line(datr="SF13BW125"), "datr"),
        (line(datr=50000), "datr"),
        (line(freq=915.0), "freq"),
        (line(freq="868.3"), "freq"),
        (line(freq=float("nan")), "freq"),
        (line(ts=None), "ts"),
        (line(rssi=True), "rssi"),
        (line(phy="gAcAAEg"), "phy"),
        (line(phy=base64.b64encode(bytes(256)).decode()), "phy"),
        (line(phy=""), "phy"),
        (line(phy=None), "phy"),
    ],
)
def test_a_bad_line_is_refused_by_field(raw: bytes, field: str) -> None:
    (refused,) = parse_line(12, raw)
    assert isinstance(refused, RefusedLine)
    assert str(refused).startswith(f"line 12: {field}: ")


def test_a_line_of_a_traffic_log_is_a_frame_of_its_rate_and_channel() -> None:
    (frame,) = parse_line(7, b"DR0,2024-07-26 15:15:29,868.5\n")
    assert isinstance(frame, RecordedFrame)
    assert (frame.sf, frame.bandwidth_hz, frame.frequency_hz) == (12, 125_000, 868_500_000)
    assert frame.at_ms == 1_722_006_929_000
    assert (len(frame.phy), frame.phy[0]) == (TRAFFIC_BYTES, 0x40)
    assert parse_line(7, b"DR0,2024-07-26 15:15:29,868.5\n") == [frame]
    (wide,) = parse_line(8, b"DR6,2024-07-26 15:15:29,868.3")
    assert isinstance(wide, RecordedFrame)
    assert (wide.sf, wide.bandwidth_hz) == (7, 250_000)
    assert wide.phy != frame.phy


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"DR7,2024-07-26 15:15:29,868.5", "datr"),
        (b"DR5,2024-07-26 15:15:29,915.0", "freq"),
        (b"DR5,2024-02-30 15:15:29,868.5", "line"),
        (b"DR5,2024-07-26 15:15:29,8.6.8", "line"),
        (b"DR,time,freq", "line"),
        (b"UNKNOWN CODING RATE ON M0CW137,2024-07-26 15:18:40,868.0", "datr"),
    ],
)
def test_a_bad_line_of_a_traffic_log_is_refused_by_field(raw: bytes, field: str) -> None:
    (refused,) = parse_line(1, raw)
    assert isinstance(refused, RefusedLine)
    assert refused.field == field


@pytest.mark.parametrize("packed", [True, False])
def test_files_plain_and_gzip_with_a_limit(tmp_path: Path, packed: bool) -> None:
    text = line() + b"\n\n" + line()[:20] + b"\n" + line() + b"\n"
    path = tmp_path / ("frames.ndjson.gz" if packed else "frames.ndjson")
    path.write_bytes(gzip.compress(text) if packed else text)
    assert [type(item) for item in read_frames(path)] == [RecordedFrame, RefusedLine, RecordedFrame]
    assert len(list(read_frames(path, limit=1))) == 1


def test_a_frame_in_hz_with_its_receivers_is_one_reception_each() -> None:
    """The public form of gateway logs: one line a frame, ``rx`` says who heard it and how."""
    shared = {name: GOOD[name] for name in ("ts", "datr", "phy")} | {"freq": 868_300_000}
    receivers = [
        {"gw": "a", "rssi": -111, "snr": -3.8},
        {"gw": "b", "rssi": -120, "snr": -9, "ts": 1672867882174},
    ]
    frames = parse_line(3, json.dumps(shared | {"rx": receivers}).encode())
    assert frames[:1] == parse_line(3, line())
    second = frames[1]
    assert isinstance(second, RecordedFrame)
    assert (second.receiver, second.rssi_dbm, second.at_ms) == ("b", -120, 1672867882174)


@pytest.mark.parametrize(
    ("receivers", "kinds"),
    [
        ([{"gw": "a", "rssi": -1, "snr": 1}, {"gw": "b"}], [RecordedFrame, RefusedLine]),
        ([], [RefusedLine]),
        ("a", [RefusedLine]),
        ([{"gw": "a", "rssi": -1, "snr": 1}] * 100, [RecordedFrame] * 100),
        ([{"gw": "a", "rssi": -1, "snr": 1}] * 101, [RefusedLine]),
    ],
)
def test_a_receiver_that_cannot_be_played_is_refused_alone(receivers: object, kinds: list[type]) -> None:
    shared = {name: GOOD[name] for name in ("ts", "freq", "datr", "phy")}
    found = parse_line(3, json.dumps(shared | {"rx": receivers}).encode())
    assert [type(one) for one in found] == kinds

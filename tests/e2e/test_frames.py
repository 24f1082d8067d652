"""Recorded frames through the whole product: virtual chips, agents, UDP, LNS; each arrives once and whole."""

import base64
import gzip
import json
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from demo.ports import free_port

pytestmark = pytest.mark.e2e
LINES = 1_500
RECEIVERS = 50
CHANNELS_MHZ = (868.1, 868.3, 868.5, 867.1, 867.3, 867.5, 867.7, 867.9)
RATES = ("SF7",) * 83 + ("SF8",) + ("SF9",) * 2 + ("SF10",) + ("SF11",) * 3 + ("SF12",) * 10
"""In hundredths, what one gateway heard in Lyon on 2024-07-26 (doi:10.18709/perscido.2025.04.ds421)."""
LIMIT_S = 480


def replay(file: Path, *extra: str) -> tuple[int, dict]:
    command = [sys.executable, "-m", "passerelle", "demo", "--frames", str(file), "--port", str(free_port())]
    done = subprocess.run(
        [*command, "--headless", "--report", "json", "--speed", "max", *extra],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.stdout, done.stderr[-3000:]
    return done.returncode, json.loads(done.stdout)


def written(file: Path, lines: int) -> Path:
    """Write a day of unconfirmed uplinks as a recorder would, the same every time."""
    random = Random(20240726)
    with gzip.open(file, "wt") as out:
        for number in range(lines):
            header = b"\x40" + (0x26000000 + number % 97).to_bytes(4, "little") + b"\x00"
            phy = header + number.to_bytes(2, "little") + b"\x05" + random.randbytes(random.randrange(9, 52))
            frame = {
                "ts": number * 400,
                "gw": f"{min(random.randrange(RECEIVERS), random.randrange(RECEIVERS)):016x}",
                "freq": random.choice(CHANNELS_MHZ),
                "datr": f"{random.choice(RATES)}BW125",
                "rssi": random.randrange(-124, -60),
                "snr": random.randrange(-100, 100) / 10,
                "phy": base64.b64encode(phy).decode(),
            }
            out.write(json.dumps(frame) + "\n")
    return file


def test_frames_arrive_once_and_whole(tmp_path: Path) -> None:
    file = written(tmp_path / "frames.ndjson.gz", LINES + 100)
    status, report = replay(file, "--limit", str(LINES))
    assert (status, report["lost"], report["altered"], report["refused_lines"]) == (0, 0, 0, 0)
    assert report["lines"] == report["sent"] == report["received"] == report["delivered"] == LINES
    assert len([gateway for gateway in report["gateways"] if gateway["sent"]]) == 11


def test_bad_lines_are_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = {"ts": 1, "gw": "a", "freq": 868.1, "datr": "SF7BW125", "rssi": -90, "snr": 5}
    phy = base64.b64encode(bytes.fromhex("40f17dbe4900020001954378762b11ff0d")).decode()
    bad = [
        good | {"phy": phy, "datr": "SF4BW125"},
        good | {"phy": phy, "freq": 915.2},
        good | {"phy": base64.b64encode(bytes(256)).decode()},
    ]
    lines = [
        json.dumps(good | {"phy": phy}),
        '{"ts": 5, "freq"',
        *map(json.dumps, bad),
        json.dumps(good | {"phy": phy}),
    ]
    file = tmp_path / "frames.ndjson"
    file.write_text("\n".join(lines))
    status, report = replay(file)
    assert status == 0
    assert (report["sent"], report["delivered"], report["refused_lines"]) == (2, 2, 4)
    assert [refusal.split(":")[:2] for refusal in report["refused"]] == [
        ["line 2", " line"],
        ["line 3", " datr"],
        ["line 4", " freq"],
        ["line 5", " phy"],
    ]

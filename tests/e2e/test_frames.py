"""Real frames through the whole product: virtual chips, agents, UDP, LNS; each arrives once and whole."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.ports import free_port

pytestmark = pytest.mark.e2e
REAL = Path(__file__).parents[3] / "shared" / "data" / "campusiot_tourperret_helium_rx.ndjson.gz"
LIMIT_S = 200


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


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is absent")
def test_real_frames_arrive_once_and_whole() -> None:
    lines = int(os.environ.get("PASSERELLE_REPLAY_LINES", "1500"))
    status, report = replay(REAL, "--limit", str(lines))
    assert (status, report["lost"], report["altered"], report["refused_lines"]) == (0, 0, 0, 0)
    assert report["lines"] == report["sent"] == report["received"] == report["delivered"] == lines
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

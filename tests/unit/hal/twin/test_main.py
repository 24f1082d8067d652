"""``python -m hal.twin``: a site with its devices, and clear words when a way in cannot be opened."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hal.twin.__main__ import main
from hal.twin.lines.client import SocketBus


def test_a_way_in_that_is_taken_is_one_line_and_exit_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chip").write_text("not a socket")
    assert main(["--socket", str(tmp_path / "chip")]) == 2
    assert str(tmp_path / "chip") in capsys.readouterr().err


@pytest.mark.slow
def test_a_site_serves_every_device_until_it_is_told_to_stop(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hal.twin", "--sensors", "3", "--model", "sx1303"]
    for device in ("socket", "usb", "gnss"):
        command += [f"--{device}", str(tmp_path / device)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as site:
        assert site.stdout is not None
        serving = json.loads(site.stdout.readline())["serving"]
        assert serving["socket"] == str(tmp_path / "socket")
        bus = SocketBus(tmp_path / "socket")
        assert bus.transfer(bytes((0, 0x56, 0x06, 0, 0)))[4] == 0x12
        bus.close()
        usb = os.open(tmp_path / "usb", os.O_RDWR | os.O_NOCTTY)
        os.write(usb, bytes.fromhex("2a 0000 00"))
        answer = b""
        while len(answer) < 25:
            answer += os.read(usb, 64)
        assert answer.endswith(b"V01.00.00")
        os.close(usb)
        site.send_signal(signal.SIGTERM)
        assert site.wait(60) == 0
    assert list(tmp_path.iterdir()) == []

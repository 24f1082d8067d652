"""`passerelle fleet serve` as a process: says where it listens, serves, ends in good order."""

import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from fleet.cli.main import main

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
START_LIMIT_S = 60
STOP_LIMIT_S = 90


@pytest.fixture
def served(tmp_path):
    assert main(["init", "--data", str(tmp_path), "--broker", "127.0.0.1:9"]) == 0
    arguments = ("fleet", "serve", "--data", str(tmp_path), "--port", "0", "--open-access")
    process = subprocess.Popen(
        [sys.executable, "-m", "passerelle", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PASSERELLE_SMTP_URL": "smtp://127.0.0.1:9"},
    )
    yield process
    if process.poll() is None:
        process.kill()
    process.wait(STOP_LIMIT_S)
    process.stdout.close()


def test_it_says_where_it_listens_and_stops_on_sigterm(served):
    line = served.stdout.readline()
    assert line.startswith("Passerelle : http://127.0.0.1:")
    address = line.removeprefix("Passerelle : ").strip()
    with urllib.request.urlopen(f"{address}api/v1/openapi.json", timeout=START_LIMIT_S) as answer:
        assert answer.status == 200
    served.send_signal(signal.SIGTERM)
    assert served.wait(STOP_LIMIT_S) == 0

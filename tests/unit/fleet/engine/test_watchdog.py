"""A part that stands still ends the process, with the place where it stands; one that moves does not."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fleet.engine.watchdog import Watch

ROOT = Path(__file__).parents[3]
STOOD_STILL = """
import threading, time
from fleet.engine.watchdog import Watchdog

def where_it_hangs():
    threading.Event().wait()

moves = iter(range(10**9))
parts = {parts}
Watchdog(parts, hung_after_s=0.3, look_every_s=0.01).start(within_s=60)
where_it_hangs()
"""


@pytest.mark.parametrize(
    ("looks", "lines"),
    [
        ([{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2}], [True, False, True]),
        ([{"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 1}], [True, False, False]),
        ([{"a": 1, "b": 1}, {"a": 1, "b": 1}], [True, False]),
        ([{"a": None}, {"a": 0}, {"a": 0}], [True, True, False]),
    ],
    ids=["in turn", "one stands", "all stand", "first word"],
)
def test_all_parts_must_have_moved(looks, lines):
    watch = Watch()
    assert [watch.look(now) for now in looks] == lines


@pytest.mark.slow
@pytest.mark.parametrize(
    "parts",
    ['{"engine": lambda: 0}', '{"engine": lambda: 0, "pages": lambda: next(moves)}'],
    ids=["alone", "beside one that moves"],
)
def test_a_process_in_which_a_part_hangs_ends_and_says_where(parts, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.setblocking(False)
        ended = subprocess.run(
            [sys.executable, "-c", STOOD_STILL.replace("{parts}", parts)],
            cwd=ROOT,
            env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert ended.returncode == 1
        assert "where_it_hangs" in ended.stderr
        assert systemd.recv(100) == b"WATCHDOG=1"
        with pytest.raises(BlockingIOError):
            systemd.recv(100)

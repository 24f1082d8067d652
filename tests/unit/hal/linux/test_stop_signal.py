"""A stop signal is seen wherever it comes: before the wait, inside it, twice, or while everything closes.

Each case is a program of its own: pytest's workers have threads that do not block the signals.
"""

import signal
import subprocess
import sys

import pytest

PROGRAM_LIMIT_S = 60
ROUNDS = 300
PROGRAM_ROUNDS = 3000
"""Two of five such programs whose handler sets an Event hung, after 959 and 1,351 rounds."""
IMPORTS = """
import os, signal, threading
from hal.linux.stop_signal import STOPS, StopSignal

me = os.getpid()
"""


def run(program: str) -> None:
    """Run a program; it ends by itself without an error."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS + program], capture_output=True, timeout=PROGRAM_LIMIT_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_that_came_before_the_wait_ends_it(number: int) -> None:
    run(f"""
with StopSignal() as stop:
    os.kill(me, {int(number)})
    stop.wait_for_ever()
    assert stop.received and stop.wait(0)
""")


def test_without_a_signal_the_wait_ends_at_its_limit() -> None:
    run("""
with StopSignal() as stop:
    assert not stop.wait(0) and not stop.wait(0.001) and not stop.received
""")


def test_the_mask_is_as_before_and_nothing_is_pending() -> None:
    run("""
before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
with StopSignal() as stop:
    os.kill(me, signal.SIGTERM)
    assert stop.wait(60)
    os.kill(me, signal.SIGTERM)
    os.kill(me, signal.SIGINT)
    assert signal.sigpending() == STOPS
assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before
assert signal.sigpending() == set()
""")


def test_a_signal_from_a_thread_of_ours_ends_the_wait_of_the_main_thread() -> None:
    run(f"""
for _ in range({ROUNDS}):
    with StopSignal() as stop:
        sender = threading.Thread(target=os.kill, args=(me, signal.SIGTERM))
        sender.start()
        while not stop.wait(0.000_01):
            assert not stop.received
        sender.join()
""")


STOPPED_AGAIN_AND_AGAIN = f"""
for _ in range({PROGRAM_ROUNDS}):
    with StopSignal() as stop:
        print(flush=True)
        while not stop.wait(0.000_01):
            pass
"""


@pytest.mark.slow
def test_a_program_that_is_stopped_thousands_of_times_stops_each_time() -> None:
    command = [sys.executable, "-c", IMPORTS + STOPPED_AGAIN_AND_AGAIN]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        for _ in range(PROGRAM_ROUNDS):
            assert program.stdout.readline() == b"\n"
            program.send_signal(signal.SIGTERM)
        assert program.wait(PROGRAM_LIMIT_S) == 0

"""The rules of ``tests.suite_ends``, each on a small suite that breaks it."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
RUN_LIMIT_S = 120
pytestmark = pytest.mark.slow


def run(folder: Path, suite: str, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run a suite of one file with the plugin, as a process of its own."""
    (folder / "test_suite.py").write_text(suite)
    plugins = ("tests.suite_ends", "pytest_timeout", "xdist", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", "-ra", *(f"-p{plugin}" for plugin in plugins)]
    return subprocess.run(
        [*command, *options, str(folder)],
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        check=False,
    )


def test_a_test_that_hangs_fails_with_the_stacks_of_all_threads(tmp_path: Path) -> None:
    suite = """
import pytest, threading

def wait_in_a_thread():
    threading.Event().wait(30)

@pytest.mark.timeout(3)
def test_hangs():
    threading.Thread(target=wait_in_a_thread, daemon=True).start()
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

def test_next():
    pass
"""
    done = run(tmp_path, suite)
    assert "1 failed, 1 passed" in done.stdout
    assert "in wait_in_a_thread" in done.stdout + done.stderr
    assert done.returncode == 1


def test_a_hang_that_no_exception_ends_ends_the_process_with_the_stacks(tmp_path: Path) -> None:
    suite = """
import pytest, signal
import tests.suite_ends

tests.suite_ends.EXIT_AFTER_S = 1

@pytest.mark.timeout(2)
def test_hangs():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.sigwait([signal.SIGUSR1])
"""
    done = run(tmp_path, suite)
    assert "in test_hangs" in done.stderr
    assert done.returncode == 1


def test_a_tear_down_that_hangs_after_a_failure_ends_the_process(tmp_path: Path) -> None:
    suite = """
import pytest, threading
import tests.suite_ends

tests.suite_ends.TEARDOWN_LIMIT_S = 2

@pytest.fixture
def door():
    yield
    threading.Event().wait()

def test_fails(door):
    assert False
"""
    done = run(tmp_path, suite)
    assert "in door" in done.stderr
    assert done.returncode == 1


PROCESSES = """
import os, pytest, subprocess

def start():
    script = "echo $$ >> pids; sleep 300 & echo $! >> pids; echo; wait"
    process = subprocess.Popen(["sh", "-c", script], stdout=subprocess.PIPE)
    process.stdout.readline()
    return process

@pytest.fixture(scope="module")
def served():
    yield start()

@pytest.fixture(scope="module")
def grows():
    script = "echo $$ >> pids; read go; sleep 300 & echo $! >> pids; echo; wait"
    yield subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

def test_shared(served):
    pass

def test_fails():
    process = start()
    assert False

def test_shared_still(served):
    assert served.poll() is None

def test_shared_starts_its_own(grows):
    grows.stdin.write(b"go\\n")
    grows.stdin.flush()
    grows.stdout.readline()
    subprocess.run(["true"])

def test_shared_has_its_own_still(grows):
    assert grows.poll() is None

def test_tidy():
    process = start()
    subprocess.run(["pkill", "-P", str(process.pid)])
    process.wait()
"""


def test_a_process_left_by_a_failing_test_is_killed_with_its_children(tmp_path: Path) -> None:
    done = run(tmp_path, PROCESSES)
    assert "1 failed, 5 passed, 1 error" in done.stdout
    assert "left running, killed now: sh -c" in done.stdout
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 8
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


SKIPS = """
import pytest

def test_works():
    pass

def test_skips():
    pytest.skip("no radio here")
"""


@pytest.mark.parametrize("options", [(), ("-n", "1")])
def test_a_skip_more_than_may_be_fails_the_run_and_names_its_reason(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    done = run(tmp_path, SKIPS, *options)
    assert "no radio here" in done.stdout
    assert "1 skipped, 0 may be" in done.stdout
    assert done.returncode == 1


def test_a_skip_that_may_be_fails_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, SKIPS, "--skips-limit", "1")
    assert "no radio here" in done.stdout
    assert "may be:" not in done.stdout
    assert done.returncode == 0

"""The suite ends, always: each test has a limit, no process outlives its test, and no skip goes unseen.

a test runs too long          pytest-timeout prints every thread's stack and the test fails
it does not even fail then    faulthandler prints every thread's stack and the process exits
tear-down runs too long       likewise, within a limit of its own
a process outlives its test   it is killed with all its children and the test fails
a test is skipped             the summary says why; the run fails when more are skipped than may be
"""

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil
import pytest

TEST_LIMIT_S = 600.0
"""Set-up of the fixtures included; with twenty processes on two cores the slowest test takes half of it."""
SOAK_TEST_LIMIT_S = 4 * 3600.0
EXIT_AFTER_S = 60.0
"""From a test's limit until the process exits, for what no exception can end: a call into C."""
TEARDOWN_LIMIT_S = 180.0
KILL_WAIT_S = 10.0
SKIPS_LIMIT = 0
"""Skips of a whole run where `make test` installed what the tests use, as root."""

_stderr = pytest.StashKey[int]()


class _StartedProcesses:
    """Counts what this process started, so that most tests need no look at the machine's processes."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, event: str, _: object) -> None:
        if event in {"subprocess.Popen", "os.fork", "os.posix_spawn"}:
            self.count += 1


_started = _StartedProcesses()
sys.addaudithook(_started)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--skips-limit",
        type=int,
        default=SKIPS_LIMIT,
        metavar="N",
        help=f"fail the run when more than N tests are skipped (default {SKIPS_LIMIT})",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_stderr] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what fixtures of a module or the session left, and workers of xdist that do not end themselves."""
    os.close(config.stash[_stderr])
    if _started.count:
        _kill(_children())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("timeout") is None:
            soak = item.get_closest_marker("soak") is not None
            item.add_marker(pytest.mark.timeout(SOAK_TEST_LIMIT_S if soak else TEST_LIMIT_S, method="signal"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    marker = item.get_closest_marker("timeout")
    assert marker is not None
    with _exits_after(item, marker.args[0] + EXIT_AFTER_S):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """A test that failed has used its limit up; its fixtures get one of their own."""
    with _exits_after(item, TEARDOWN_LIMIT_S):
        return (yield)


@contextmanager
def _exits_after(item: pytest.Item, limit_s: float) -> Iterator[None]:
    """Print all stacks and exit the process unless the block ends in time; only the last block counts."""
    faulthandler.dump_traceback_later(limit_s, exit=True, file=item.config.stash[_stderr])
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(autouse=True)
def _no_process_outlives_its_test() -> Iterator[None]:
    """Kill what the test and its own fixtures started; fixtures of a module or the session keep theirs."""
    count = _started.count
    before = _children() if count else []
    yield
    if _started.count != count and (left := [child for child in _children() if child not in before]):
        pytest.fail(f"left running, killed now: {', '.join(_kill(left))}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    limit = session.config.getoption("--skips-limit")
    if len(_skipped(session.config)) > limit and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(config: pytest.Config) -> list[object]:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return [] if reporter is None else reporter.stats.get("skipped", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    skipped, limit = len(_skipped(config)), config.getoption("--skips-limit")
    if skipped > limit:
        terminalreporter.write_line(
            f"{skipped} skipped, {limit} may be: this run proves less than it seems. "
            "On a machine that cannot do better: --skips-limit N",
            red=True,
        )


def _children() -> list[psutil.Process]:
    """Return the living processes that this one started itself: a browser may start its own as it likes."""
    return [child for child in psutil.Process().children() if _lives(child)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _kill(processes: list[psutil.Process]) -> list[str]:
    """Kill processes and all that they started; return the command lines of the first."""
    names, trees = [], []
    for process in processes:
        try:
            names.append(" ".join(process.cmdline()) or process.name())
            trees += [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            continue
    for process in trees:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(trees, timeout=KILL_WAIT_S)
    return names

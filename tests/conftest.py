"""What every test shares: properties are judged by their verdict, never by the speed of the machine.

`make test` tries the same examples every time, so that a red run can be had again; `make soak` sets
PASSERELLE_EXPLORE and tries others, many more.  What it finds becomes an ``@example``.
"""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

pytest_plugins = ("tests.suite_ends", "tests.suite_order")

EXPLORED = 1_000

settings.register_profile("same", deadline=None, max_examples=60, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=EXPLORED)
settings.load_profile("explore" if os.environ.get("PASSERELLE_EXPLORE") else "same")


@pytest.fixture(autouse=True)
def _plain_logs() -> Iterator[None]:
    """A command that a test runs configures logs for its own stderr, which ends with that test."""
    yield
    structlog.reset_defaults()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many damaged inputs the fuzz targets tried."""
    tried = [
        int(str(number))
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", "") == "call"
        for name, number in report.user_properties
        if name == "fuzzed"
    ]
    if tried:
        terminalreporter.write_line(f"fuzzed: {sum(tried)} damaged inputs on {len(tried)} targets")

"""The fault table: what happened, time to detect, time to serve again, frames lost, what the fleet was told.

make soak        prints the table; each fault is made for real against real processes, several at a time
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.soak.faults.fault import Row
from tests.soak.faults.table import FAULTS, lines, outcome

pytestmark = pytest.mark.soak
AT_ONCE = 5
"""Faults wait more than they reckon; more at once would measure the machine."""


@pytest.fixture(scope="module")
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Rows"]:
    wanted = [
        int(str(item.callspec.params["number"]))
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and hasattr(item, "callspec")
    ]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = {
            number: pool.submit(outcome, number, tmp_path_factory.mktemp(f"fault{number}"))
            for number in wanted
        }
        yield futures
        pool.shutdown(cancel_futures=True)


Rows = dict[int, Future[Row]]


@pytest.mark.parametrize("number", range(len(FAULTS)), ids=[fault.name for fault in FAULTS])
def test_a_gateway_survives(number: int, rows: Rows) -> None:
    row = rows[number].result()
    if row.missing:
        pytest.skip(f"not played without {row.missing}")
    assert row.lost == 0
    assert (row.version, row.trial) == (FAULTS[number].version, False)


def test_print_the_table(rows: Rows) -> None:
    assert rows, "run with the faults before it"
    done = [one.result() for one in rows.values() if one.done() and not one.exception()]
    print("\n" + "\n".join(lines(done)))


def test_names_are_once_each() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)

"""No route of the application hashes, parses, renders or waits inside a write transaction."""

import inspect
import re
import time
from pathlib import Path

import pytest

import fleet.web
from fleet.db.outside import InsideWrite, outside_write
from fleet.identity import passwords
from fleet.web import rendering
from fleet.web.app import make_app
from tests.unit.fleet.founded import StandingClock, empty_database
from tests.unit.fleet.web.call_graph import functions_of, slow_work, transactions_below
from tests.unit.fleet.web.process import parts_over, settings_of


@pytest.fixture(scope="module")
def transactions(tmp_path_factory):
    folder = tmp_path_factory.mktemp("routes")
    database = empty_database(folder)
    app = make_app(parts_over(settings_of(folder, database), database, StandingClock()))
    found = {}
    for route, function in functions_of(app):
        for where, transaction in transactions_below(function).items():
            found.setdefault(where, (route, *transaction))
    return found


def test_every_transaction_of_the_pages_and_of_the_api_is_found(transactions):
    folder = Path(inspect.getfile(fleet.web)).parent
    pattern = re.compile(r"^ +with .*\.write\(\)", re.MULTILINE)
    written = {
        path.relative_to(folder.parents[1]): len(pattern.findall(path.read_text()))
        for path in folder.rglob("*.py")
    }
    found = [Path(*module.split(".")).with_suffix(".py") for module, _ in transactions]
    assert {path: count for path, count in written.items() if count} == {
        path: found.count(path) for path in found if path in written
    }


def test_no_route_does_long_work_inside_a_write_transaction(transactions):
    ways = {
        f"{route}, {where[0]}:{where[1]}": way
        for where, (route, function, node) in transactions.items()
        if (way := slow_work(function, node)) is not None
    }
    assert not ways


def _waits() -> None:
    time.sleep(1)


class _Page:
    def shown(self) -> None:
        rendering.render("x", None)


def _bad_directly(database):
    with database.write():
        passwords.matches(None, "x")


def _bad_below(database):
    with database.write():
        _waits()


def _bad_beside_another(folder, database):
    with folder as _, database.write():
        _Page.shown(_)


def _good(database):
    passwords.matches(None, "x")
    with database.write():
        len("x")


def its_own(function):
    """Return the transaction that a function begins itself; more are found in methods of the same names."""
    (own,) = [found for found in transactions_below(function).values() if found[0] is function]
    return own


@pytest.mark.parametrize("function", [_bad_directly, _bad_below, _bad_beside_another])
def test_long_work_is_found_directly_and_below(function):
    assert slow_work(*its_own(function)) is not None


def test_long_work_before_the_transaction_is_fine():
    assert slow_work(*its_own(_good)) is None


def test_marked_work_refuses_to_run_inside(tmp_path):
    @outside_write
    def long_work() -> int:
        return 7

    database = empty_database(tmp_path)
    with database.write(), pytest.raises(InsideWrite, match="long_work"):
        long_work()
    with database.read():
        assert long_work() == 7
    with pytest.raises(ZeroDivisionError), database.write():
        1 / 0  # noqa: B018
    assert long_work() == 7

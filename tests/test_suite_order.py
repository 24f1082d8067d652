"""The order of the suite loses no file, and what waits is spread."""

import pytest

from tests.suite_order import TESTS, spread, waits


@pytest.mark.parametrize(
    ("waiting", "computing", "order"),
    [
        ("ab", "1234", "a1b234"),
        ("abc", "1", "a1bc"),
        ("", "12", "12"),
        ("ab", "", "ab"),
    ],
)
def test_one_that_waits_comes_before_some_that_compute(waiting: str, computing: str, order: str) -> None:
    assert "".join(spread(waiting, computing, between=1)) == order


@pytest.mark.parametrize(("folder", "waiting"), [("e2e", True), ("unit/fleet/e2e", False), ("..", False)])
def test_what_waits_is_known_by_its_folder(folder: str, waiting: bool) -> None:
    assert waits(TESTS / folder / "test_x.py") is waiting

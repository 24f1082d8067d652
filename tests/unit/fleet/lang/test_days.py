import pytest

from fleet.lang.text import iso_day


@pytest.mark.parametrize(
    "written",
    [
        "2026-12-01",
        "01/12/2026",
        "1/12/2026",
        "01-12-2026",
        "01.12.26",
        "1er décembre 2026",
        "1 déc. 2026",
        "mar. 1er déc. 2026",
    ],
)
def test_days_as_people_write_them(written: str) -> None:
    assert iso_day(written) == "2026-12-01"


@pytest.mark.parametrize("written", ["hier", "31/02/2026", "12/2026", "1 brumaire 2026", "", "2026-13-01"])
def test_what_is_no_day_comes_back_as_it_was(written: str) -> None:
    assert iso_day(written) == written

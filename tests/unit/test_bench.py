"""`passerelle bench`: a program reads the figures, whatever the measured code logs."""

import json
import sys
from types import ModuleType

import pytest
import structlog

from passerelle import bench
from passerelle.figures import Figure


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("passerelle.benches.availability")

    def measure() -> list[Figure]:
        structlog.get_logger("month").info("month_closed", month="2026-10")
        print("a line of the measured program")
        return [Figure(name="months", value=1.0, unit="month", target=2, better="higher", how="counted")]

    module.measure = measure  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("measured")
def test_stdout_holds_the_figures_alone_and_a_missed_one_is_exit_1(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bench.main(["availability", "--json"]) == 1
    written = capsys.readouterr()
    assert json.loads(written.out)["figures"][0]["met"] is False
    assert "a line of the measured program" in written.err


def test_an_unknown_bench_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["nothing"]) == 2
    assert "availability" in capsys.readouterr().err


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["--help"], 0),
        (["availability", "--help"], 0),
        (["availability", "-h", "--json"], 0),
        ([], 2),
        (["availability", "--jsn"], 2),
        (["availability", "--js"], 2),
        (["availability", "wire"], 2),
    ],
)
def test_help_and_what_it_does_not_know_measure_nothing(
    arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench.main(arguments) == status
    written = capsys.readouterr()
    assert "usage: passerelle bench" in (written.err if status else written.out)
    assert "a line of the measured program" not in written.err

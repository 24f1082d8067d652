"""`passerelle fleet ok-to-stop` as an operator types it."""

import json

import pytest

from fleet.cli.main import main
from tests.unit.fleet.founded import DOCUMENT, EUIS


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    (folder / "registry.json").write_text(json.dumps(DOCUMENT))
    assert main(["init", "--data", str(folder)]) == 0
    assert main(["import", "--data", str(folder), str(folder / "registry.json")]) == 0
    assert main(["accept", "--data", str(folder), "--eui", EUIS[0]]) == 0
    return folder


def run(capsys, data, *arguments):
    status = main(["ok-to-stop", "--data", str(data), *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_a_gateway_that_serves_nobody_may_go(data, capsys):
    status, out, _ = run(capsys, data, EUIS[0], "--max", "3")
    assert status == 0
    assert out.splitlines()[0].startswith("Oui")
    assert "Aucune autre" in out


def test_the_only_gateway_of_a_commune_may_not_go_in_a_window_far_ahead(data, capsys):
    status, out, _ = run(capsys, data, EUIS[0], "--window", "2099-01-01T08:00/2099-01-01T09:00")
    assert status == 1
    assert out.splitlines()[0] == "Non."
    assert "Vouvray 1" in out
    status, out, _ = run(capsys, data, EUIS[0], "--window", "2099-01-01T08:00/2099-01-01T09:00", "--json")
    told = json.loads(out)
    assert status == 1
    assert (told["ok"], told["refusals"][0]["kind"], told["refusals"][0]["insee"]) == (
        False,
        "commune",
        "37281",
    )


@pytest.mark.parametrize("window", ["tomorrow", "2026-12-01T09:00", "2026-12-01T09:00/2026-12-01T08:00"])
def test_a_window_that_is_none_is_refused_by_name(data, capsys, window):
    status, _, error = run(capsys, data, EUIS[0], "--window", window)
    assert status == 2
    assert "--window" in error
    assert len(error.splitlines()) == 1


def test_an_eui_that_is_none_is_refused(data, capsys):
    status, _, error = run(capsys, data, "église")
    assert (status, len(error.splitlines())) == (2, 1)

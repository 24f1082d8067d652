"""Whatever a fleet writes is for its owner alone: after a start, a revocation, a backup and a restore."""

import stat

import pytest

from fleet.cli.main import main
from tests.contract.fleet_process import FleetProcess, until

pytestmark = [pytest.mark.slow, pytest.mark.e2e]
PID_FILE = "mosquitto.pid"
"""The broker writes it, before it asks for privacy; it holds a number."""


def open_to_others(folder):
    """Return the files and folders that others may look into, with their modes."""
    paths = [path for path in (folder, *folder.rglob("*")) if path.name != PID_FILE]
    modes = {str(path.relative_to(folder)): mode_of(path) for path in paths}
    return {name: oct(mode) for name, mode in modes.items() if mode & 0o077}


def mode_of(path):
    """Return the rights of a file; none where its next content has taken its place meanwhile."""
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return 0


def test_no_file_of_a_fleet_is_open_to_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fleet = FleetProcess(tmp_path)
    try:
        fleet.start_broker()
        served = fleet.serve()
        served.log_path.chmod(0o600)  # of the test
        served.until_well()
        beside = [fleet.data / "fleet.db-shm", fleet.data / "fleet.db-wal"]
        until("a write-ahead log", lambda: all(path.exists() for path in beside))
        archive = tmp_path / "archive"
        assert main(["backup", "--data", str(fleet.data), "--output", str(archive), "--plain"]) == 0
        assert open_to_others(fleet.data) == {}
    finally:
        fleet.end()
    assert open_to_others(fleet.data) == {}
    again = tmp_path / "again"
    assert main(["restore", "--data", str(again), str(archive)]) == 0
    assert open_to_others(again) == {}
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600

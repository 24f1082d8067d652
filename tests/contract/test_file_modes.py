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
    return {
        str(path.relative_to(folder)): oct(mode)
        for path in (folder, *folder.rglob("*"))
        if path.name != PID_FILE and (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077
    }


def test_no_file_of_a_fleet_is_open_to_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fleet = FleetProcess(tmp_path)
    try:
        fleet.start_broker()
        served = fleet.serve()
        served.log_path.chmod(0o600)  # of the test
        served.until_well()
        present = until("a write-ahead log", lambda: sorted(fleet.data.glob("fleet.db-*")))
        assert [path.name for path in present] == ["fleet.db-shm", "fleet.db-wal"]
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

"""What `fleet init` leaves behind is for its owner alone, new or founded long ago."""

import stat

from fleet.cli.main import main


def modes(folder):
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def test_files_are_0600_in_folders_0700_new_and_of_before(tmp_path):
    data = tmp_path / "data"
    for _ in range(2):
        assert main(["init", "--data", str(data)]) == 0
        found = modes(data)
        folders = {path for path in found if (data / path).is_dir()}
        assert folders >= {".", "keys", "mosquitto"}
        assert {
            path: oct(mode) for path, mode in found.items() if mode != (0o700 if path in folders else 0o600)
        } == {}
        (data / "fleet.db").chmod(0o644)
        (data / "keys").chmod(0o755)

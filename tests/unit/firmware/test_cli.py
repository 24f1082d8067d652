"""``passerelle firmware`` as people and machines read it."""

import json
from pathlib import Path

import pytest

from firmware.cli import main
from firmware.words import WORDS
from tests.unit.firmware.sample import ENTRIES, release_zip


def test_import_list_verify_in_french(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "store")
    assert main(["verify", "--dir", store], entries=ENTRIES) == 1
    assert "indispensable" in capsys.readouterr().out
    assert main(["import", str(release_zip(tmp_path / "r.zip")), "--dir", store], entries=ENTRIES) == 0
    assert "Importé  agc_sx1250 7" in capsys.readouterr().out
    assert main(["verify", "--dir", store], entries=ENTRIES) == 0
    out = capsys.readouterr().out
    assert out.count("conforme") == 3
    assert "peut démarrer" in out


def test_english_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path / "no"), "--lang", "en"], entries=ENTRIES) == 2
    assert "there is no such file" in capsys.readouterr().err
    main(["list", "--dir", str(tmp_path), "--lang", "en"], entries=ENTRIES)
    assert "required" in capsys.readouterr().out


def test_machines_read_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(tmp_path / "store")
    main(["import", str(release_zip(tmp_path / "r.zip")), "--dir", store, "--json"], entries=ENTRIES)
    assert len(json.loads(capsys.readouterr().out)["imported"]) == 3
    assert main(["verify", "--dir", store, "--json"], entries=ENTRIES) == 0
    assert {record["state"] for record in json.loads(capsys.readouterr().out)} == {"good"}


def test_an_altered_optional_image_is_not_passed_over(tmp_path: Path) -> None:
    store = tmp_path / "store"
    main(["import", str(release_zip(tmp_path / "r.zip")), "--dir", str(store)], entries=ENTRIES)
    (store / "sx1261.bin").write_bytes(b"x")
    assert main(["verify", "--dir", str(store)], entries=ENTRIES) == 1


def test_a_users_mistake_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(tmp_path / "absent.zip")], entries=ENTRIES) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "absent.zip" in error
    with pytest.raises(SystemExit) as left:
        main(["bogus"], entries=ENTRIES)
    assert left.value.code == 2


def test_every_word_exists_in_both_languages() -> None:
    assert set(WORDS["fr"]) == set(WORDS["en"])

"""From archives, folders and files into the store; wrong ones are refused by name and leave nothing."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from firmware.catalogue import CATALOGUE
from firmware.errors import FirmwareRefused
from firmware.importing import import_firmware
from firmware.sources import CANDIDATE_LIMIT, FILE_LIMIT_BYTES, MEMBER_LIMIT, candidates
from firmware.store import State, verify
from tests.unit.firmware.sample import (
    ENTRIES,
    IMAGES,
    c_source,
    release_folder,
    release_tar,
    release_zip,
)


@pytest.mark.parametrize("release", [release_zip, release_tar, release_folder])
def test_a_release_in_any_form(tmp_path: Path, release: Callable[[Path], Path]) -> None:
    outcome = import_firmware(release(tmp_path / "release"), tmp_path / "store", ENTRIES)
    assert sorted(one.entry.name for one in outcome.imported) == ["agc_sx1250", "arb", "sx1261"]
    assert outcome.refused == ()
    for name, image in IMAGES.items():
        assert (tmp_path / "store" / f"{name}.bin").read_bytes() == image


def test_a_single_file_under_any_name(tmp_path: Path) -> None:
    single = tmp_path / "renamed.var"
    single.write_text(c_source("arb"))
    outcome = import_firmware(single, tmp_path / "store", ENTRIES)
    assert [one.entry.name for one in outcome.imported] == ["arb"]


def test_one_altered_image_does_not_spoil_the_others(tmp_path: Path) -> None:
    folder = release_folder(tmp_path / "release")
    altered = bytearray(IMAGES["arb"])
    altered[100] ^= 1
    (folder / "sx1302_hal-2.1.0/libloragw/src/arb_fw.var").write_text(c_source("arb", bytes(altered)))
    outcome = import_firmware(folder, tmp_path / "store", ENTRIES)
    assert sorted(one.entry.name for one in outcome.imported) == ["agc_sx1250", "sx1261"]
    assert [one.error.key for one in outcome.refused] == ["wrong_content"]


def refusal(path: Path, store: Path) -> FirmwareRefused:
    with pytest.raises(FirmwareRefused) as refused:
        import_firmware(path, store, ENTRIES)
    assert not store.exists() or not list(store.iterdir()), "a refused import leaves nothing"
    return refused.value


@pytest.mark.parametrize(
    ("image", "key"),
    [
        (IMAGES["arb"][:8000], "wrong_size"),
        (bytes(8192), "wrong_content"),
        (IMAGES["arb"] + b"\0", "wrong_size"),
    ],
)
def test_a_wrong_image_is_refused_with_what_is_wrong(tmp_path: Path, image: bytes, key: str) -> None:
    single = tmp_path / "arb_fw.var"
    single.write_text(c_source("arb", image))
    error = refusal(single, tmp_path / "store")
    assert error.key == "nothing"
    with pytest.raises(FirmwareRefused):
        import_firmware(single, tmp_path / "store", ENTRIES)
    assert {"wrong_size": "8192", "wrong_content": "SHA-256"}[key] in error.text("fr")


def test_a_file_with_the_right_name_but_no_c(tmp_path: Path) -> None:
    single = tmp_path / "arb_fw.var"
    single.write_bytes(b"\xff\xfe\x00")
    assert "texte C" in refusal(single, tmp_path / "store").text("fr")


def test_paths_that_hold_nothing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent", tmp_path / "store").key == "absent"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert refusal(empty, tmp_path / "store").key == "nothing"
    text = tmp_path / "notes.txt"
    text.write_text("bonjour")
    assert refusal(text, tmp_path / "store").key == "no_source"


@pytest.mark.parametrize("release", [release_zip, release_tar])
def test_a_truncated_archive(tmp_path: Path, release: Callable[[Path], Path]) -> None:
    whole = release(tmp_path / "whole").read_bytes()
    cut = tmp_path / "cut"
    cut.write_bytes(whole[: len(whole) // 2])
    assert refusal(cut, tmp_path / "store").key in {"bad_zip", "bad_tar", "no_source"}


def test_a_damaged_member(tmp_path: Path) -> None:
    archive = bytearray(release_zip(tmp_path / "release").read_bytes())
    archive[2000] ^= 0xFF
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(archive)
    assert refusal(damaged, tmp_path / "store").key == "bad_zip"


def test_a_bomb_is_refused_by_its_announced_size(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("arb_fw.var", b" " * (FILE_LIMIT_BYTES + 1))
    assert refusal(bomb, tmp_path / "store").key == "too_big"
    big = tmp_path / "big.var"
    big.write_bytes(b" " * (FILE_LIMIT_BYTES + 1))
    assert refusal(big, tmp_path / "store").key == "too_big"


@pytest.mark.parametrize("release", [release_zip, release_tar, release_folder])
def test_entries_have_a_limit(tmp_path: Path, release: Callable[[Path], Path]) -> None:
    path = release(tmp_path / "release")
    entries = 7 if path.is_dir() else 4
    assert len(candidates(path, member_limit=entries)) == 3, "a folder counts the three folders inside it too"
    with pytest.raises(FirmwareRefused) as refused:
        candidates(path, member_limit=entries - 1)
    assert refused.value.key == "too_many"
    assert entries * 10 < MEMBER_LIMIT


def test_too_many_that_look_like_images(tmp_path: Path) -> None:
    for index in range(CANDIDATE_LIMIT + 1):
        (tmp_path / f"{index}.var").write_text("uint8_t a[] = {1};")
    assert refusal(tmp_path, tmp_path / "store").key == "too_many"
    (tmp_path / "0.var").unlink()
    assert refusal(tmp_path, tmp_path / "store").key == "nothing"


def test_nothing_is_written_outside_the_store(tmp_path: Path) -> None:
    sly = tmp_path / "sly.zip"
    with zipfile.ZipFile(sly, "w") as archive:
        archive.writestr("../../arb_fw.var", c_source("arb"))
    import_firmware(sly, tmp_path / "a" / "store", ENTRIES)
    assert [path.name for path in tmp_path.rglob("*.bin")] == ["arb.bin"]
    assert not list(tmp_path.glob("*.var"))


def test_a_store_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FirmwareRefused) as refused:
        import_firmware(release_zip(tmp_path / "release"), tmp_path / "file", ENTRIES)
    assert refused.value.key == "nothing"


def test_the_real_catalogue_does_not_know_invented_images(tmp_path: Path) -> None:
    with pytest.raises(FirmwareRefused):
        import_firmware(release_zip(tmp_path / "release"), tmp_path / "store")
    assert {one.state for one in verify(tmp_path / "store")} == {State.MISSING}
    assert len({entry.sha256 for entry in CATALOGUE}) == len({entry.name for entry in CATALOGUE}) == 6

"""The store: whole or nothing, and checked again at every reading."""

from pathlib import Path

import pytest

from firmware.errors import FirmwareRefused
from firmware.store import State, default_directory, load, save, verify
from hal.errors import OurMistake
from tests.unit.firmware.sample import ENTRIES, IMAGES

AGC, ARB, SX1261 = ENTRIES


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for entry in ENTRIES:
        save(tmp_path, entry, IMAGES[entry.name])
    return tmp_path


def test_images_come_back_as_the_driver_wants_them(store: Path) -> None:
    images = load(store, ENTRIES)
    assert (images.agc, images.arb, images.sx1261) == tuple(IMAGES.values())


def test_the_sx1261s_patch_is_optional(store: Path) -> None:
    (store / "sx1261.bin").unlink()
    assert load(store, ENTRIES).sx1261 is None


def test_an_import_is_repeatable(store: Path) -> None:
    save(store, AGC, IMAGES["agc_sx1250"])
    assert sorted(path.name for path in store.iterdir()) == ["agc_sx1250.bin", "arb.bin", "sx1261.bin"]


def test_wrong_bytes_are_never_stored(tmp_path: Path) -> None:
    with pytest.raises(FirmwareRefused) as refused:
        save(tmp_path, AGC, IMAGES["arb"])
    assert refused.value.key == "wrong_content"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("damage", "state"),
    [
        (None, State.MISSING),
        (IMAGES["arb"][:-1], State.TRUNCATED),
        (b"", State.TRUNCATED),
        (bytes(8192), State.ALTERED),
        (IMAGES["arb"] + b"x", State.ALTERED),
    ],
)
def test_damage_is_found_and_refused_with_the_remedy(store: Path, damage: bytes | None, state: State) -> None:
    path = store / "arb.bin"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    assert [one.state for one in verify(store, ENTRIES)] == [State.GOOD, state, State.GOOD]
    with pytest.raises(OurMistake, match="passerelle firmware import") as refused:
        load(store, ENTRIES)
    assert str(path) in str(refused.value)


def test_the_environment_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_FIRMWARE_DIR", str(tmp_path))
    assert default_directory() == tmp_path
    with pytest.raises(OurMistake):
        load()
    monkeypatch.delenv("PASSERELLE_FIRMWARE_DIR")
    assert default_directory().parts[-2:] == ("passerelle", "firmware")

"""Flashing a real block device: a loop device, as root."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.wire.order import encode_order
from agent.wire.partition import decode_settings
from provisioning import medium
from provisioning.cli import FAILED, REFUSED, main
from tests.controlpath.virtual import SigningFleet, configuration

ORDER = SigningFleet().order(configuration())
MIB = 1024 * 1024


def loop_device(path: Path) -> str | None:
    """Attach a loop device, or return None where the machine has none."""
    if os.geteuid() != 0 or shutil.which("losetup") is None:
        return None
    done = subprocess.run(["losetup", "-f", "--show", path], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


@pytest.fixture
def card(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    path = tmp_path / "card"
    path.write_bytes(bytes(getattr(request, "param", 4 * MIB)))
    device = loop_device(path)
    if device is None:
        pytest.skip("no loop device: needs root and losetup on PATH")
    yield Path(device)
    subprocess.run(["losetup", "-d", device], check=True)


def flash(card: Path, folder: Path, *more: str) -> int:
    (folder / "order.json").write_bytes(encode_order(ORDER))
    return main(["flash", "--order", str(folder / "order.json"), "--output", str(card), *more])


def test_a_card_is_erased_only_with_yes(
    card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flash(card, tmp_path) == REFUSED
    assert "--yes" in capsys.readouterr().err
    assert not any((tmp_path / "card").read_bytes())
    assert flash(card, tmp_path, "--yes") == 0
    assert decode_settings(medium.read_settings(card)) == ORDER


@pytest.mark.parametrize("card", [2 * MIB - 512], indirect=True)
def test_a_small_card_is_refused(card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert flash(card, tmp_path, "--yes") == REFUSED
    assert "trop petit" in capsys.readouterr().err


def test_a_mounted_card_is_refused(card: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("mkfs.ext4 is not on PATH")
    subprocess.run(["mkfs.ext4", "-q", card], check=True)
    (tmp_path / "mnt").mkdir()
    if subprocess.run(["mount", card, tmp_path / "mnt"], capture_output=True, check=False).returncode:
        pytest.skip("mount is not permitted here")
    try:
        assert flash(card, tmp_path, "--yes") == REFUSED
        assert "monté" in capsys.readouterr().err
    finally:
        subprocess.run(["umount", tmp_path / "mnt"], check=True)


def test_a_card_that_keeps_nothing_is_found_out(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("/dev/full does not exist")
    (tmp_path / "order.json").write_bytes(encode_order(ORDER))
    (tmp_path / "out.img.partial").symlink_to("/dev/full")
    arguments = ["flash", "--order", str(tmp_path / "order.json"), "--output", str(tmp_path / "out.img")]
    assert main(arguments) == FAILED

"""`passerelle hal` as a user types it: results, one-line errors, exit codes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.cli import main
from hal.open import synthetic_images
from hal.twin.chip import VirtualChip
from hal.twin.lines.server import TwinServer

pytestmark = pytest.mark.slow  # a start sleeps 1.2 s: the socket's chip runs in real time


@pytest.fixture(scope="module")
def chip() -> Iterator[tuple[VirtualChip, str]]:
    chip = VirtualChip(eui="0016c001f1000042")
    with tempfile.TemporaryDirectory() as folder, TwinServer(chip, Path(folder) / "chip") as server:
        yield chip, f"socket:{server.path}"


def test_info(chip: tuple[VirtualChip, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--bus", chip[1], "--json"]) == 0

    facts = json.loads(capsys.readouterr().out)
    assert facts["eui"] == "0016c001f1000042"
    assert facts["chip"] == "SX1302"
    assert facts["temperature"] == 25.5
    assert facts["transactions"] <= 340


def test_transmit(chip: tuple[VirtualChip, str], capsys: pytest.CaptureFixture[str]) -> None:
    left = []
    chip[0].on_emission = left.append

    assert main(["transmit", "--bus", chip[1], "--payload", "0102", "--sf", "7", "--lang", "en"]) == 0

    assert "Sent: SF7BW125 at 868.100 MHz" in capsys.readouterr().out
    assert left[0].payload == b"\x01\x02"


def test_selftest_names_what_is_broken(
    chip: tuple[VirtualChip, str], capsys: pytest.CaptureFixture[str]
) -> None:
    chip[0].faults.radio_calibration_fails = {1}
    try:
        assert main(["selftest", "--bus", chip[1]]) == 1
    finally:
        chip[0].faults.radio_calibration_fails = set()

    out = capsys.readouterr().out
    assert "MAUVAIS" in out
    assert "SX1250 of radio 1: image calibration failed" in out
    assert "Le concentrateur a 1 défaut(s)." in out


def test_without_the_sx1261s_patch_the_rest_is_tested(
    chip: tuple[VirtualChip, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = synthetic_images()
    (tmp_path / "agc_sx1250.bin").write_bytes(images.agc)
    (tmp_path / "arb.bin").write_bytes(images.arb)

    assert main(["selftest", "--bus", chip[1], "--images", str(tmp_path)]) == 0
    assert "microprogramme du SX1261 non importé" in capsys.readouterr().out
    assert main(["spectrum", "--bus", chip[1], "--images", str(tmp_path)]) == 2
    assert "the SX1261's patch was not imported" in capsys.readouterr().err


def test_spectrum_draws_a_picture(
    chip: tuple[VirtualChip, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "spectrum.png"

    code = main(["spectrum", "--bus", chip[1], "--start", "868.1", "--stop", "868.3", "--png", str(picture)])

    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert capsys.readouterr().out.count("MHz") == 2


def test_listen_ends_by_itself(chip: tuple[VirtualChip, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "--bus", chip[1], "--seconds", "0.05"]) == 0
    assert "0 trames" in capsys.readouterr().out

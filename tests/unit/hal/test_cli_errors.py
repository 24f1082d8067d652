"""A user's mistake is one line on standard error and exit 2; a line that fails, one line and exit 1."""

from pathlib import Path

import pytest

from hal.cli import main


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["info", "--bus", "spi"], 2, "bus: 'spi' is not spi:DEVICE, usb:DEVICE or socket:PATH"),
        (["info", "--bus", "i2c:/dev/i2c-1"], 2, "is not spi:DEVICE"),
        (["info", "--board", "rak1"], 2, "board: no board 'rak1'"),
        (["info", "--plan", "XX"], 2, "plan: no channel plan 'XX'"),
        (["info", "--images", "/nowhere"], 2, "/nowhere/agc_sx1250.bin: no firmware image"),
        (["info", "--bus", "socket:/nowhere/chip"], 1, "socket:/nowhere/chip: no virtual chip answers"),
        (["transcript", "/nowhere.json"], 2, "/nowhere.json: is no golden file"),
        (["transmit", "--payload", "zz", "--bus", "socket:/x"], 2, "transmit: non-hexadecimal"),
        (["transmit", "--count", "0", "--bus", "socket:/x"], 2, "--count: 0 is not in 1..1000"),
        (["spectrum", "--step", "0", "--bus", "socket:/x"], 2, "spectrum: 863.1..869.9 in steps of 0.0 MHz"),
        (["spectrum", "--step", "0.001", "--bus", "socket:/x"], 2, "6801 frequencies, at most 512"),
        (["twin", "--socket", "/nowhere/chip"], 2, "/nowhere/chip: cannot be served"),
        (["twin", "--socket", "/x", "--eui", "12"], 2, "--eui: '12' is not 16 hex digits"),
    ],
)
def test_one_line(arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code

    error = capsys.readouterr().err
    assert error.startswith("passerelle hal: ")
    assert message in error
    assert error.count("\n") == 1


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--nonsense"]) == 2
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_file_that_is_json_but_no_golden_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}")

    assert main(["transcript", str(path)]) == 2
    assert "is no golden file: KeyError" in capsys.readouterr().err


@pytest.mark.parametrize("size", [10, 8191, 8193])
def test_truncated_firmware_is_refused(tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "agc_sx1250.bin").write_bytes(bytes(size))
    (tmp_path / "arb.bin").write_bytes(bytes(8192))

    assert main(["info", "--images", str(tmp_path)]) == 2
    assert f"AGC image: {min(size, 8193)} bytes, must be 8192" in capsys.readouterr().err

"""A file of Semtech's becomes a board that the agent takes by its name; each value says what became of it."""

import json
from pathlib import Path

import pytest

from agent.downlink.antenna import antenna_of
from agent.wire.configuration import RadioConfig
from hal.board_files import choose, read_board
from hal.board_import import Fate, lines
from hal.cli import main
from hal.global_conf import settings_of

RADIO = {
    "enable": True,
    "type": "SX1250",
    "freq": 867_500_000,
    "rssi_offset": -207.5,
    "rssi_tcomp": {"coeff_c": 20.41, "coeff_d": 2162.56},
    "single_input_mode": True,
    "tx_enable": True,
    "tx_gain_lut": [
        {"rf_power": 11, "pa_gain": 1, "pwr_idx": 3},
        {"rf_power": 14, "pa_gain": 1, "pwr_idx": 6},
    ],
}
CONF = {
    "SX130x_conf": {
        "com_type": "USB",
        "com_path": '/dev/tty"ACM0',
        "lorawan_public": False,
        "sx1261_conf": {"rssi_offset": 20, "lbt": {"enable": False}},
        "radio_0": RADIO,
        "radio_1": {"enable": True, "type": "SX1250", "freq": 868_500_000, "rssi_offset": -200.0},
        "chan_multiSF_0": {"enable": True, "radio": 0, "if": 0},
        "chan_FSK": {"enable": True, "radio": 0, "if": 0, "sync_word": 7},
        "colour": "blue",
    },
    "gateway_conf": {"gateway_ID": "AA555A0000000000"},
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PASSERELLE_BOARDS_DIR", str(tmp_path / "boards"))
    path = tmp_path / "global_conf.json.sx1250.EU868.USB"
    path.write_text("/* à la main */ " + json.dumps(CONF), encoding="latin-1")
    return path


def test_the_agent_takes_the_board_by_its_name(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(file), "--name", "mon-toit"]) == 0
    assert "+ SX130x_conf.com_type = USB\u202f: pris" in capsys.readouterr().out
    board = read_board("mon-toit")
    assert (board.bus, board.sx1261, board.sx1261_rssi_offset_db) == ('usb:/dev/tty"ACM0', "usb", 20)
    assert (board.radio.rssi_offset_db, board.radio.single_input) == (-207.5, (True, False))
    assert antenna_of(RadioConfig(board="mon-toit")).powers_dbm == ((11, 14), ())
    assert choose("mon-toit").settings.radios[0] is not None


def test_each_value_says_what_became_of_it() -> None:
    fates = {each.path.removeprefix("SX130x_conf."): each.fate for each in lines(CONF, settings_of(CONF))}
    assert fates["radio_0.tx_gain_lut[1].pwr_idx"] is Fate.TAKEN
    assert fates["radio_1.rssi_offset"] is Fate.SAME_FOR_BOTH
    assert fates["lorawan_public"] is Fate.CONFIGURATION
    assert fates["sx1261_conf.lbt.enable"] is Fate.CONFIGURATION
    assert fates["radio_1.freq"] is fates["chan_multiSF_0.if"] is Fate.PLAN
    assert fates["chan_FSK.sync_word"] is Fate.LEFT_BY_REFERENCE
    assert fates["colour"] is Fate.UNKNOWN
    assert fates["gateway_conf.gateway_ID"] is Fate.SERVER


@pytest.mark.parametrize("name", ["rak2287", "Mon Toit", "../x", "a" * 33])
def test_a_name_that_cannot_be_is_refused(file: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(file), "--name", name]) == 2
    assert "--name" in capsys.readouterr().err


def test_a_pin_that_is_given_counts(file: Path) -> None:
    assert main(["import", str(file), "--name", "mon-toit", "--reset-pin", "25"]) == 0
    assert read_board("mon-toit").pins.sx1302_reset == 25


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"SX1301_conf": {}}, "celui d’un SX1301"),
        ({"SX130x_conf": {"radio_0": {"enable": True, "type": "SX1257"}}}, "SX1255 ou SX1257"),
    ],
)
def test_a_file_for_other_hardware_is_said_to_be_one(
    file: Path, content: object, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(json.dumps(content), encoding="utf-8")
    assert main(["import", str(file), "--name", "vieux", "--lang", "fr"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("offset", [True, 1.5, "20", None])
def test_an_offset_that_is_no_whole_number_is_refused_by_name(
    file: Path, offset: object, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = CONF["SX130x_conf"] | {"sx1261_conf": {"rssi_offset": offset}}
    file.write_text(json.dumps({"SX130x_conf": conf}), encoding="utf-8")
    assert main(["import", str(file), "--name", "mon-toit"]) == 2
    assert "sx1261_conf.rssi_offset" in capsys.readouterr().err

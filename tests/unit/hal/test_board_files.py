"""Every board is complete and joins every plan; a wrong file names what is wrong with it."""

from importlib.resources import files
from pathlib import Path

import pytest

from hal.board_files import choose, names, plans, read_board, read_plan
from hal.errors import OurMistake

RAK2287 = files("hal.boards").joinpath("rak2287.toml").read_text()
KNOWN = ["corecell", "rak2287", "rak5146", "rak5146-usb", "waveshare", "wm1302"]


def test_the_boards_that_need_no_file() -> None:
    assert names() == KNOWN
    assert "EU868" in plans()


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("plan", plans())
def test_every_board_joins_every_plan(name: str, plan: str) -> None:
    choice = choose(name, plan=plan)

    assert choice.settings.radios[0] is not None
    assert choice.settings.radios[0].tx_enabled
    powers = [gain.power_dbm for gain in choice.settings.radios[0].gains]
    assert powers == sorted(powers)
    assert choice.board.bus.partition(":")[0] in ("spi", "usb")


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "rak5146-usb"])
def test_boards_on_spi_say_how_they_are_reset(name: str) -> None:
    assert read_board(name).pins.sx1302_reset is not None


def test_a_private_network_is_a_choice() -> None:
    assert not choose("rak2287", public=False).settings.public


def test_a_board_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(RAK2287.replace("RAK2287", "Mine"))

    assert read_board(str(path)).name == "Mine"


CONF = """{"SX130x_conf": {"com_type": "%s", %s
  "radio_0": {"enable": true, "type": "SX1250", "freq": 867500000}}}"""


@pytest.mark.parametrize(
    ("kind", "more", "bus", "sx1261"),
    [
        ("SPI", "", "spi:/dev/spidev0.0", None),
        ("SPI", '"com_path": "/dev/spidev1.0",', "spi:/dev/spidev1.0", None),
        ("USB", '"com_path": "/dev/ttyACM3",', "usb:/dev/ttyACM3", "usb"),
        ("spi", '"sx1261_conf": {"spi_path": "/dev/spidev1.1"},', "spi:/dev/spidev0.0", "/dev/spidev1.1"),
    ],
)
@pytest.mark.parametrize("name", ["global_conf.json", "global_conf.json.sx1250.EU868.USB"])
def test_a_file_of_semtechs_says_where_the_concentrator_hangs(
    tmp_path: Path, name: str, kind: str, more: str, bus: str, sx1261: str | None
) -> None:
    path = tmp_path / name
    path.write_text(CONF % (kind, more))
    board = choose(str(path)).board
    assert (board.bus, board.sx1261, board.pins.sx1302_reset) == (bus, sx1261, 23)


def test_the_reset_script_beside_it_names_the_pins(tmp_path: Path) -> None:
    path = tmp_path / "global_conf.json.sx1250.EU868"
    path.write_text(CONF % ("SPI", ""))
    (tmp_path / "reset_lgw.sh").write_text("SX1302_RESET_PIN=17  # RAK\nSX1302_POWER_EN_PIN=18\n")
    pins = choose(str(path)).board.pins
    assert (pins.sx1302_reset, pins.power_enable, pins.sx1261_reset) == (17, 18, None)


def test_a_connection_that_there_is_not(tmp_path: Path) -> None:
    path = tmp_path / "global_conf.json"
    path.write_text(CONF % ("I2C", ""))
    with pytest.raises(OurMistake, match=r"SX130x_conf\.com_type: 'i2c' is not SPI or USB"):
        choose(str(path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("clock_source = 0", "clock_sauce = 0"), "unknown field `clock_sauce`"),
        (("sx1302_reset = 17", "sx1302_rest = 17"), r"unknown field `sx1302_rest` - at `\$.pins`"),
        (("power_dbm = 12,", 'power_dbm = "12",'), r"Expected `int`, got `str` - at `\$.radio.gains"),
        (('name = "RAK2287"', "name = RAK"), "Invalid value"),
        (("pwr", "pwr"), ""),
    ],
)
def test_a_wrong_board_file_names_the_key(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(RAK2287.replace(*change))
    if not message:
        assert read_board(str(path)).name == "RAK2287"
        return

    with pytest.raises(OurMistake, match=message):
        read_board(str(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rak9999", "board: no board 'rak9999'; known: corecell"),
        ("/nowhere.toml", "/nowhere.toml: cannot be read"),
        ("/nowhere.json", "/nowhere.json: cannot be read"),
    ],
)
def test_a_board_that_is_not_there(name: str, message: str) -> None:
    with pytest.raises(OurMistake, match=message):
        choose(name)


def test_a_plan_that_is_not_there() -> None:
    with pytest.raises(OurMistake, match="plan: no channel plan 'XX'"):
        read_plan("XX")


def test_a_file_too_large_to_be_one(tmp_path: Path) -> None:
    path = tmp_path / "large.toml"
    path.write_bytes(b"#" * 300_000)

    with pytest.raises(OurMistake, match="larger than 262144 bytes"):
        read_board(str(path))

"""Configuration files of the maker's programs: which are ours to read, and where they say the chip is."""

import pytest

from hal.errors import OurMistake
from hal.semtech_files import (
    Connection,
    Sx125xFile,
    Sx1301File,
    conf_of,
    connection_of,
    is_global_conf,
    pins_of,
)


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("global_conf.json", True),
        ("global_conf.json.sx1250.EU868", True),
        ("GLOBAL_CONF.JSON", True),
        ("global_conf.jsonx", False),
        ("json", False),
        ("global_conf.json.", False),
        ("global_conf.json/x", False),
    ],
)
def test_a_file_is_known_by_its_name(name: str, ours: bool) -> None:
    assert is_global_conf(name) is ours


@pytest.mark.parametrize(
    ("value", "error", "where"),
    [
        ({}, OurMistake, "SX130x_conf"),
        ([], OurMistake, "SX130x_conf"),
        ({"SX130x_conf": []}, OurMistake, "SX130x_conf"),
        ({"SX1301_conf": {}}, Sx1301File, "SX1301_conf"),
        ({"SX1301_array_conf": []}, Sx1301File, "SX1301_array_conf"),
        *(
            (
                {"SX130x_conf": {f"radio_{number}": {"enable": True, "type": kind}}},
                Sx125xFile,
                f"radio_{number}",
            )
            for number, kind in ((0, "SX1255"), (1, "SX1255"), (0, "SX1257"), (1, "SX1257"))
        ),
    ],
)
def test_a_file_of_another_chip_is_refused_by_its_name(
    value: object, error: type[OurMistake], where: str
) -> None:
    with pytest.raises(error, match=where):
        conf_of(value)


@pytest.mark.parametrize(
    "radio", [{"enable": False, "type": "SX1257"}, {"type": "SX1257"}, {"enable": 1, "type": "SX1257"}, 7]
)
def test_a_radio_that_is_not_enabled_may_be_of_any_kind(radio: object) -> None:
    value = {"SX130x_conf": {"radio_0": radio}, "SX1301_conf": {}}
    assert conf_of(value) == {"radio_0": radio}


@pytest.mark.parametrize(
    ("conf", "connection"),
    [
        ({}, Connection(bus="spi:/dev/spidev0.0", sx1261=None)),
        ({"com_type": "usb"}, Connection(bus="usb:/dev/ttyACM0", sx1261="usb")),
        (
            {"com_type": "SPI", "com_path": "/dev/spidev1.0"},
            Connection(bus="spi:/dev/spidev1.0", sx1261=None),
        ),
        (
            {"sx1261_conf": {"spi_path": "/dev/spidev0.1"}},
            Connection(bus="spi:/dev/spidev0.0", sx1261="/dev/spidev0.1"),
        ),
        (
            {"com_type": "USB", "sx1261_conf": {"spi_path": "/x"}},
            Connection(bus="usb:/dev/ttyACM0", sx1261="usb"),
        ),
        ({"sx1261_conf": 7}, Connection(bus="spi:/dev/spidev0.0", sx1261=None)),
    ],
)
def test_where_the_chip_and_its_listener_are(conf: dict[str, object], connection: Connection) -> None:
    assert connection_of({"SX130x_conf": conf}) == connection


@pytest.mark.parametrize(
    ("conf", "where"),
    [({"com_type": "I2C"}, "com_type"), ({"com_type": 7}, "com_type"), ({"com_path": 7}, "com_path")],
)
def test_a_connection_that_is_none_is_named(conf: dict[str, object], where: str) -> None:
    with pytest.raises(OurMistake, match=where):
        connection_of({"SX130x_conf": conf})


def test_pins_are_read_from_the_script_that_resets_the_chip() -> None:
    script = (
        "SX1302_RESET_PIN=23 # reset\n  SX1261_RESET_PIN=22\n"
        "#SX1302_POWER_EN_PIN=18\nOTHER_PIN=4\nAD5338R_RESET_PIN=13x\n"
    )
    assert pins_of(script) == {"SX1302_RESET": 23, "SX1261_RESET": 22}

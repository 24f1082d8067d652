"""Files of Semtech's packet forwarder as a board: ``global_conf.json`` under any suffix, ``reset_lgw.sh``.

Which concentrator such a file is for is looked at first: one of the SX1301, or of SX1255 or SX1257 radios, is
named as such.

Sources: ``packet_forwarder/src/lora_pkt_fwd.c`` (``com_type``, ``com_path``, ``spi_path``) and
``tools/reset_lgw.sh`` (names of the pins) of sx1302_hal 2.1.0.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from hal.errors import OurMistake

ROOT = "SX130x_conf"
OLD_ROOTS = ("SX1301_conf", "SX1301_array_conf")
OLD_RADIOS = ("SX1255", "SX1257")
NAME = re.compile(r"\.json(\.[\w.-]+)?$", re.IGNORECASE)
"""Semtech ships them as ``global_conf.json.sx1250.EU868`` and the like."""
_PIN = re.compile(
    r"^\s*(SX1302_RESET|SX1302_POWER_EN|SX1261_RESET|AD5338R_RESET)_PIN=(\d+)\s*(#.*)?$", re.MULTILINE
)
_DEFAULT_PATHS = {"spi": "/dev/spidev0.0", "usb": "/dev/ttyACM0"}


class Sx1301File(OurMistake):
    """The file is for the chip of the generation before."""


class Sx125xFile(OurMistake):
    """The file is for SX1255 or SX1257 radios."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a file says that the concentrator hangs."""

    bus: str
    sx1261: str | None


def is_global_conf(name: str) -> bool:
    """Whether a board's name is the name of such a file.

    >>> [is_global_conf(name) for name in ("rak2287", "a/global_conf.json.sx1250.EU868.USB", "mine.toml")]
    [False, True, False]
    """
    return NAME.search(name) is not None


def conf_of(value: object) -> Mapping[str, object]:
    """Return the concentrator's part of a file.

    Raises:
        Sx1301File, Sx125xFile: it is for other hardware.
        OurMistake: it has no such part.
    """
    root = value if isinstance(value, Mapping) else {}
    found = root.get(ROOT)
    if not isinstance(found, Mapping):
        old = next((name for name in OLD_ROOTS if name in root), None)
        if old is not None:
            raise Sx1301File("an SX1301's file; only SX1302 and SX1303 are supported", where=old)
        raise OurMistake("is missing", where=ROOT)
    for name in ("radio_0", "radio_1"):
        radio = found.get(name)
        kind = radio.get("type") if isinstance(radio, Mapping) and radio.get("enable") is True else None
        if kind in OLD_RADIOS:
            raise Sx125xFile(f"{kind} is not supported, only SX1250", where=f"{ROOT}.{name}.type")
    return found


def connection_of(value: object) -> Connection:
    """Return where the concentrator of a file hangs; what it does not say is where Semtech's own files say.

    Raises:
        OurMistake: a ``com_type`` that there is not, or a path that is no text.
    """
    conf = conf_of(value)
    kind = _text(conf, "com_type", "SPI").lower()
    if kind not in _DEFAULT_PATHS:
        raise OurMistake(f"{kind!r} is not SPI or USB", where=f"{ROOT}.com_type")
    bus = f"{kind}:{_text(conf, 'com_path', _DEFAULT_PATHS[kind])}"
    listener = conf.get("sx1261_conf")
    path = _text(listener, "spi_path", "") if isinstance(listener, Mapping) else ""
    return Connection(bus=bus, sx1261="usb" if kind == "usb" else path or None)


def pins_of(script: str) -> dict[str, int]:
    """Return the BCM numbers in a ``reset_lgw.sh`` by their names there.

    >>> pins_of("SX1302_RESET_PIN=17     # RAK2287" + chr(10) + "SX1302_POWER_EN_PIN=18")
    {'SX1302_RESET': 17, 'SX1302_POWER_EN': 18}
    """
    return {name: int(number) for name, number, _ in _PIN.findall(script)}


def _text(conf: Mapping[str, object], key: str, default: str) -> str:
    value = conf.get(key, default)
    if not isinstance(value, str):
        raise OurMistake(f"must be str, not {value!r}", where=f"{ROOT}.{key}")
    return value

"""A ``global_conf.json`` of Semtech's as a board file of ours: what was taken and what was not, by line.

A board is hardware: gains, offsets, bus, pins.  Channels, sync word and servers are the configuration's, and
each line that is not taken says where it belongs.

Sources: ``hal.global_conf`` for what each value does; ``hal.board_files`` for what a board is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from hal.board_files import BOARD_NAME, Pins
from hal.errors import OurMistake
from hal.semtech_files import ROOT, conf_of, connection_of
from hal.settings import Radio, Settings


class Fate(StrEnum):
    """What became of one value of the file."""

    TAKEN = "taken"
    SAME_FOR_BOTH = "same_for_both"
    """A board has one offset, drift and table; radio 1 says otherwise than the radio that transmits."""
    PLAN = "plan"
    CONFIGURATION = "configuration"
    SERVER = "server"
    OTHER_CHIP = "other_chip"
    LEFT_BY_REFERENCE = "left_by_reference"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One value of the file, and its fate."""

    path: str
    value: object
    fate: Fate


_RADIO = r"radio_[01]\."
_FATES: tuple[tuple[str, Fate], ...] = (
    (r"com_type|com_path|clksrc|sx1261_conf\.(spi_path|rssi_offset)", Fate.TAKEN),
    (_RADIO + r"(enable|type|rssi_offset|rssi_tcomp\..*|single_input_mode|tx_enable)", Fate.TAKEN),
    (_RADIO + r"tx_gain_lut\[\d+\]\.(rf_power|pa_gain|pwr_idx)", Fate.TAKEN),
    (_RADIO + r"tx_gain_lut\[\d+\]\.(dig_gain|dac_gain|mix_gain)|full_duplex", Fate.OTHER_CHIP),
    (r"chan_FSK\.sync_word(_size)?|chan_Lora_std\.implicit_.*", Fate.LEFT_BY_REFERENCE),
    (_RADIO + r"(freq|tx_freq_m(in|ax))|chan_.*", Fate.PLAN),
    (
        r"lorawan_public|antenna_gain|fine_timestamp\..*|sx1261_conf\.(spectral_scan|lbt)\..*",
        Fate.CONFIGURATION,
    ),
)


def lines(value: object, settings: Settings) -> Iterator[Line]:
    """Yield one line for each value of the file."""
    for path, leaf in _leaves(value, ""):
        fate = _fate(path)
        if fate is Fate.TAKEN and path.startswith(f"{ROOT}.radio_") and _differs(path, settings):
            fate = Fate.SAME_FOR_BOTH
        yield Line(path=path, value=leaf, fate=fate)


def _leaves(value: object, path: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _fate(path: str) -> Fate:
    root, _, rest = path.partition(".")
    if root != ROOT:
        return Fate.SERVER if root in {"gateway_conf", "debug_conf"} else Fate.UNKNOWN
    return next((fate for pattern, fate in _FATES if re.fullmatch(pattern, rest)), Fate.UNKNOWN)


def _differs(path: str, settings: Settings) -> bool:
    """Whether a value is of a radio whose analogue part is not that of the board."""
    number, _, key = path.removeprefix(f"{ROOT}.radio_").partition(".")
    mine, ours = settings.radios[int(number)], leading(settings)
    if mine is None or mine is ours or key in {"enable", "type", "single_input_mode", "tx_enable"}:
        return False
    if key.startswith("tx_gain_lut"):
        return mine.tx_enabled and mine.gains != ours.gains
    return (mine.rssi_offset_db, mine.compensation) != (ours.rssi_offset_db, ours.compensation)


def leading(settings: Settings) -> Radio:
    """Return the radio that speaks for the board: the first that transmits, else the first.

    Raises:
        OurMistake: no radio is enabled.
    """
    radios = [radio for radio in settings.radios if radio is not None]
    if not radios:
        raise OurMistake("no radio is enabled", where=ROOT)
    return next((radio for radio in radios if radio.tx_enabled), radios[0])


def board_toml(name: str, value: object, settings: Settings, pins: Pins) -> str:
    """Return the board file.

    Raises:
        OurMistake: a name that no configuration admits, or an offset that is no number.
    """
    connection = connection_of(value)
    if not BOARD_NAME.fullmatch(name):
        raise OurMistake(f"{name!r} is not 1 to 32 of a-z, 0-9 and -", where="--name")
    radio, chains = leading(settings), settings.radios
    drift = ", ".join(f"{letter} = {float(getattr(radio.compensation, letter))}" for letter in "abcde")
    rows = ["# made by passerelle hal import", f'name = "{name}"', f"bus = {json.dumps(connection.bus)}"]
    rows += [] if connection.bus.startswith("usb") else ['i2c = "/dev/i2c-1"']
    rows += [] if connection.sx1261 is None else [f"sx1261 = {json.dumps(connection.sx1261)}"]
    rows += [
        f"sx1261_rssi_offset_db = {_listener_offset_db(value)}",
        f"clock_source = {settings.clock_source}",
        "",
        "[pins]",
    ]
    rows += [f"{key} = {pin}" for key in Pins.__struct_fields__ if (pin := getattr(pins, key)) is not None]
    rows += ["", "[radio]", f"rssi_offset_db = {radio.rssi_offset_db}", f"compensation = {{ {drift} }}"]
    rows += [f"single_input = {_pair([each is not None and each.single_input for each in chains])}"]
    rows += [f"tx_enabled = {_pair([each is not None and each.tx_enabled for each in chains])}", "gains = ["]
    rows += [
        f"  {{ power_dbm = {gain.power_dbm}, pa_gain = {gain.pa_gain}, power_index = {gain.power_index} }},"
        for gain in radio.gains
    ]
    return "\n".join([*rows, "]", ""])


def _listener_offset_db(value: object) -> int:
    conf = conf_of(value).get("sx1261_conf")
    offset = conf.get("rssi_offset", 0) if isinstance(conf, Mapping) else 0
    if not isinstance(offset, int) or isinstance(offset, bool):
        raise OurMistake(f"must be int, not {offset!r}", where=f"{ROOT}.sx1261_conf.rssi_offset")
    return offset


def _pair(values: list[bool]) -> str:
    return "[" + ", ".join(str(value).lower() for value in values) + "]"

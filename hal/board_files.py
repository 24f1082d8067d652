"""Boards and channel plans as data: TOML files, checked when they are read, joined to ``Settings``.

A name is looked up beside this module, then among what was imported; a path to a ``.toml`` is another
board, a path to a ``.json`` or a ``.json.SUFFIX`` Semtech's ``global_conf.json`` with its own channels, bus
and SX1261.

Sources: each file names its own.
"""

import re
import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import msgspec

from hal import semtech_json
from hal.data_folder import data_folder
from hal.errors import OurMistake
from hal.global_conf import settings_of
from hal.semtech_files import connection_of, is_global_conf, pins_of
from hal.settings import (
    Channel,
    FineTimestampMode,
    FskModem,
    Gain,
    LoraService,
    Radio,
    Settings,
    Sx1261Settings,
    TemperatureCompensation,
)
from hal.units import Hz

Decoded = TypeVar("Decoded")
BOARDS, PLANS = Path(__file__).with_name("boards"), Path(__file__).with_name("plans")
"""Read as files: ``importlib.resources`` holds 0.5 MB, and the package is never a zip."""
BOARD_NAME = re.compile(r"[a-z0-9-]{1,32}")
"""What ``radio.board`` of a gateway's configuration admits."""
RESET_SCRIPT = "reset_lgw.sh"
FILE_LIMIT_BYTES = 262_144
"""A board file of more is no board file."""


class _Strict(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A typing error must not pass for a setting."""


class Pins(_Strict, frozen=True, kw_only=True):
    """BCM numbers of the lines of a Raspberry Pi; None where the board has no such line."""

    power_enable: int | None = None
    sx1302_reset: int | None = None
    sx1261_reset: int | None = None
    dac_reset: int | None = None


class _Compensation(_Strict, frozen=True, kw_only=True):
    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0


class _Gain(_Strict, frozen=True, kw_only=True):
    power_dbm: int
    pa_gain: int = 0
    power_index: int = 0


class _Radio(_Strict, frozen=True, kw_only=True):
    rssi_offset_db: float = 0.0
    compensation: _Compensation = _Compensation()
    single_input: tuple[bool, bool] = (False, False)
    tx_enabled: tuple[bool, bool] = (True, False)
    gains: tuple[_Gain, ...]


class Board(_Strict, frozen=True, kw_only=True):
    """One board: where it hangs and what its analogue parts are like."""

    name: str
    bus: str
    """The bus where it usually is, as ``hal.open`` takes it."""
    i2c: str | None = None
    sx1261: str | None = None
    """Device of the SX1261, ``usb`` behind the USB bridge, None where there is none."""
    sx1261_rssi_offset_db: int = 0
    clock_source: int = 0
    pins: Pins = Pins()
    radio: _Radio


class _Channel(_Strict, frozen=True, kw_only=True):
    rf_chain: int
    if_hz: int


class _Service(_Channel, frozen=True, kw_only=True):
    bandwidth_hz: int
    sf: int


class _Fsk(_Channel, frozen=True, kw_only=True):
    bitrate_bps: int


class Plan(_Strict, frozen=True, kw_only=True):
    """Radio centres and channels of one region."""

    name: str
    radio_hz: tuple[int, int]
    tx_range_hz: tuple[tuple[int, int], tuple[int, int]]
    spreading_factors: frozenset[int]
    channels: tuple[_Channel, ...]
    service: _Service | None = None
    fsk: _Fsk | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardChoice:
    """What a board's name stands for: its wiring, and the settings with a plan or from its own file."""

    board: Board
    settings: Settings


def names() -> list[str]:
    """Return the boards that need no file."""
    return sorted(path.name.removesuffix(".toml") for path in BOARDS.iterdir() if _toml(path.name))


def plans() -> list[str]:
    """Return the channel plans that are known."""
    return sorted(path.name.removesuffix(".toml") for path in PLANS.iterdir() if _toml(path.name))


def _toml(name: str) -> bool:
    return name.endswith(".toml")


def choose(board: str, *, plan: str = "EU868", public: bool = True) -> BoardChoice:
    """Return the board that is called ``board``, or that a file of that path describes.

    Raises:
        OurMistake: no such board, plan or file; an unknown key; a value out of range.
    """
    if is_global_conf(board):
        return semtech_choice(Path(board))[0]
    read = read_board(board)
    return BoardChoice(board=read, settings=replace(join(read, read_plan(plan)), public=public))


def semtech_choice(path: Path) -> tuple[BoardChoice, object]:
    """Return what a ``global_conf.json`` describes, and its content.

    The pins are those of a ``reset_lgw.sh`` beside it, else Corecell's.

    Raises:
        OurMistake: it cannot be read, is for other hardware, or asks for what cannot be served.
    """
    value = semtech_json.read(_bytes(path))
    connection = connection_of(value)
    script = path.with_name(RESET_SCRIPT)
    pins = pins_of(_read(script)) if script.exists() else {}
    corecell = read_board("corecell")
    board = msgspec.structs.replace(
        corecell,
        name=path.name,
        bus=connection.bus,
        sx1261=connection.sx1261,
        pins=_pins(pins) if pins else corecell.pins,
    )
    return BoardChoice(board=board, settings=settings_of(value)), value


def _pins(found: dict[str, int]) -> Pins:
    return Pins(
        power_enable=found.get("SX1302_POWER_EN"),
        sx1302_reset=found.get("SX1302_RESET"),
        sx1261_reset=found.get("SX1261_RESET"),
        dac_reset=found.get("AD5338R_RESET"),
    )


def read_board(name: str) -> Board:
    """Return one board, by name or by path."""
    if _toml(name):
        return _decode(_read(Path(name)), Board, name)
    if name in names():
        return _decode((BOARDS / f"{name}.toml").read_text(), Board, name)
    imported = imported_board(name)
    if BOARD_NAME.fullmatch(name) and imported.exists():
        return _decode(_read(imported), Board, str(imported))
    raise OurMistake(f"no board {name!r}; known: {', '.join(names())}; or give a file", where="board")


def imported_board(name: str) -> Path:
    """Return where a board is kept that ``passerelle hal import`` made."""
    return data_folder("boards", "PASSERELLE_BOARDS_DIR") / f"{name}.toml"


def read_plan(name: str) -> Plan:
    """Return one channel plan, by name or by path."""
    if _toml(name):
        return _decode(_read(Path(name)), Plan, name)
    if name not in plans():
        raise OurMistake(f"no channel plan {name!r}; known: {', '.join(plans())}", where="plan")
    return _decode((PLANS / f"{name}.toml").read_text(), Plan, name)


def _read(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError as error:
        raise OurMistake(f"cannot be read: {error}", where=str(path)) from error


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise OurMistake(f"larger than {FILE_LIMIT_BYTES} bytes", where=str(path))
        return path.read_bytes()
    except OSError as error:
        raise OurMistake(f"cannot be read: {error}", where=str(path)) from error


def _decode(text: str, kind: type[Decoded], where: str) -> Decoded:
    try:
        return msgspec.convert(tomllib.loads(text), kind)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise OurMistake(str(error), where=where) from error


def join(board: Board, plan: Plan) -> Settings:
    """Return the settings of a board on a channel plan."""
    return Settings(
        radios=(_radio(board, plan, 0), _radio(board, plan, 1)),
        channels=tuple(Channel(rf_chain=each.rf_chain, if_hz=each.if_hz) for each in plan.channels),
        spreading_factors=plan.spreading_factors,
        service=_service(plan.service),
        fsk=_fsk(plan.fsk),
        clock_source=board.clock_source,
    )


def with_extras(
    settings: Settings, *, sx1261: Sx1261Settings | None, fine_timestamp: FineTimestampMode | None
) -> Settings:
    """Return the settings with what is not of the board: listening and fine timestamps."""
    return replace(settings, sx1261=sx1261, fine_timestamp=fine_timestamp)


def _radio(board: Board, plan: Plan, rf_chain: int) -> Radio:
    radio = board.radio
    compensation = radio.compensation
    return Radio(
        frequency_hz=Hz(plan.radio_hz[rf_chain]),
        rssi_offset_db=radio.rssi_offset_db,
        compensation=TemperatureCompensation(
            a=compensation.a, b=compensation.b, c=compensation.c, d=compensation.d, e=compensation.e
        ),
        single_input=radio.single_input[rf_chain],
        tx_enabled=radio.tx_enabled[rf_chain],
        tx_range_hz=(Hz(plan.tx_range_hz[rf_chain][0]), Hz(plan.tx_range_hz[rf_chain][1])),
        gains=tuple(
            Gain(power_dbm=gain.power_dbm, pa_gain=gain.pa_gain, power_index=gain.power_index)
            for gain in radio.gains
        ),
    )


def _service(service: _Service | None) -> LoraService | None:
    if service is None:
        return None
    channel = Channel(rf_chain=service.rf_chain, if_hz=service.if_hz, bandwidth_hz=service.bandwidth_hz)
    return LoraService(channel=channel, sf=service.sf)


def _fsk(fsk: _Fsk | None) -> FskModem | None:
    if fsk is None:
        return None
    return FskModem(channel=Channel(rf_chain=fsk.rf_chain, if_hz=fsk.if_hz), bitrate_bps=fsk.bitrate_bps)

"""A golden file: a configuration and what the reference did with it, phase by phase."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hal.errors import OurMistake
from hal.global_conf import settings_of
from hal.packets import Cw, Fsk, Lora, Modulation, Transmission, TxTrigger
from hal.semtech_files import ROOT
from hal.settings import Settings
from hal.sx1302.timing.counter import Reading, unroll
from hal.units import Hz, Micros

FILE_LIMIT_BYTES = 64_000_000
TMST_TURN = 1 << 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase; what the reference's file says about it, by its own keys in ``expected``."""

    name: str
    expected: dict[str, Any]
    fifo: bytes | None = None
    counters: tuple[Reading, ...] = ()
    transmission: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A whole file."""

    configuration: dict[str, Any]
    eui: str
    temperature_c: float | None
    """None: the board has no sensor that answers."""
    phases: tuple[Phase, ...]


def read_golden(path: Path) -> Golden:
    """Return the golden file at ``path``.

    Raises:
        OurMistake: unreadable, not JSON, or without the keys of a golden file.
    """
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            raise OurMistake(f"larger than {FILE_LIMIT_BYTES} bytes", where=str(path))
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise OurMistake(f"is no golden file: {error}", where=str(path)) from error
    try:
        return Golden(
            configuration=value["config"],
            eui=value["eui"],
            temperature_c=None if value["temperature_c"] is None else float(value["temperature_c"]),
            phases=tuple(_phase(phase) for phase in value["phases"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OurMistake(f"is no golden file: {error!r}", where=str(path)) from error


def _phase(value: dict[str, Any]) -> Phase:
    return Phase(
        name=value["phase"],
        expected=value,
        fifo=bytes.fromhex(value["fifo"]) if "fifo" in value else None,
        counters=tuple(Reading.decode(bytes.fromhex(text)) for text in value.get("counters", ())),
        transmission=value.get("transmission", {}),
    )


def recorded_settings(configuration: dict[str, Any]) -> Settings:
    """Return what the recorder handed to the reference's library for a configuration.

    Semtech's packet forwarder, which ``hal.global_conf`` follows, takes ``implicit_*`` with ``implicit_hdr``
    only and never ``sync_word``; the recorder handed both over as they stood in the file.
    """
    settings = settings_of(configuration)
    service, fsk = (configuration[ROOT].get(name, {}) for name in ("chan_Lora_std", "chan_FSK"))
    if settings.service is not None:
        settings = replace(
            settings,
            service=replace(
                settings.service,
                implicit_payload_bytes=int(service.get("implicit_payload_length", 0)),
                implicit_crc=bool(service.get("implicit_crc_en", False)),
                implicit_coding_rate=int(service.get("implicit_coderate", 0)),
            ),
        )
    if settings.fsk is not None and fsk.get("sync_word"):
        word = int(fsk["sync_word"]).to_bytes(8, "big")[8 - int(fsk.get("sync_word_size", 3)) :]
        settings = replace(settings, fsk=replace(settings.fsk, sync_word=word))
    return settings


def transmission_of(value: dict[str, Any], near: Micros) -> Transmission:
    """Return the transmission that a golden file describes, its instant placed on the timeline.

    Raises:
        OurMistake: a value that no transmission can have.
    """
    at_us = None
    if value["mode"] == TxTrigger.TIMESTAMPED:
        counter = value.get("count_us")
        at_us = Micros(near + 1_000_000) if counter is None else unroll(counter, near, TMST_TURN)
    try:
        return Transmission(
            payload=bytes.fromhex(value["payload"]),
            modulation=_modulation(value),
            frequency_hz=Hz(value["freq_hz"]),
            power_dbm=value["power_dbm"],
            rf_chain=value["rf_chain"],
            trigger=TxTrigger(value["mode"]),
            at_us=at_us,
            invert_polarity=value["invert_polarity"],
            preamble_symbols=value["preamble"],
            implicit_header=value["implicit_header"],
            with_crc=value["crc"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise OurMistake(f"{error!r}", where="transmission") from error


def _modulation(value: dict[str, Any]) -> Modulation:
    bandwidth_hz = value.get("bandwidth_hz", 125_000)
    match value["modulation"]:
        case "LORA":
            coding_rate = int(value["coderate"].removeprefix("4/")) - 4
            return Lora(sf=value["datarate"], bandwidth_hz=bandwidth_hz, coding_rate=coding_rate)
        case "FSK":
            return Fsk(
                bitrate_bps=value["datarate"],
                deviation_hz=value["fdev_khz"] * 1000,
                bandwidth_hz=bandwidth_hz,
            )
        case "CW":
            return Cw(offset_hz=value["freq_offset_khz"] * 1000, bandwidth_hz=bandwidth_hz)
        case other:
            raise OurMistake(f"{other!r} is not LORA, FSK or CW", where="modulation")

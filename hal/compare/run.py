"""One side through one scenario on a chip in virtual time, and what was observed of it.

Time is moved so that each phase begins at the same counter on both sides, whatever their traffic took.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec

from hal.compare.scenario import Reception, Scenario, Sending, begins_us
from hal.compare.sides import Side
from hal.packets import TxTrigger
from hal.twin.chip import VirtualChip
from hal.twin.clock import VirtualClock
from hal.twin.emission import Emission
from hal.twin.facts import TICKS_PER_US

SECOND_US = 1_000_000
HALF_A_SECOND_US = 500_000
ON_AIR_US = 12 * SECOND_US
"""Longer than the longest frame, its wait and its verdict."""
REGISTERS_FROM = 0x5000
"""Below are the programs of the microcontrollers, which may be synthetic on our side."""
PATCH = range(0x8000, 0x9000)
"""The same of the SX1261."""
Registers = dict[str, int]


@dataclass(slots=True, kw_only=True)
class Observed:
    """What one side did."""

    registers: Registers = field(default_factory=dict)
    radios: list[dict[str, Any]] = field(default_factory=list)
    packets: list[dict[str, str]] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    emissions: list[dict[str, Any]] = field(default_factory=list)
    left: Registers = field(default_factory=dict)
    """Registers when all was over."""
    complaints: list[str] = field(default_factory=list)
    """What silicon would not have forgiven."""


def observe(scenario: Scenario, make: Callable[[VirtualChip], Side]) -> Observed:
    """Take one side through a scenario."""
    emissions: list[Emission] = []
    chip = VirtualChip(model=scenario.model, clock=VirtualClock(), on_emission=emissions.append)
    side, seen = make(chip), Observed()
    try:
        side.start()
        seen.registers, seen.radios = _registers(chip), _radios(chip)
        for number, phase in enumerate(scenario.phases):
            _begin(chip, begins_us(number))
            if isinstance(phase, Reception):
                _receive(chip, side, phase, number, seen)
            else:
                seen.outcomes.append(_send(chip, side, phase, number))
                seen.emissions += [_emission(each) for each in emissions]
                emissions.clear()
        seen.left = _registers(chip)
        seen.complaints = sorted({str(complaint.fault) for complaint in chip.complaints})
    finally:
        side.stop()
    return seen


def _begin(chip: VirtualChip, counter_us: int) -> None:
    """Let time pass until the counter; pulses come half-way through each second of it."""
    target = counter_us * TICKS_PER_US
    chip.delay_ns((target - chip.now_ticks()) * 125 // 4)
    chip.place_counters(free_running=target, pps=target - HALF_A_SECOND_US * TICKS_PER_US)


def _receive(chip: VirtualChip, side: Side, phase: Reception, number: int, seen: Observed) -> None:
    later_us = 0
    for _ in range(phase.idle_polls):
        later_us += SECOND_US
        _begin(chip, begins_us(number) + later_us)
        seen.packets += side.receive()
    for event in phase.events:
        assert event.ends_at_ticks is not None, "drawn so"
        ended = replace(event, ends_at_ticks=event.ends_at_ticks + later_us * TICKS_PER_US)
        seen.verdicts.append(chip.inject(ended).value)
    seen.packets += side.receive()


def _send(chip: VirtualChip, side: Side, phase: Sending, number: int) -> str:
    chip.sx1261.noise_dbm = partial(_constant, phase.noise_dbm)
    outcome = side.send(phase.transmission)
    _begin(chip, begins_us(number) + ON_AIR_US)
    if chip.transmitters[phase.transmission.rf_chain].on_air is not None:
        side.abort(phase.transmission.rf_chain)
    return outcome


def _constant(level_dbm: float, _: int) -> float:
    return level_dbm


def _registers(chip: VirtualChip) -> Registers:
    data = chip.registers()
    return {f"{at:04x}": data[at] for at in range(REGISTERS_FROM, len(data)) if data[at]}


def _radios(chip: VirtualChip) -> list[dict[str, Any]]:
    listener = chip.sx1261
    found: list[dict[str, Any]] = [
        {"mode": radio.mode, "frequency": radio.frequency_raw, "registers": _named(radio.registers)}
        for radio in chip.radios
    ]
    return [*found, {"mode": listener.mode, "registers": _named(listener.registers)}]


def _named(registers: dict[int, int]) -> Registers:
    return {f"{at:04x}": value for at, value in sorted(registers.items()) if at not in PATCH}


def _emission(emission: Emission) -> dict[str, Any]:
    """Return what both sides must agree on; only a trigger that waits has an instant of its own."""
    row: dict[str, Any] = {name: getattr(emission, name) for name in emission.__dataclass_fields__}
    for name in ("name", "started_at_us"):
        del row[name]
    if emission.trigger is TxTrigger.IMMEDIATE:
        del row["started_at_ticks"]
    if emission.aborted:
        del row["air_time_us"]
    row["modulation"] = str(emission.modulation)
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found

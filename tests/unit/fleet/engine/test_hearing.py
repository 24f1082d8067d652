"""The watch over who hears nothing: what heartbeats say, a look a minute."""

from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from agent.wire.messages import Radio
from fleet.airtime.hearing import LOOK_EVERY_US
from fleet.durations import SECOND_US
from fleet.engine.hearing import FRESH_US, HearingWatch
from fleet.live.memory import GatewayMemory, Memory
from fleet.registry.store import load_registry
from tests.unit.fleet.founded import heartbeat
from tests.unit.fleet.web.network import make_app
from tests.unit.fleet.web.sample import eui_of

MUTE = eui_of(4)
"""Larçay hangs among four others."""


@pytest.fixture
def registry(tmp_path: Path):
    database = make_app(tmp_path).state.parts.database
    with database.read() as connection:
        return load_registry(connection)


def memory(at_us: int, received: int, **mute: object) -> Memory:
    """Return what all gateways said just now; ``mute`` changes what one of them said."""
    found = {}
    for index in range(11):
        beat = msgspec.structs.replace(heartbeat(1), received=received)
        if eui_of(index) == MUTE:
            beat = msgspec.structs.replace(beat, **({"received": 7} | mute))
        found[eui_of(index)] = GatewayMemory(eui=eui_of(index), heartbeat=beat, heartbeat_at_us=at_us)
    return Memory(found)


def watched(registry: object, minutes: int, **mute: object) -> HearingWatch:
    watch = HearingWatch()
    for minute in range(minutes + 1):
        at_us = minute * LOOK_EVERY_US
        watch.look(memory(at_us, 20 * minute, **mute), registry, at_us, at_us)  # type: ignore[arg-type]
    return watch


def test_a_mute_radio_is_found_within_minutes_and_from_the_first_day(registry) -> None:
    assert watched(registry, 3).silent == {}
    assert set(watched(registry, 4).silent) == {MUTE}


def test_it_is_looked_at_once_a_minute(registry) -> None:
    watch = watched(registry, 4)
    before = watch.silent
    watch.look(memory(0, 0), registry, 0, 5 * LOOK_EVERY_US - SECOND_US)
    assert watch.silent is before


@pytest.mark.parametrize("mute", [{"radio": Radio.DEAF}, {"radio": Radio.OFF}])
def test_who_says_itself_that_it_is_deaf_is_known_already(registry, mute) -> None:
    assert watched(registry, 9, **mute).silent == {}


def test_what_is_old_says_nothing(registry) -> None:
    watch = watched(registry, 4)
    at_us = 5 * LOOK_EVERY_US
    told = memory(at_us, 100)
    old = replace(told.gateways[MUTE], heartbeat_at_us=at_us - FRESH_US - 1)
    watch.look(told.with_gateways({MUTE: old}), registry, at_us, at_us)
    assert watch.silent == {}


def test_a_look_that_fails_stops_no_cycle_and_names_nobody(registry) -> None:
    watch = watched(registry, 4)
    watch.look(memory(0, 0), object(), 0, 9 * LOOK_EVERY_US)  # type: ignore[arg-type]
    assert watch.silent == {}

"""Hostile for long: a million messages lose no cycle, a minute of each attack meets every figure."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from passerelle.benches import hostile
from passerelle.benches.contract.hostile_gateway import hostile_figures
from tests.unit.fleet.evidence.test_hostile import fuzz

pytestmark = pytest.mark.soak
FUZZED = 1_000_000
ATTACK_S = 60.0


def test_no_cycle_is_lost_to_a_million_messages(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = time.time_ns()
    let_in = fuzz(tmp_path, FUZZED, seed)
    record_property("fuzzed", FUZZED)
    print(f"{FUZZED} messages, {let_in} let in, seed {seed}")


def test_a_minute_of_each_attack_meets_every_figure(record_property: Callable[[str, object], None]) -> None:
    figures = hostile.measure(ATTACK_S)
    for figure in figures:
        record_property(figure.name, figure.value)
        print(f"{figure.name}: {figure.value} {figure.unit}")
    assert [figure.name for figure in figures if not figure.met] == []


def test_ten_minutes_of_a_hostile_gateway_move_nobody_else(
    record_property: Callable[[str, object], None],
) -> None:
    figures = hostile_figures(600.0)
    for figure in figures:
        record_property(figure.name, figure.value)
        print(f"{figure.name}: {figure.value} {figure.unit} ({figure.how})")
    assert [figure.name for figure in figures if not figure.met] == []

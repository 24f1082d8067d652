"""Ingest, engine and month over a million messages of one hostile gateway: no cycle is lost."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.fleet.evidence.test_hostile import fuzz

pytestmark = pytest.mark.soak
FUZZED = 1_000_000


def test_no_cycle_is_lost_to_a_million_messages(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    seed = time.time_ns()
    let_in = fuzz(tmp_path, FUZZED, seed)
    record_property("fuzzed", FUZZED)
    print(f"{FUZZED} messages, {let_in} let in, seed {seed}")

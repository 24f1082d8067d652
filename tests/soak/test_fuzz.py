"""Every parser of what comes from outside, for a while: its own error or a value, nothing else."""

import time
from collections.abc import Callable
from random import Random

import pytest

from tests.datapath.fuzzing import TARGETS, try_one

pytestmark = pytest.mark.soak
EACH_S = 10.0


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_a_parser_gives_a_value_or_its_own_error(
    target: str, record_property: Callable[[str, object], None]
) -> None:
    seed = f"{target} {time.time_ns()}"
    random, tried, refused = Random(seed), 0, 0
    end = time.monotonic() + EACH_S
    while time.monotonic() < end:
        for _ in range(500):
            tried += 1
            refused += try_one(target, random)
    record_property("fuzzed", tried)
    print(f"{target}: {tried} inputs tried, {refused} refused, seed {seed!r}")

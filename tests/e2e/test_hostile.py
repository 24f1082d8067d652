"""Five attacks, a few seconds each, on the real `fleet serve`; `make soak` runs them for minutes.

Paces are measured by `passerelle bench hostile`; here the engine must go on under each, the memory stay
below its limit, and the hostile gateway be quarantined.
"""

import pytest

from passerelle.benches import hostile

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
ATTACK_S = 3.5
BEATS_HZ = 150.0
"""So that the budget of boots is used up within the attack."""


def test_every_attack_is_survived_for_a_moment(record_property):
    figures = {figure.name: figure for figure in hostile.measure(ATTACK_S, BEATS_HZ, paging=False)}
    for name, figure in figures.items():
        record_property(name, figure.value)
        print(f"{name}: {figure.value} {figure.unit}")
    cycles = {name: figure.value for name, figure in figures.items() if name.startswith("cycles")}
    memory = {name: figure for name, figure in figures.items() if name.startswith("memory")}
    assert len(cycles) == len(memory) == 6
    assert {name for name, value in cycles.items() if not value} == set()
    assert {name for name, figure in memory.items() if not figure.met} == set()
    assert figures[hostile.QUARANTINED].met

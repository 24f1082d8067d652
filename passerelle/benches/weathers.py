"""Lives whose facts come in bad weather, against the second reading: 0 us (AVAILABILITY §10).

A life is two hours of one gateway with three troubles and works; its facts come through two weathers of
``fleet.simulation.weather`` at once: stalls, clocks that lie, numbers not told, losses, a copied disk.
"""

from dataclasses import replace
from itertools import combinations_with_replacement, pairwise
from random import Random

from fleet.availability.timeline import Timeline, timeline
from fleet.durations import DAY_US, HOUR_US, SECOND_US
from fleet.facts.model import Commissioning, CommissioningKind, GatewayFacts, Maintenance
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import GatewayState
from fleet.simulation.gateway import Trouble, TroubleKind, live
from fleet.simulation.second_reading import Reading
from fleet.simulation.weather import WEATHERS
from passerelle.figures import Figure

LIVES = 210
START_US = 1_790_000_000 * SECOND_US
WINDOW = Window(START_US, START_US + 2 * HOUR_US)
TROUBLES = 3
EUI = "0016c00100000001"


def weather_figure() -> Figure:
    """Return how far both readings are apart over every pair of weathers."""
    pairs = list(combinations_with_replacement(WEATHERS, 2))
    wrong_us = 0
    for seed in range(LIVES):
        chance = Random(seed)  # noqa: S311 - weather, not secrets
        facts = _life(chance)
        for name in pairs[seed % len(pairs)]:
            facts = WEATHERS[name](facts, chance)
        now_us = WINDOW.end_us + DAY_US
        line = timeline(facts, (), WINDOW, DEFAULTS, now_us)
        theirs = Reading(facts, (), DEFAULTS, now_us).partition(WINDOW.start_us, WINDOW.end_us)
        wrong_us += differs_us(line, theirs)
    return Figure(
        name="difference to an independent computation in bad weather",
        value=wrong_us,
        unit="us",
        target=0,
        how=f"{LIVES} lives of two hours with works, {len(pairs)} pairs of {', '.join(WEATHERS)}",
    )


def differs_us(line: Timeline, theirs: list[tuple[int, int, tuple[GatewayState, bool]]]) -> int:
    """Return for how long two partitions of a window differ, microseconds."""
    ours = [(span.start_us, span.end_us, (span.state, span.proved)) for span in line.spans]
    cuts = sorted({at for start, end, _ in [*ours, *theirs] for at in (start, end)})
    wrong, i, j = 0, 0, 0
    for start, end in pairwise(cuts):
        while ours[i][1] <= start:
            i += 1
        while theirs[j][1] <= start:
            j += 1
        wrong += 0 if ours[i][2] == theirs[j][2] else end - start
    return wrong


def _life(chance: Random) -> GatewayFacts:
    length_s = WINDOW.length_us // SECOND_US
    troubles = [
        Trouble(
            start_ms=chance.randrange(length_s) * 1000,
            length_ms=chance.randrange(10, 1_200) * 1000,
            kind=chance.choice(list(TroubleKind)),
        )
        for _ in range(TROUBLES)
    ]
    lived = live(EUI, WINDOW.start_us, length_s * 1000, troubles)
    accepted = Commissioning(
        id="a",
        eui=EUI,
        kind=CommissioningKind.ACCEPTED,
        at_us=WINDOW.start_us,
        who="simulation",
        recorded_at_us=WINDOW.start_us,
    )
    facts = GatewayFacts(eui=EUI, runs=lived.runs, journal=lived.journal, commissioning=(accepted,))
    return replace(facts, maintenances=(_works(chance),))


def _works(chance: Random) -> Maintenance:
    start_us = WINDOW.start_us + chance.randrange(WINDOW.length_us)
    announced_us = start_us - chance.randrange(60, 90) * HOUR_US
    return Maintenance(
        id="m",
        euis=(EUI,),
        start_us=start_us,
        end_us=start_us + chance.randrange(60, 3_600) * SECOND_US,
        announced_at_us=announced_us,
        approved_by="simulation",
        recorded_at_us=announced_us,
    )

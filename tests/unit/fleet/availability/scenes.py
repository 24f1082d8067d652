"""Gateways with random troubles, for property tests: facts that are complete, then holes are torn."""

from dataclasses import replace

from hypothesis import strategies as st

from fleet.facts.model import Blindness, Commissioning, CommissioningKind, GatewayFacts, Maintenance
from fleet.facts.months import Window
from fleet.facts.runs import expand
from fleet.simulation.gateway import Trouble, TroubleKind, live

EUI = "0016c001f12a3b4c"
START = 1_790_000_000_000_000
LENGTH_MS = 3_600_000
WINDOW = Window(START, START + LENGTH_MS * 1000)
ACCEPTED = Commissioning(
    id="a", eui=EUI, kind=CommissioningKind.ACCEPTED, at_us=START, who="x", recorded_at_us=START
)


def troubles_in(length_ms, count):
    """Up to ``count`` troubles that begin in so many milliseconds."""
    return st.lists(
        st.builds(
            Trouble,
            st.integers(0, length_ms // 1000 - 1).map(lambda s: s * 1000),
            st.integers(1, 1500).map(lambda s: s * 1000),
            st.sampled_from(TroubleKind),
        ),
        max_size=count,
    )


troubles = troubles_in(LENGTH_MS, 6)


def lived_facts(troubles, eui=EUI, length_ms=LENGTH_MS):
    lived = live(eui, START, length_ms, troubles)
    facts = GatewayFacts(
        eui=eui, runs=lived.runs, journal=lived.journal, commissioning=(replace(ACCEPTED, eui=eui),)
    )
    return facts, lived


@st.composite
def torn(draw, length_ms=LENGTH_MS, count=6):
    """Facts with heartbeats and records missing, in any order, some twice."""
    facts, _ = lived_facts(draw(troubles_in(length_ms, count)), length_ms=length_ms)
    runs = []
    for run in facts.runs:
        singles = expand(run)
        cut = draw(st.integers(0, 3))
        if cut == 0 or len(singles) < 3:
            runs.append(run)
        elif cut == 1:
            hole = draw(st.integers(1, len(singles) - 2))
            runs.extend(singles[:hole] + singles[hole + 1 :])
        elif cut == 2:
            runs.append(singles[draw(st.integers(0, len(singles) - 1))])
    lost = draw(st.sets(st.integers(0, max(0, len(facts.journal) - 1)), max_size=2))
    journal = [fact for index, fact in enumerate(facts.journal) if index not in lost]
    blind = draw(st.lists(st.tuples(st.integers(0, length_ms), st.integers(0, 3_600_000)), max_size=2))
    blindness = tuple(
        Blindness(
            id=f"b{index}",
            start_us=START + at * 1000,
            end_us=START + (at + length) * 1000,
            path="canary",
            reason="test",
            recorded_at_us=START,
        )
        for index, (at, length) in enumerate(blind)
    )
    works = draw(
        st.lists(
            st.tuples(st.integers(0, length_ms), st.integers(1, 7_200_000), st.integers(0, 100)), max_size=2
        )
    )
    maintenances = tuple(
        Maintenance(
            id=f"m{index}",
            euis=(EUI,),
            start_us=START + at * 1000,
            end_us=START + (at + length) * 1000,
            announced_at_us=START + at * 1000 - ahead * 3_600_000_000,
            approved_by="x",
            recorded_at_us=START + at * 1000 - ahead * 3_600_000_000,
        )
        for index, (at, length, ahead) in enumerate(works)
    )
    return replace(facts, runs=tuple(runs), journal=tuple(journal), maintenances=maintenances), blindness

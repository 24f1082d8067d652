"""How exact the month's timelines are: beside an independent reading, and beside the physical truth."""

from itertools import pairwise

from fleet.availability.communes import CommuneTimeline, members_of
from fleet.availability.timeline import Timeline
from fleet.facts.intervals import normal, subtract
from fleet.facts.states import GatewayState
from fleet.simulation.network import NetworkMonth
from fleet.simulation.second_reading import Reading, commune
from passerelle.benches.weathers import differs_us
from passerelle.figures import Figure

BEAT_S = 30


def exactness_figures(
    month: NetworkMonth, lines: dict[str, Timeline], communes: dict[str, CommuneTimeline]
) -> list[Figure]:
    """Return how far timelines are from the second reading, and from the physical truth."""
    given, window = month.given, month.given.window
    readings = {
        eui: Reading(one, given.facts.blindness, given.settings, given.as_of_us).partition(
            window.start_us, window.end_us
        )
        for eui, one in given.facts.gateways.items()
    }
    wrong_us = sum(differs_us(lines[eui], theirs) for eui, theirs in readings.items())
    members = members_of(given.facts.memberships)
    for insee, line in communes.items():
        euis = [one.eui for one in members[insee]]
        wrong_us += _commune_differs_us(line, [readings[eui] for eui in euis])
    lost, served = _against_truth(month, lines)
    edges = 2 * sum(len(truth[GatewayState.SERVING]) for truth in month.truth.values())
    return [
        Figure(
            name="difference to an independent computation",
            value=wrong_us,
            unit="us",
            target=0,
            how="fleet.simulation.second_reading, same facts, all gateways and communes",
        ),
        Figure(
            name="largest edge error against physical truth",
            value=max(*lost, *served) / 1e6,
            unit="s",
            target=BEAT_S,
            how=(
                f"of {edges} edges of service {len(lost) - 1} told as lost too early or too long, "
                f"{max(lost) / 1e6:+.1f} s at most, and {len(served) - 1} as served, "
                f"{-max(served) / 1e6:+.1f} s at most"
            ),
        ),
    ]


def _commune_differs_us(
    line: CommuneTimeline, members: list[list[tuple[int, int, tuple[GatewayState, bool]]]]
) -> int:
    cuts = {at for spans in members for start, end, _ in spans for at in (start, end)}
    cuts |= {at for span in line.spans for at in (span.start_us, span.end_us)}
    at = [0] * len(members)
    spans, here, wrong = line.spans, 0, 0
    for start, end in pairwise(sorted(cuts)):
        while spans[here].end_us <= start:
            here += 1
        states = []
        for index, theirs in enumerate(members):
            while theirs[at[index]][1] <= start:
                at[index] += 1
            states.append(theirs[at[index]][2][0])
        wrong += 0 if commune(states) is spans[here].state else end - start
    return wrong


def _against_truth(month: NetworkMonth, lines: dict[str, Timeline]) -> tuple[list[int], list[int]]:
    """Return every stretch told as lost though served, and told as served though lost: one an edge."""
    lost: list[int] = [0]
    served: list[int] = [0]
    for eui, line in lines.items():
        told = normal((s.start_us, s.end_us) for s in line.spans if s.state is GatewayState.SERVING)
        truth = month.truth[eui][GatewayState.SERVING]
        lost += [end - start for start, end in subtract(truth, told)]
        served += [end - start for start, end in subtract(told, truth)]
    return lost, served

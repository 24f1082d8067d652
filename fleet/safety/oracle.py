"""May these gateways be out together: yes, or no with every reason; and who else may go with them; pure.

Rules, for each gateway asked about that serves in the window (one that does not harms nobody):

- we see: while blind, nobody goes;
- each of its communes keeps a gateway; where no record says who hears which sensors, any two gateways of a
  commune count as each other's redundancy, so that only one is out at a time;
- each group of sensors that several gateways hear keeps one of them;
- sensors that only this gateway hears are unheard whenever it changes: allowed up to a share of the commune;
- each of its communes has some of its error budget left.

Works that were announced in time and cover the window lift the rules about communes and sensors.
Source: DESIGN §8.
"""

from collections.abc import Iterable, Iterator, Sequence

from fleet.availability.sensors import Coverage
from fleet.safety.model import (
    LIMITS,
    Absence,
    Answer,
    Degraded,
    DegradedKind,
    Question,
    Refusal,
    RefusalKind,
    SafetyLimits,
)
from fleet.safety.remaining import Remaining
from fleet.safety.view import SafetyView

_PPM = 1_000_000


def ok_to_stop(
    view: SafetyView, question: Question, absences: Iterable[Absence] = (), limits: SafetyLimits = LIMITS
) -> Answer:
    """Return whether the gateways of the question may be out together, beside the absences."""
    remaining = Remaining(view, question.window, absences)
    for eui in question.euis:
        remaining.take(eui)
    refusals = [one for eui in question.euis for one in _refusals(remaining, eui, limits)]
    return Answer(refusals=tuple(refusals), degraded=tuple(_degraded(remaining)))


def most_with(
    view: SafetyView,
    question: Question,
    *,
    candidates: Sequence[str],
    most: int,
    absences: Iterable[Absence] = (),
    limits: SafetyLimits = LIMITS,
) -> tuple[str, ...]:
    """Return up to ``most`` further gateways that may go with those of the question.

    The set is maximal (nobody of the candidates can be added), found by taking those first that the fewest
    communes and sensors depend on; a larger one may exist, the largest is a hard problem.  Empty when the
    question itself is refused.
    """
    remaining = Remaining(view, question.window, absences)
    for eui in question.euis:
        remaining.take(eui)
    if any(next(_refusals(remaining, eui, limits), None) for eui in question.euis):
        return ()
    found: list[str] = []
    # Whoever shares a commune or sensors with a newcomer is harmed only if the newcomer is refused as well.
    for eui in sorted(set(candidates) - set(question.euis), key=lambda eui: (_touches(view, eui), eui)):
        if len(found) >= most:
            break
        remaining.take(eui)
        if next(_refusals(remaining, eui, limits), None):
            remaining.put_back(eui)
        else:
            found.append(eui)
    return tuple(found)


def _touches(view: SafetyView, eui: str) -> int:
    return len(view.communes_of.get(eui, ())) + len(view.groups_of.get(eui, ()))


def _refusals(remaining: Remaining, eui: str, limits: SafetyLimits) -> Iterator[Refusal]:
    view = remaining.view
    if eui not in view.network.gateways:
        yield Refusal(eui=eui, kind=RefusalKind.NOT_REGISTERED)
    elif view.network.blind:
        yield Refusal(eui=eui, kind=RefusalKind.BLIND)
    elif remaining.harms(eui):
        if not remaining.is_excused(eui):
            yield from _communes_refuse(remaining, eui)
            yield from _sensors_refuse(remaining, eui, limits)
        yield from _budgets_refuse(remaining, eui, limits)


def _communes_refuse(remaining: Remaining, eui: str) -> Iterator[Refusal]:
    view = remaining.view
    for insee in view.communes_of.get(eui, ()):
        members = view.commune(insee).members
        if remaining.commune_left(insee) < (len(members) if view.all_must_serve else 1):
            yield _refusal(remaining, eui, RefusalKind.COMMUNE, insee, members=members)
        elif insee not in view.sensors_of and (others := _others_out(remaining, eui, members)):
            yield _refusal(remaining, eui, RefusalKind.NEIGHBOUR, insee, members=others)


def _others_out(remaining: Remaining, eui: str, members: Iterable[str]) -> tuple[str, ...]:
    """Return the other gateways that somebody takes out although they serve."""
    return tuple(
        other
        for other in members
        if other != eui
        and (other in remaining.asked or other in remaining.absences)
        and remaining.harms(other)
    )


def _sensors_refuse(remaining: Remaining, eui: str, limits: SafetyLimits) -> Iterator[Refusal]:
    view = remaining.view
    for insee, sensors in view.alone_of.get(eui, {}).items():
        if sensors * _PPM > limits.alone_sensors_max_ppm * view.sensors_of[insee]:
            yield _refusal(remaining, eui, RefusalKind.ALONE, insee, sensors=sensors)
    unheard: dict[str, list[Coverage]] = {}
    for position in view.groups_of.get(eui, ()):
        if not remaining.group_left(position):
            group = view.coverages[position]
            unheard.setdefault(group.insee, []).append(group)
    for insee, groups in unheard.items():
        hearing = dict.fromkeys(other for group in groups for other in group.euis)
        sensors = sum(group.sensors for group in groups)
        yield _refusal(remaining, eui, RefusalKind.SENSORS, insee, members=hearing, sensors=sensors)


def _budgets_refuse(remaining: Remaining, eui: str, limits: SafetyLimits) -> Iterator[Refusal]:
    view = remaining.view
    for insee in view.communes_of.get(eui, ()):
        left_us = view.commune(insee).budget_left_us
        if limits.budget_left_min_ppm and left_us * _PPM < limits.budget_left_min_ppm * view.budget_us:
            yield _refusal(remaining, eui, RefusalKind.BUDGET, insee)


def _refusal(
    remaining: Remaining,
    eui: str,
    kind: RefusalKind,
    insee: str,
    *,
    members: Iterable[str] = (),
    sensors: int = 0,
) -> Refusal:
    out = tuple(other for other in members if other != eui and not remaining.stays(other))
    return Refusal(
        eui=eui,
        kind=kind,
        insee=insee,
        commune=remaining.view.commune(insee).name,
        sensors=sensors,
        out=out,
        absences=tuple(absence for other in out for absence in remaining.absences.get(other, ())),
    )


def _degraded(remaining: Remaining) -> Iterator[Degraded]:
    """Yield each commune that is worse off, in the order of its code."""
    view = remaining.view
    touched = {insee for eui in remaining.asked for insee in view.communes_of.get(eui, ())}
    alone: dict[str, int] = {}
    for eui in remaining.taken(list(remaining.asked)):
        for insee, sensors in view.alone_of.get(eui, {}).items():
            alone[insee] = alone.get(insee, 0) + sensors
    for insee in sorted(touched | set(alone)):
        commune = view.commune(insee)
        if taken := list(remaining.taken(commune.members)):
            left = remaining.commune_left(insee)
            if left == 1:
                yield Degraded(kind=DegradedKind.LAST_GATEWAY, insee=insee, commune=commune.name)
            elif not left and all(map(remaining.is_excused, taken)):
                yield Degraded(kind=DegradedKind.EXCUSED, insee=insee, commune=commune.name)
        if insee in alone:
            yield Degraded(kind=DegradedKind.ALONE, insee=insee, commune=commune.name, sensors=alone[insee])

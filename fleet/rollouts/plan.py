"""Which gateway comes with which wave, in how many batches, and when it is over; pure.

Waves are drawn by a hash of the rollout's name and the EUI, so that the same plan comes out again and nobody
chooses who is first.  Canaries serve, and no two of them share a commune.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fleet.durations import MINUTE_US
from fleet.facts.months import Window
from fleet.rollouts.model import GatewayStep, RolloutSettings, Wave
from fleet.safety.absences import OUT_US
from fleet.safety.model import Absence, Question
from fleet.safety.oracle import most_with, ok_to_stop
from fleet.safety.view import SafetyView

LAB, CANARY = "lab", "canary"
BATCH_US = 6 * MINUTE_US
"""How long a batch takes as a rule: a permit within a minute, a trial of five that the fleet confirms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WavePlan:
    """One wave as it is foreseen."""

    wave: Wave
    euis: tuple[str, ...]
    batches: tuple[tuple[str, ...], ...]
    """Who changes together, each batch when the one before is settled."""
    held: tuple[str, ...]
    """Who may not go as things are: the only gateway somewhere, or the budget forbids it."""
    least_batches: int
    """Fewer cannot be: so many gateways of the wave exclude each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A rollout as it is foreseen."""

    waves: tuple[WavePlan, ...]

    @property
    def length_us(self) -> int:
        """How long it takes if nothing is deferred."""
        return sum(len(one.batches) * BATCH_US + one.wave.soak_us for one in self.waves if one.euis)

    @property
    def steps(self) -> dict[str, GatewayStep]:
        """Every gateway at the start."""
        return {
            eui: GatewayStep(eui=eui, wave=number)
            for number, one in enumerate(self.waves)
            for eui in one.euis
        }


def plan_rollout(
    name: str,
    euis: Sequence[str],
    view: SafetyView,
    settings: RolloutSettings,
    *,
    lab: Iterable[str] = (),
    absences: Sequence[Absence] = (),
) -> Plan:
    """Return the waves of a rollout over ``euis``, with batches as the network stands now."""
    order = sorted(dict.fromkeys(euis), key=lambda eui: _draw(name, eui))
    first = [eui for eui in order if eui in set(lab)]
    rest = [eui for eui in order if eui not in set(lab)]
    canaries = _canaries(rest, view, settings.canary_gateways)
    later = [eui for eui in rest if eui not in canaries]
    groups = [
        (LAB, first),
        (CANARY, canaries),
        *_shares(later, len(order), len(first) + len(canaries), settings),
    ]
    waves = [
        _planned(_wave(wave, settings), members, view, settings, absences)
        for wave, members in groups
        if members
    ]
    return Plan(waves=tuple(waves))


def _wave(name: str, settings: RolloutSettings) -> Wave:
    first = name in (LAB, CANARY)
    return Wave(name=name, soak_us=settings.canary_soak_us if first else settings.soak_us)


def _draw(name: str, eui: str) -> bytes:
    return hashlib.sha256(f"{name}\0{eui}".encode()).digest()


def _canaries(order: Sequence[str], view: SafetyView, count: int) -> list[str]:
    """Return the first gateways that serve, may go, and share no commune with one another."""
    found: list[str] = []
    taken: set[str] = set()
    for eui in order:
        communes = set(view.communes_of.get(eui, ()))
        if len(found) >= count or taken & communes or not _may_go(view, eui):
            continue
        found.append(eui)
        taken |= communes
    return found


def _may_go(view: SafetyView, eui: str) -> bool:
    window = _window(view)
    return view.serves(eui, window) and ok_to_stop(view, Question(euis=(eui,), window=window)).is_yes


def _window(view: SafetyView) -> Window:
    return Window(view.network.at_us, view.network.at_us + OUT_US)


def _shares(
    order: Sequence[str], whole: int, before: int, settings: RolloutSettings
) -> list[tuple[str, Sequence[str]]]:
    """Return the waves of shares; each share counts all gateways, those before included."""
    found, at = [], 0
    for percent in settings.shares_percent:
        until = max(at, -(-whole * percent // 100) - before)
        found.append((f"{percent} %", order[at:until]))
        at = until
    return found


def _planned(
    wave: Wave,
    euis: Sequence[str],
    view: SafetyView,
    settings: RolloutSettings,
    absences: Sequence[Absence],
) -> WavePlan:
    batches, held = batches_of(euis, view, settings, absences)
    return WavePlan(
        wave=wave,
        euis=tuple(euis),
        batches=batches,
        held=held,
        least_batches=clique(view, set(euis) - set(held)),
    )


def batches_of(
    euis: Sequence[str], view: SafetyView, settings: RolloutSettings, absences: Sequence[Absence] = ()
) -> tuple[tuple[tuple[str, ...], ...], tuple[str, ...]]:
    """Return batches of gateways that may be out together, and those that may not go at all now."""
    window, limits = _window(view), settings.limits
    waiting: list[str] = []
    held: list[str] = []
    for eui in euis:
        alone = ok_to_stop(view, Question(euis=(eui,), window=window), absences, limits)
        (waiting if alone.is_yes else held).append(eui)
    batches: list[tuple[str, ...]] = []
    while waiting:
        first, *others = waiting
        question = Question(euis=(first,), window=window)
        room = settings.together_max - 1
        along = most_with(view, question, candidates=others, most=room, absences=absences, limits=limits)
        batches.append((first, *along))
        gone = set(batches[-1])
        waiting = [eui for eui in waiting if eui not in gone]
    return tuple(batches), tuple(held)


def clique(view: SafetyView, euis: set[str]) -> int:
    """Return how many gateways the rules plainly exclude from each other: no plan has fewer batches.

    Serving members of a commune without records exclude each other; so do the two of a commune that only they
    serve, and the two of sensors that only they hear.
    """
    if not euis:
        return 0
    window, most = _window(view), 1
    for insee, commune in view.network.communes.items():
        serving = [eui for eui in commune.members if view.serves(eui, window)]
        mine = sum(eui in euis for eui in serving)
        if insee not in view.sensors_of or len(serving) == 2:
            most = max(most, mine)
    for group in view.coverages:
        if len(group.euis) == 2 and all(eui in euis and view.serves(eui, window) for eui in group.euis):
            most = max(most, 2)
    return most

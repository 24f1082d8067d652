"""Who is out, or about to be, as the oracle reads it: from works, permits, commands and visits; pure."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.model import Maintenance
from fleet.facts.months import Window
from fleet.safety.model import Absence, AbsenceKind

PERMIT_LIFE_US = 5 * MINUTE_US
"""DESIGN §8: the permit is signed, not retained, and lives for 5 min: the change begins within it…"""
TRIAL_LIMIT_US = HOUR_US
"""…and ends with a confirmation or a roll-back within the longest trial (``intervals.config_trial_s``)."""
OUT_US = 10 * MINUTE_US
"""How long a restart or a change of configuration takes at most: the window of a question without one."""
RESTART_US = OUT_US
"""From the command to the first frame: a reboot of the slowest board, and the way of the command to it."""
VISIT_LIMIT_US = 4 * HOUR_US
"""A technician who came and told nothing more is thought to be gone after this."""


def works_absences(works: Iterable[Maintenance], notice_us: int) -> Iterator[Absence]:
    """Yield planned works; excused are those that were approved and recorded ``notice_us`` ahead."""
    for one in works:
        if one.withdrawn:
            continue
        in_time = bool(one.approved_by) and one.recorded_at_us + notice_us <= one.start_us
        for eui in one.euis:
            yield Absence(
                eui=eui,
                window=Window(one.start_us, one.end_us),
                kind=AbsenceKind.WORKS,
                reference=one.id,
                excused=in_time,
            )


def permit_absences(permitted_at_us: Mapping[str, int], unsettled: Collection[str]) -> Iterator[Absence]:
    """Yield changes that may begin: while the permit lives, and then until the gateway's version is settled.

    ``permitted_at_us``: EUI → last permit, or the version where none is needed, microseconds UTC;
    ``unsettled``: EUIs whose newest version is neither confirmed nor given up.
    """
    for eui, at_us in permitted_at_us.items():
        until_us = at_us + PERMIT_LIFE_US + (TRIAL_LIMIT_US if eui in unsettled else 0)
        yield Absence(eui=eui, window=Window(at_us, until_us), kind=AbsenceKind.PERMIT)


def command_absences(commanded_at_us: Mapping[str, int]) -> Iterator[Absence]:
    """Yield gateways that were told to do what stops reception: EUI → when, microseconds UTC."""
    for eui, at_us in commanded_at_us.items():
        yield Absence(eui=eui, window=Window(at_us, at_us + RESTART_US), kind=AbsenceKind.COMMAND)


def visit_absences(visits: Iterable[tuple[str, int, int]]) -> Iterator[Absence]:
    """Yield gateways of sites where somebody works: (EUI, since when in microseconds UTC, ticket)."""
    for eui, since_us, ticket in visits:
        window = Window(since_us, since_us + VISIT_LIMIT_US)
        yield Absence(eui=eui, window=window, kind=AbsenceKind.VISIT, reference=str(ticket))


def rollout_absences(under_way: Iterable[tuple[str, int, str]]) -> Iterator[Absence]:
    """Yield gateways on which a rollout works: (EUI, since when in microseconds UTC, name of the rollout)."""
    for eui, since_us, name in under_way:
        window = Window(since_us, since_us + PERMIT_LIFE_US + TRIAL_LIMIT_US)
        yield Absence(eui=eui, window=window, kind=AbsenceKind.ROLLOUT, reference=name)

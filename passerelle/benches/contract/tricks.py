"""What an operator may try so that a closed month looks better, through the product's own doors or past them.

A trick is *refused* when no figure of the closed month improves, *visible* when one does and the month's list
of what people did (``fleet.availability.people``) names it, else *unseen*: a defect.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from sqlalchemy import insert, update

from fleet.durations import DAY_US, HOUR_US, MINUTE_US
from fleet.evidence.tables import maintenances, statements
from fleet.facts.model import WithdrawalReason
from fleet.facts.settings import DEFAULTS
from fleet.months import snapshots
from fleet.months.snapshots import Correction
from fleet.registry.model import Consent
from fleet.registry.store import accept, withdraw
from fleet.registry.tables import communes, memberships
from fleet.works import announce as works
from fleet.works.announce import Works, WorksRefused
from passerelle.benches.contract.stage import (
    LATE_US,
    MONTH,
    WINDOW,
    A,
    B,
    C,
    D,
    Ending,
    Stage,
    X,
    Y,
    losses,
    member,
    play,
)
from passerelle.figures import Figure

AHEAD_US = WINDOW.start_us - 80 * HOUR_US
WEEK_US = 7 * DAY_US


class Outcome(StrEnum):
    """What became of a trick."""

    REFUSED = "refused"
    VISIBLE = "visible"
    UNSEEN = "unseen"


def withdrawn_after_each_loss(stage: Stage) -> None:
    """Withdraw the gateway two minutes after each loss, accept it again when it is back."""
    for eui in (A, B):
        for start_us, end_us in losses(eui):
            gone_us = start_us + 2 * MINUTE_US
            with stage.act() as connection:
                withdraw(connection, eui, at_us=gone_us, who="NOC", now_us=gone_us)
                accept(connection, eui, at_us=end_us, who="NOC", now_us=end_us)


def blanket_works(stage: Stage) -> None:
    """Announce five works of seven days over every gateway, in time, through the door."""
    for number in range(5):
        start_us = WINDOW.start_us + number * WEEK_US
        planned = Works(euis=(A, B, C, D), from_us=start_us, until_us=start_us + WEEK_US, reason="entretien")
        try:
            with stage.act() as connection:
                works.announce(connection, planned, who="NOC", now_us=AHEAD_US)
        except WorksRefused:
            continue


def blanket_works_past_the_door(stage: Stage) -> None:
    """The same, written straight into the database."""
    for number in range(5):
        start_us = WINDOW.start_us + number * WEEK_US
        _works(stage, start_us, start_us + WEEK_US, recorded_us=AHEAD_US)


def members_added_late(stage: Stage) -> None:
    """On the 30th, say that a gateway that was up all month served the communes since the 1st."""
    with stage.act() as connection:
        for insee in (X, Y):
            member(connection, insee, C, from_us=WINDOW.start_us, recorded_at_us=LATE_US)


def backdated_announcement(stage: Stage) -> None:
    """After each loss, enter works over it with a date of announcement a week before."""
    for eui in (A, B):
        for start_us, end_us in losses(eui):
            announced_us = start_us - WEEK_US
            _works(stage, start_us, end_us, recorded_us=end_us, announced_us=announced_us)


def weights_changed(stage: Stage) -> None:
    """On the 30th, let the commune that lost most weigh nothing."""
    with stage.act() as connection:
        connection.execute(update(communes).where(communes.c.insee == X).values(population=0))


def settings_changed(stage: Stage) -> None:
    """On the 30th, stop charging what we could not see, and believe longer silences."""
    stage.settings = replace(DEFAULTS, unknown_is_charged=False, silence_confirmed_us=HOUR_US)


def members_ended_late(stage: Stage) -> None:
    """On the 30th, say that the gateway that failed never was a member."""
    with stage.act() as connection:
        ended = {"valid_until_at_us": WINDOW.start_us, "ended_at_us": LATE_US}
        connection.execute(update(memberships).where(memberships.c.eui == A).values(**ended))


def backdated_withdrawal(stage: Stage) -> None:
    """On the 30th, withdraw the gateway that failed as of the 1st."""
    with stage.act() as connection:
        withdraw(connection, A, at_us=WINDOW.start_us, who="NOC", now_us=LATE_US)


def backdated_acceptance(stage: Stage) -> None:
    """On the 30th, accept a planned gateway that was up all month as of the 1st."""
    with stage.act() as connection:
        accept(connection, D, at_us=WINDOW.start_us, who="NOC", now_us=LATE_US)


def crumbs_of_works(stage: Stage) -> None:
    """Announce an hour of works in every six, all month, past the door's limit in number."""
    for hour in range(0, 31 * 24, 6):
        start_us = WINDOW.start_us + hour * HOUR_US
        _works(stage, start_us, start_us + HOUR_US, recorded_us=AHEAD_US)


def works_moved_to_the_losses(stage: Stage) -> None:
    """Announce a week, withdraw it while it runs, and announce the next one in its stead."""
    for number in range(4):
        start_us = WINDOW.start_us + number * WEEK_US
        id_ = _works(stage, start_us, start_us + WEEK_US, recorded_us=AHEAD_US + number * WEEK_US)
        with stage.act() as connection:
            works.withdraw(connection, id_, who="NOC", now_us=start_us + DAY_US)


def causes_stated(stage: Stage) -> None:
    """Say of each loss that somebody else answers for it."""
    for eui in (A, B):
        for start_us, end_us in losses(eui):
            row = {"eui": eui, "from_at_us": start_us, "until_at_us": end_us, "cause": "power"}
            row |= {"responsible": "Enedis", "text": "coupure", "who": "NOC", "recorded_at_us": LATE_US}
            with stage.act() as connection:
                connection.execute(insert(statements).values(**row))


def corrected_by_two(stage: Stage) -> None:
    """Two people correct the snapshot after the fact: it counts, and both names stand on page 1."""
    members_added_late(stage)
    by = Correction(author="anne", second="berthe", reason="oubli")
    with stage.act() as connection:
        snapshots.correct(connection, MONTH, stage.settings, by, now_us=LATE_US)


def withdrawn_by_two(stage: Stage) -> None:
    """Two people withdraw the gateway two minutes after a loss, for a listed reason: it counts, and shows."""
    start_us, end_us = losses(A)[0]
    gone_us = start_us + 2 * MINUTE_US
    with stage.act() as connection:
        consent = Consent("berthe", WithdrawalReason.HAZARD)
        withdraw(connection, A, at_us=gone_us, who="anne", now_us=gone_us, consent=consent)
        accept(connection, A, at_us=end_us, who="anne", now_us=end_us)


TRICKS: tuple[Callable[[Stage], None], ...] = (
    withdrawn_after_each_loss,
    blanket_works,
    members_added_late,
    backdated_announcement,
    blanket_works_past_the_door,
    weights_changed,
    settings_changed,
    members_ended_late,
    backdated_withdrawal,
    backdated_acceptance,
    crumbs_of_works,
    works_moved_to_the_losses,
    causes_stated,
    corrected_by_two,
    withdrawn_by_two,
)


def outcome(trick: Callable[[Stage], None]) -> Outcome:
    """Return what becomes of one trick."""
    return compare(played(None), played(trick))


def played(trick: Callable[[Stage], None] | None) -> Ending:
    """Return how the month ends, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        return play(Path(folder), trick)


def compare(honest: Ending, tried: Ending) -> Outcome:
    """Return what a trick did to a month that would have ended otherwise."""
    improved = [
        name
        for name, before in honest.ratios.items()
        if before is not None and ((after := tried.ratios.get(name)) is None or after > before)
    ]
    if not improved:
        return Outcome.REFUSED
    return Outcome.VISIBLE if set(tried.people) - set(honest.people) else Outcome.UNSEEN


def tricks_figure() -> Figure:
    """Return how many tricks improve a closed figure unseen."""
    honest = played(None)
    ends = {trick.__name__: compare(honest, played(trick)) for trick in TRICKS}
    visible = [name for name, end in ends.items() if end is Outcome.VISIBLE]
    return Figure(
        name="tricks that improve a closed figure unseen",
        value=sum(end is Outcome.UNSEEN for end in ends.values()),
        unit="tricks",
        target=0,
        how=f"of {len(ends)}; improve and are listed with their author: {', '.join(visible) or 'none'}",
    )


def _works(stage: Stage, start_us: int, end_us: int, *, recorded_us: int, announced_us: int = 0) -> int:
    row = {"euis": [A, B, C, D], "from_at_us": start_us, "until_at_us": end_us, "approved_by": "NOC"}
    row |= {"announced_at_us": announced_us or recorded_us, "recorded_at_us": recorded_us}
    with stage.act() as connection:
        number = connection.execute(insert(maintenances).values(**row).returning(maintenances.c.id))
        return int(number.scalar_one())

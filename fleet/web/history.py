"""States over time and the month's figures for the pages, from what the engine tells, kept for a few seconds.

Timelines come from the engine's newest cycle (``fleet.live.timelines``), figures are those of
``fleet.availability``: pages compute nothing of their own.  Only where no engine runs are facts read from the
database.  A result stands for ``KEPT_US``, or ``REST`` times what it took, whichever is longer, so that open
pages never cost more than a twentieth of one core.
"""

import threading
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from sqlalchemy import Connection

from fleet.availability.communes import CommuneTimeline, commune_timeline, members_of
from fleet.availability.reckoning import (
    CommuneCard,
    MonthInput,
    MonthResult,
    allowed_works,
    from_timelines,
)
from fleet.availability.timeline import Timeline, timeline
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.durations import DAY_US
from fleet.evidence.load import load_deliveries
from fleet.facts.model import DeliveredFact, GatewayFacts, NetworkFacts
from fleet.facts.months import Window, month_of, month_window
from fleet.facts.settings import ContractSettings
from fleet.facts.states import GatewayState
from fleet.live.timelines import Timelines, clipped
from fleet.months.evidence import load_facts
from fleet.months.snapshots import on_snapshot
from fleet.registry.store import Commune, load_communes

KEPT_US: Final = 5_000_000
REST: Final = 20
STALE_US: Final = 5_000_000
LOOK_BACK_US: Final = 7 * DAY_US
"""The longest window of a page besides the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What was, up to ``at_us``: the month's figures, and timelines over the look-back and the month."""

    at_us: int
    month: MonthResult
    weights: Mapping[str, int]
    """What each commune weighs in the month, by INSEE."""
    contract: ContractSettings
    """The month's settings."""
    gateways: Mapping[str, Timeline]
    communes: Mapping[str, CommuneTimeline]

    def within(self, insees: frozenset[str], euis: Container[str]) -> "Past":
        """Return the rows of some communes and gateways; the figures of the whole stay."""
        month = self.month
        mine = replace(
            month,
            lines=_some(month.lines, euis),
            communes=_some(month.communes, insees),
            gateway_figures=_some(month.gateway_figures, euis),
            commune_figures=_some(month.commune_figures, insees),
            deferred_figures=_some(month.deferred_figures, insees),
            budgets=_some(month.budgets, insees),
            below_two_domains=_some(month.below_two_domains, insees),
            not_covered=tuple(insee for insee in month.not_covered if insee in insees),
        )
        return replace(
            self, month=mine, gateways=_some(self.gateways, euis), communes=_some(self.communes, insees)
        )


Value = TypeVar("Value")


def _some(rows: Mapping[str, Value], keys: Container[str]) -> dict[str, Value]:
    return {key: value for key, value in rows.items() if key in keys}


class History:
    """Keeps the newest ``Past`` of one process.

    A visit waits only for the very first, and for one that nobody asked for in ``STALE_US`` beyond its time;
    an open page keeps it fresh.
    """

    def __init__(self) -> None:
        self._first = threading.Lock()
        self._working = threading.Lock()
        self._past: Past | None = None
        self._stands_until_us = 0
        """On the monotonic clock."""

    def past(
        self,
        database: Database,
        clock: Clock,
        settings: ContractSettings,
        timelines: Timelines | None = None,
    ) -> Past:
        """Return the past that is kept; when it is too old, a thread makes the next one meanwhile."""
        given = (database, clock, settings, timelines)
        with self._first:
            if self._past is None or clock.monotonic_us() > self._stands_until_us + STALE_US:
                self._renew(*given)
        if clock.monotonic_us() >= self._stands_until_us and self._working.acquire(blocking=False):
            threading.Thread(target=self._renew_once, args=given, daemon=True).start()
        assert self._past is not None
        return self._past

    def _renew_once(
        self, database: Database, clock: Clock, settings: ContractSettings, timelines: Timelines | None
    ) -> None:
        try:
            self._renew(database, clock, settings, timelines)
        finally:
            self._working.release()

    def _renew(
        self, database: Database, clock: Clock, settings: ContractSettings, timelines: Timelines | None
    ) -> None:
        began_us = clock.monotonic_us()
        with database.read() as connection:
            if timelines is None:
                self._past = compute(connection, settings, clock.now_us())
            else:
                self._past = from_engine(connection, settings, timelines)
        ended_us = clock.monotonic_us()
        self._stands_until_us = ended_us + max(KEPT_US, REST * (ended_us - began_us))


def compute(connection: Connection, settings: ContractSettings, now_us: int) -> Past:
    """Return the past from the facts in the database."""
    window = _window(now_us)
    facts = load_facts(connection, window, settings, deliveries=False)
    lines = {
        eui: timeline(one, facts.blindness, window, settings, now_us) for eui, one in facts.gateways.items()
    }
    given = MonthInput(
        month=month_of(now_us),
        as_of_us=now_us,
        facts=facts,
        communes=_cards(load_communes(connection)),
        settings=settings,
    )
    return _past(connection, given, lines, window)


def from_engine(connection: Connection, settings: ContractSettings, timelines: Timelines) -> Past:
    """Return the past from the timelines of the engine's newest cycle."""
    window = _window(timelines.at_us)
    given = MonthInput(
        month=month_of(timelines.at_us),
        as_of_us=timelines.at_us,
        facts=NetworkFacts(
            gateways={
                eui: GatewayFacts(eui=eui, maintenances=one.works) for eui, one in timelines.known.items()
            },
            memberships=timelines.registry.memberships,
            blindness=timelines.sight,
        ),
        communes=_cards(timelines.registry.communes.values()),
        settings=settings,
    )
    return _past(connection, given, timelines.lines(window), window)


def _window(now_us: int) -> Window:
    return Window(min(month_window(month_of(now_us)).start_us, now_us - LOOK_BACK_US), now_us)


def _cards(communes: Iterable[Commune]) -> tuple[CommuneCard, ...]:
    return tuple(
        CommuneCard(
            insee=one.insee,
            name=one.name,
            epci=one.epci,
            departement=one.departement,
            population=one.population,
        )
        for one in communes
    )


def _past(connection: Connection, given: MonthInput, lines: Mapping[str, Timeline], window: Window) -> Past:
    """Return the past of timelines over ``window``, which holds the month."""
    given = on_snapshot(connection, given)
    month = (
        lines if window == given.window else {eui: clipped(one, given.window) for eui, one in lines.items()}
    )
    if late := _buffered(month):
        given = replace(given, facts=_with_deliveries(connection, given.facts, late, given.window))
    result = from_timelines(given, month)
    communes = result.communes if window == given.window else _communes(given, lines, window)
    return Past(
        at_us=given.as_of_us,
        month=result,
        weights=given.weights,
        contract=given.settings,
        gateways=lines,
        communes=communes,
    )


def _buffered(lines: Mapping[str, Timeline]) -> list[str]:
    """Return the gateways whose deliveries can make something good: those that buffered."""
    return [
        eui
        for eui, line in lines.items()
        if any(span.state is GatewayState.BUFFERING for span in line.exceptions)
    ]


def _with_deliveries(
    connection: Connection, facts: NetworkFacts, euis: list[str], window: Window
) -> NetworkFacts:
    found: dict[str, list[DeliveredFact]] = {}
    for proof in load_deliveries(connection, window, euis):
        found.setdefault(proof.eui, []).append(proof)
    timelines = {eui: replace(facts.gateways[eui], delivered=tuple(proofs)) for eui, proofs in found.items()}
    return replace(facts, gateways={**facts.gateways, **timelines})


def _communes(given: MonthInput, lines: Mapping[str, Timeline], window: Window) -> dict[str, CommuneTimeline]:
    members = members_of(given.facts.memberships)
    allowed = allowed_works(given, members)
    return {
        card.insee: commune_timeline(
            card.insee,
            members.get(card.insee, ()),
            lines,
            window,
            given.settings,
            allowed=allowed.get(card.insee, ()),
        )
        for card in given.communes
    }

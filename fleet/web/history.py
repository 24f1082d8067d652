"""States over time and the month's figures for the pages, computed from the facts and kept for a few seconds.

Facts are read by ``fleet.live.recall``, figures are those of ``fleet.availability``: pages compute nothing of
their own.  A result stands for ``KEPT_US``, or ``REST`` times what it took, whichever is longer, so that open
pages never cost more than a twentieth of one core.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from fleet.availability.communes import CommuneTimeline, commune_timeline, members_of
from fleet.availability.facts import DeliveredFact, NetworkFacts
from fleet.availability.months import Window, month_of, month_window
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult, from_timelines, reckon
from fleet.availability.settings import DEFAULTS, ContractSettings
from fleet.availability.states import GatewayState
from fleet.availability.timeline import Timeline, timeline
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.evidence.load import load_deliveries
from fleet.evidence.month import load_facts
from fleet.registry.store import load_communes
from fleet.web.format import DAY_US

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
    gateways: Mapping[str, Timeline]
    communes: Mapping[str, CommuneTimeline]


class History:
    """Keeps the newest ``Past`` of one process.

    A visit waits only for the very first, and for one that nobody asked for in ``STALE_US`` beyond its time;
    an open page keeps it fresh.
    """

    def __init__(self, settings: ContractSettings = DEFAULTS) -> None:
        self._settings = settings
        self._first = threading.Lock()
        self._working = threading.Lock()
        self._past: Past | None = None
        self._stands_until_us = 0

    def past(self, database: Database, clock: Clock) -> Past:
        """Return the past that is kept; when it is too old, a thread makes the next one meanwhile."""
        with self._first:
            if self._past is None or clock.now_us() > self._stands_until_us + STALE_US:
                self._renew(database, clock)
        if clock.now_us() >= self._stands_until_us and self._working.acquire(blocking=False):
            threading.Thread(target=self._renew_once, args=(database, clock), daemon=True).start()
        assert self._past is not None
        return self._past

    def _renew_once(self, database: Database, clock: Clock) -> None:
        try:
            self._renew(database, clock)
        finally:
            self._working.release()

    def _renew(self, database: Database, clock: Clock) -> None:
        now_us = clock.now_us()
        with database.read() as connection:
            self._past = compute(connection, self._settings, now_us)
        self._stands_until_us = now_us + max(KEPT_US, REST * (clock.now_us() - now_us))


def history_of(state: Any) -> History:
    """Return the history of one application, made at first use."""
    found: History | None = getattr(state, "history", None)
    if found is None:
        found = state.history = History()
    return found


def compute(connection: Connection, settings: ContractSettings, now_us: int) -> Past:
    """Return the past from the facts in the database."""
    month = month_of(now_us)
    window = Window(min(month_window(month).start_us, now_us - LOOK_BACK_US), now_us)
    facts = load_facts(connection, window, settings, deliveries=False)
    cards = tuple(
        CommuneCard(
            insee=one.insee,
            name=one.name,
            epci=one.epci,
            departement=one.departement,
            population=one.population,
        )
        for one in load_communes(connection)
    )
    given = MonthInput(month=month, as_of_us=now_us, facts=facts, communes=cards, settings=settings)
    result = reckon(given)
    if late := _buffered(result):
        facts = _with_deliveries(connection, facts, late, window)
        result = from_timelines(replace(given, facts=facts), result.lines)
    if window == result.window:
        return Past(at_us=now_us, month=result, gateways=result.lines, communes=result.communes)
    lines = {
        eui: timeline(one, facts.blindness, window, settings, now_us) for eui, one in facts.gateways.items()
    }
    return Past(
        at_us=now_us, month=result, gateways=lines, communes=_communes(cards, facts, lines, window, settings)
    )


def _buffered(result: MonthResult) -> list[str]:
    """Return the gateways whose deliveries can make something good: those that buffered."""
    return [eui for eui, one in result.gateway_figures.items() if one.by_state_us[GatewayState.BUFFERING]]


def _with_deliveries(
    connection: Connection, facts: NetworkFacts, euis: list[str], window: Window
) -> NetworkFacts:
    found: dict[str, list[DeliveredFact]] = {}
    for proof in load_deliveries(connection, window, euis):
        found.setdefault(proof.eui, []).append(proof)
    told = {eui: replace(facts.gateways[eui], delivered=tuple(proofs)) for eui, proofs in found.items()}
    return replace(facts, gateways={**facts.gateways, **told})


def _communes(
    cards: tuple[CommuneCard, ...],
    facts: NetworkFacts,
    lines: Mapping[str, Timeline],
    window: Window,
    settings: ContractSettings,
) -> dict[str, CommuneTimeline]:
    members = members_of(facts.memberships)
    return {
        card.insee: commune_timeline(card.insee, members.get(card.insee, ()), lines, window, settings)
        for card in cards
    }

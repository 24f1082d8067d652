"""States over time and the month's figures for the pages, computed from the facts and kept for a few seconds.

Facts are read by ``fleet.live.recall``, figures are those of ``fleet.availability``: pages compute nothing of
their own.  A result stands for ``KEPT_US``, or ``REST`` times what it took, whichever is longer, so that open
pages never cost more than a twentieth of one core.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from fleet.availability.communes import CommuneTimeline, commune_timeline, members_of
from fleet.availability.facts import NetworkFacts
from fleet.availability.months import Window, month_of, month_window
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult, reckon
from fleet.availability.settings import DEFAULTS, ContractSettings
from fleet.availability.timeline import Timeline, timeline
from fleet.db.connect import Database
from fleet.evidence.month import load_facts
from fleet.registry.store import load_communes
from fleet.web.format import DAY_US

KEPT_US: Final = 5_000_000
REST: Final = 20
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
    """Keeps the newest ``Past`` of one process."""

    def __init__(self, settings: ContractSettings = DEFAULTS) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._past: Past | None = None
        self._stands_until_us = 0

    def past(self, database: Database, clock: Any) -> Past:
        """Return the past, computed again when the kept one is too old; one thread computes, others wait."""
        with self._lock:
            now_us: int = clock.now_us()
            if self._past is None or now_us >= self._stands_until_us:
                with database.read() as connection:
                    self._past = compute(connection, self._settings, now_us)
                took_us = clock.now_us() - now_us
                self._stands_until_us = now_us + max(KEPT_US, REST * took_us)
            return self._past


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
    facts = load_facts(connection, window.start_us)
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
    if window == result.window:
        return Past(at_us=now_us, month=result, gateways=result.lines, communes=result.communes)
    lines = {
        eui: timeline(one, facts.blindness, window, settings, now_us) for eui, one in facts.gateways.items()
    }
    return Past(
        at_us=now_us, month=result, gateways=lines, communes=_communes(cards, facts, lines, window, settings)
    )


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

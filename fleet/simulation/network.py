"""A month of a whole network from a seed: gateways with troubles, communes that share them, and the truth."""

import random
from dataclasses import dataclass

from fleet.availability.reckoning import CommuneCard, MonthInput
from fleet.facts.intervals import Interval, clip
from fleet.facts.model import Commissioning, CommissioningKind, GatewayFacts, Membership, NetworkFacts
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import GatewayState
from fleet.simulation.gateway import Lived, Trouble, TroubleKind, live

MEMBERS = (2, 3, 4)
"""Gateways that serve a commune, in turn: 1,615 for 539 (MISSION) are three each."""
SHARED_PERCENT = 5
"""Troubles that strike neighbours together: one feeder, one operator's mast."""
SHARED_GATEWAYS = 4
KINDS = (
    TroubleKind.POWER,
    TroubleKind.BACKHAUL,
    TroubleKind.BACKHAUL,
    TroubleKind.LNS,
    TroubleKind.RADIO,
    TroubleKind.RESTART,
)
AROUND_MS = 600_000
"""The gateways run so long before and after the month: it begins with no start and ends in no silence."""
SHORTEST_MS, MIDDLE_MS = 40_000, 1_200_000
"""Lengths of troubles: at least 40 s, else nobody notices; exponential with a mean of 20 min."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkMonth:
    """What to reckon with, and what really was."""

    given: MonthInput
    truth: dict[str, dict[GatewayState, list[Interval]]]
    troubles: int


def network_month(
    *,
    gateways: int = 1_615,
    communes: int = 539,
    troubles: int = 10_000,
    month: str = "2026-10",
    seed: int = 1,
    settings: ContractSettings = DEFAULTS,
) -> NetworkMonth:
    """Return a month of a network; the same seed gives the same month."""
    chance = random.Random(seed)  # noqa: S311 - weather, not secrets
    window = month_window(month)
    length_ms = window.length_us // 1000 + 2 * AROUND_MS
    start_us = window.start_us - AROUND_MS * 1000
    euis = [f"{0x0016C00100000000 + index:016x}" for index in range(gateways)]
    own = _troubles(chance, euis, troubles, length_ms)
    lived = {eui: live(eui, start_us, length_ms, own[eui]) for eui in euis}
    facts = {eui: _facts(eui, one, window.start_us) for eui, one in lived.items()}
    cards = tuple(
        CommuneCard(insee=f"{number:05d}", population=chance.randrange(100, 8_000))
        for number in range(communes)
    )
    members = tuple(
        Membership(
            id=f"{card.insee}-{eui}",
            commune_insee=card.insee,
            eui=eui,
            valid_from_us=window.start_us,
            approved_by="simulation",
            recorded_at_us=window.start_us,
        )
        for index, card in enumerate(cards)
        for eui in _members(index, communes, euis)
    )
    given = MonthInput(
        month=month,
        as_of_us=window.end_us + AROUND_MS * 1000,
        facts=NetworkFacts(gateways=facts, memberships=members),
        communes=cards,
        settings=settings,
    )
    truth = {
        eui: {state: clip(spans, window.start_us, window.end_us) for state, spans in one.truth.items()}
        for eui, one in lived.items()
    }
    return NetworkMonth(given=given, truth=truth, troubles=troubles)


def _troubles(
    chance: random.Random, euis: list[str], troubles: int, length_ms: int
) -> dict[str, list[Trouble]]:
    """Spread the troubles; some strike neighbours together."""
    own: dict[str, list[Trouble]] = {eui: [] for eui in euis}
    left = troubles
    while left > 0:
        lasts_ms = SHORTEST_MS + int(chance.expovariate(1 / MIDDLE_MS))
        start_ms = chance.randrange(AROUND_MS, length_ms - AROUND_MS)
        trouble = Trouble(start_ms, lasts_ms, chance.choice(KINDS))
        struck = min(left, SHARED_GATEWAYS if chance.randrange(100) < SHARED_PERCENT else 1)
        first = chance.randrange(len(euis))
        for step in range(struck):
            own[euis[(first + step) % len(euis)]].append(trouble)
        left -= struck
    return own


def _facts(eui: str, lived: Lived, accepted_at_us: int) -> GatewayFacts:
    accepted = Commissioning(
        id=eui,
        eui=eui,
        kind=CommissioningKind.ACCEPTED,
        at_us=accepted_at_us,
        who="simulation",
        recorded_at_us=accepted_at_us,
    )
    return GatewayFacts(eui=eui, runs=lived.runs, journal=lived.journal, commissioning=(accepted,))


def _members(index: int, communes: int, euis: list[str]) -> list[str]:
    """Return the gateways of a commune: neighbours on a ring, shared with the next one."""
    first = index * len(euis) // communes
    count = min(MEMBERS[index % len(MEMBERS)], len(euis))
    return [euis[(first + step) % len(euis)] for step in range(count)]

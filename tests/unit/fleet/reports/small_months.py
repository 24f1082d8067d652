"""Small months in which everything happens, from a seed: two hours of five gateways in bad weather."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from fleet.availability.reckoning import CommuneCard, MonthInput
from fleet.durations import HOUR_US, MINUTE_US
from fleet.facts.model import (
    Blindness,
    Commissioning,
    CommissioningKind,
    GatewayFacts,
    Maintenance,
    Membership,
    NetworkFacts,
    WithdrawalReason,
)
from fleet.facts.months import month_window
from fleet.facts.settings import DEFAULTS, Serving, Weight
from fleet.simulation.gateway import Trouble, TroubleKind, live
from fleet.simulation.weather import WEATHERS

MONTH = "2026-02"
WINDOW = month_window(MONTH)
LENGTH_US = 2 * HOUR_US
EUIS = [f"{0x0016C00100000000 + index:016x}" for index in range(5)]
TROUBLES = 4
INHABITANTS = (100, 8_000)


def small_month(seed: int) -> MonthInput:
    """Return a month that is told up to three hours after its start; the same seed gives the same month."""
    chance = Random(seed)
    settings = replace(
        DEFAULTS,
        serving=(Serving.ANY, Serving.ALL)[seed % 2],
        weight=(Weight.POPULATION, Weight.EQUAL)[seed // 2 % 2],
        unknown_is_charged=bool(seed // 4 % 2),
        maintenance_cap_us=10 * MINUTE_US,
    )
    cards = tuple(
        CommuneCard(insee=f"{number:05d}", epci="AB"[number % 2], population=chance.randrange(*INHABITANTS))
        for number in range(4)
    )
    return MonthInput(
        month=MONTH,
        as_of_us=WINDOW.start_us + LENGTH_US + HOUR_US,
        facts=NetworkFacts(
            gateways={eui: _gateway(eui, chance) for eui in EUIS},
            memberships=tuple(_memberships(cards[:3], chance)),
            blindness=tuple(_blindness(chance)),
        ),
        communes=cards,
        settings=settings,
    )


def _at(chance: Random) -> int:
    return WINDOW.start_us + chance.randrange(LENGTH_US)


def _gateway(eui: str, chance: Random) -> GatewayFacts:
    length_s = LENGTH_US // 1_000_000
    troubles = [
        Trouble(
            chance.randrange(length_s) * 1000,
            chance.randrange(10, 1_200) * 1000,
            chance.choice(list(TroubleKind)),
        )
        for _ in range(TROUBLES)
    ]
    lived = live(eui, WINDOW.start_us - chance.randrange(2) * 10 * MINUTE_US, length_s * 1000, troubles)
    facts = GatewayFacts(
        eui=eui,
        runs=lived.runs,
        journal=lived.journal,
        commissioning=tuple(_commissioning(eui, chance)),
        maintenances=tuple(_works(eui, chance)),
    )
    for name in chance.sample(sorted(WEATHERS), chance.randrange(3)):
        facts = WEATHERS[name](facts, chance)
    return facts


def _commissioning(eui: str, chance: Random) -> Iterator[Commissioning]:
    start_us = WINDOW.start_us
    accepted = Commissioning(
        id=f"{eui} a",
        eui=eui,
        kind=CommissioningKind.ACCEPTED,
        at_us=start_us,
        who="x",
        recorded_at_us=start_us - 200 * HOUR_US,
    )
    yield accepted
    if chance.random() < 0.3:
        at_us = _at(chance)
        gone = replace(
            accepted,
            id=f"{eui} w",
            kind=CommissioningKind.WITHDRAWN,
            at_us=at_us,
            second=chance.choice(("", "x", "y")),
            reason=chance.choice((None, WithdrawalReason.HAZARD)),
            recorded_at_us=at_us - chance.choice((0, 100)) * HOUR_US,
        )
        yield gone
        if chance.random() < 0.3:
            yield replace(accepted, id=f"{eui} b", at_us=at_us, recorded_at_us=at_us + 10 * MINUTE_US)
        if chance.random() < 0.5:
            yield replace(gone, void=True, recorded_at_us=at_us)


def _works(eui: str, chance: Random) -> Iterator[Maintenance]:
    for number in range(chance.randrange(3)):
        start_us = _at(chance)
        planned = Maintenance(
            id=f"{eui} {number}",
            euis=(eui,),
            start_us=start_us,
            end_us=start_us + chance.randrange(HOUR_US),
            announced_at_us=start_us - chance.choice((10, 100)) * HOUR_US,
            approved_by=chance.choice(("x", "x", "")),
            recorded_at_us=start_us - chance.choice((10, 100, 100)) * HOUR_US,
        )
        yield planned
        late_us, fate = start_us - 80 * HOUR_US, chance.random()
        if fate < 0.3:
            yield replace(
                planned, end_us=planned.end_us + HOUR_US, announced_at_us=late_us, recorded_at_us=late_us
            )
        elif fate < 0.5:
            yield replace(
                planned, withdrawn=True, recorded_at_us=start_us - chance.choice((-1, 90)) * HOUR_US
            )
            if fate < 0.4:
                yield replace(planned, announced_at_us=late_us, recorded_at_us=late_us)


def _memberships(cards: tuple[CommuneCard, ...], chance: Random) -> Iterator[Membership]:
    for card in cards:
        for eui in chance.sample(EUIS, 3):
            yield Membership(
                id=f"{card.insee} {eui}",
                commune_insee=card.insee,
                eui=eui,
                valid_from_us=WINDOW.start_us if chance.random() < 0.8 else _at(chance),
                valid_to_us=None if chance.random() < 0.8 else _at(chance),
                approved_by="x" if chance.random() < 0.9 else "",
                withdrawn=chance.random() < 0.1,
                recorded_at_us=WINDOW.start_us,
            )


def _blindness(chance: Random) -> Iterator[Blindness]:
    for number in range(chance.randrange(5)):
        start_us = _at(chance)
        yield Blindness(
            id=str(number),
            start_us=start_us,
            end_us=start_us + chance.randrange(20 * MINUTE_US),
            path="canary",
            euis=() if number > 1 else tuple(sorted(chance.sample(EUIS, 2))),
            reason="",
            recorded_at_us=start_us,
        )

"""A month's input from the database: the one place where the contract's figures meet SQL."""

from dataclasses import replace

from sqlalchemy import Connection

from fleet.availability.reckoning import MonthInput
from fleet.facts.months import month_window
from fleet.facts.settings import ContractSettings
from fleet.months.evidence import load_facts
from fleet.months.snapshots import commune_cards, gateway_cards, on_snapshot, within
from fleet.objects.coverers import load_coverages


def load_month(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> MonthInput:
    """Return what decides a month, as it is known at ``now_us``, on the month's snapshot if it has one.

    Raises:
        ValueError: not a month such as ``2026-10``.
    """
    window = month_window(month)
    facts = load_facts(connection, window, settings)
    coverages = load_coverages(connection, month)
    sensors: dict[str, int] = {}
    for coverage in coverages:
        sensors[coverage.insee] = sensors.get(coverage.insee, 0) + coverage.sensors
    cards = tuple(replace(one, sensors=sensors.get(one.insee, 0)) for one in commune_cards(connection))
    given = MonthInput(
        month=month,
        as_of_us=now_us,
        facts=replace(facts, memberships=within(facts.memberships, window)),
        communes=cards,
        gateways=gateway_cards(connection),
        coverages=coverages,
        settings=settings,
    )
    return on_snapshot(connection, given)

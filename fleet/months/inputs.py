"""A month's input from the database: the one place where the contract's figures meet SQL."""

from sqlalchemy import Connection

from fleet.availability.reckoning import CommuneCard, GatewayCard, MonthInput
from fleet.facts.model import NetworkFacts
from fleet.facts.months import month_window
from fleet.facts.settings import ContractSettings
from fleet.months.evidence import load_facts
from fleet.objects.coverers import load_coverages
from fleet.registry.store import load_communes, load_gateways


def load_month(connection: Connection, month: str, settings: ContractSettings, now_us: int) -> MonthInput:
    """Return what decides a month, as it is known at ``now_us``.

    Raises:
        ValueError: not a month such as ``2026-10``.
    """
    window = month_window(month)
    facts = load_facts(connection, window, settings)
    coverages = load_coverages(connection, month)
    sensors: dict[str, int] = {}
    for coverage in coverages:
        sensors[coverage.insee] = sensors.get(coverage.insee, 0) + coverage.sensors
    cards = tuple(
        CommuneCard(
            insee=one.insee,
            name=one.name,
            epci=one.epci,
            departement=one.departement,
            population=one.population,
            sensors=sensors.get(one.insee, 0),
        )
        for one in sorted(load_communes(connection), key=lambda commune: commune.insee)
    )
    return MonthInput(
        month=month,
        as_of_us=now_us,
        facts=NetworkFacts(
            gateways=facts.gateways,
            memberships=tuple(
                one
                for one in facts.memberships
                if one.valid_from_us < window.end_us
                and (one.valid_to_us is None or one.valid_to_us > window.start_us)
            ),
            blindness=facts.blindness,
        ),
        communes=cards,
        gateways=tuple(
            GatewayCard(
                eui=one.eui,
                backhaul_operator=one.backhaul_operator,
                power_feeder=one.power_feeder,
                wave=one.firmware,
            )
            for one in sorted(load_gateways(connection), key=lambda gateway: gateway.eui)
        ),
        coverages=coverages,
        settings=settings,
    )

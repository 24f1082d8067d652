"""The deployment against the plan and the contract's totals; pure.

Sources: MISSION "The deployment" (CONV annexes 1 and 2): 11 gateways at 5,118.15 € each; shares of EPCI,
Département and SMO; calls for payment by year.  The calls of 2026 and 2027 are the contract's own totals, a
few cents above a whole number of shares; they are kept as given.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from fleet.reports.model import Cell, CellKind, Column, Report, Table

EPCI: Final = "CC Touraine-Est Vallées"
GATEWAY_CENTS: Final = 511_815
TOTAL_CENTS: Final = 5_629_965
EPCI_CENTS: Final = 1_632_690
EPCI_GATEWAY_CENTS: Final = 148_426
DEPARTEMENT_CENTS: Final = 1_013_394
SMO_CENTS: Final = 2_983_881
"""With FEDER and Région."""
CALLS_CENTS: Final = {2025: 148_426, 2026: 1_187_411, 2027: 296_853}
PLAN: Final[Mapping[str, Mapping[int, int]]] = {
    "Azay-sur-Cher": {2026: 1, 2027: 2},
    "Chançay": {2026: 1},
    "La Ville-aux-Dames": {2026: 1},
    "Larçay": {2026: 1},
    "Monnaie": {2026: 1},
    "Montlouis-sur-Loire": {2025: 1},
    "Reugny": {2026: 1},
    "Véretz": {},
    "Vernou-sur-Brenne": {2026: 1},
    "Vouvray": {2026: 1},
}
YEARS: Final = (2025, 2026, 2027)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """One gateway as the registry has it."""

    commune: str
    status: str
    accepted_year: int | None
    agreements_given: int = 0
    agreements_asked: int = 0


def deployment(gateways: Iterable[Deployed]) -> Report:
    """Return the report: planned beside accepted by commune and year, and the money of the contract."""
    by_commune: dict[str, list[Deployed]] = {}
    for one in gateways:
        by_commune.setdefault(one.commune, []).append(one)
    accepted = sum(one.accepted_year is not None for group in by_commune.values() for one in group)
    planned = sum(sum(years.values()) for years in PLAN.values())
    done = "passerelles recettées" if accepted > 1 else "passerelle recettée"
    return Report(
        title="Déploiement",
        subtitle=EPCI,
        sentences=(f"{accepted} {done} sur {planned} prévues à la convention.",),
        tables=(_progress(by_commune), _money(), _calls(by_commune)),
        identity="Convention Smart Val de Loire, annexes 1 et 2",
    )


def _progress(by_commune: Mapping[str, list[Deployed]]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for commune in sorted({*PLAN, *by_commune}):
        here = by_commune.get(commune, [])
        years = PLAN.get(commune, {})
        rows.append(
            (
                commune,
                *(years.get(year, 0) for year in YEARS),
                sum(years.values()),
                len(here),
                sum(one.accepted_year is not None for one in here),
                sum(one.agreements_given for one in here),
                sum(one.agreements_asked for one in here),
            )
        )
    totals = tuple(sum(int(row[index] or 0) for row in rows) for index in range(1, 9))
    rows.append(("Total", *totals))
    columns = (
        Column(title="Commune"),
        *(Column(title=f"Prévues {year}", kind=CellKind.COUNT) for year in YEARS),
        Column(title="Prévues", kind=CellKind.COUNT),
        Column(title="Au registre", kind=CellKind.COUNT),
        Column(title="Recettées", kind=CellKind.COUNT),
        Column(title="Accords obtenus", kind=CellKind.COUNT),
        Column(title="Accords demandés", kind=CellKind.COUNT),
    )
    return Table(name="avancement", title="Avancement par commune", columns=columns, rows=tuple(rows))


def _money() -> Table:
    rows = (
        ("Coût d’une passerelle", GATEWAY_CENTS),
        ("Total pour 11 passerelles (9 nécessaires, 2 optionnelles)", TOTAL_CENTS),
        ("Part de l’EPCI (29 %)", EPCI_CENTS),
        ("Part du Département", DEPARTEMENT_CENTS),
        ("Part du SMO (avec FEDER et Région)", SMO_CENTS),
    )
    columns = (Column(title="Poste"), Column(title="Montant", kind=CellKind.EUROS))
    return Table(name="financement", title="Financement de la convention", columns=columns, rows=rows)


def _calls(by_commune: Mapping[str, list[Deployed]]) -> Table:
    years = [one.accepted_year for group in by_commune.values() for one in group]
    rows: list[tuple[Cell, ...]] = [
        (str(year), sum(plan.get(year, 0) for plan in PLAN.values()), years.count(year), CALLS_CENTS[year])
        for year in YEARS
    ]
    planned = sum(sum(plan.values()) for plan in PLAN.values())
    accepted = sum(year in YEARS for year in years)
    rows.append(("Total", planned, accepted, sum(CALLS_CENTS.values())))
    columns = (
        Column(title="Année"),
        Column(title="Passerelles prévues", kind=CellKind.COUNT),
        Column(title="Recettées", kind=CellKind.COUNT),
        Column(title="Appel de fonds de l’EPCI", kind=CellKind.EUROS),
    )
    return Table(
        name="appels",
        title="Appels de fonds",
        columns=columns,
        rows=tuple(rows),
        note="Totaux de la convention, repris tels quels.",
    )

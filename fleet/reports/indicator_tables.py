"""Tables of indicators in the monthly report: the whole, groups, failure domains, objects; pure.

Sources: AVAILABILITY §3 (three readings), §6 (figures beside the contract's), §7 (budget), §9 (objects); CONV
A4 2.4 (shares of objects).
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType

from fleet.availability.indicators import Indicators, by_serving, of_groups
from fleet.availability.reckoning import DOMAINS, CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import judged
from fleet.facts.settings import Serving
from fleet.lang.format import NARROW
from fleet.objects.connectivity import DAILY_PPM, FORTNIGHT_PPM, MONTHLY_PPM, Connectivity, SilentObject
from fleet.reports.model import VERDICTS, Cell, CellKind, Column, Table

NOT_VERIFIABLE = "non vérifiable : il faut la liste des objets et les événements du cœur de réseau"
READINGS = {
    Serving.ANY: "une passerelle au moins",
    Serving.ALL: "toutes les passerelles",
    Serving.SENSORS: "par capteur",
}
DOMAIN_WORDS = {
    "backhaul_operator": "opérateur de liaison",
    "power_feeder": "départ électrique",
    "wave": "version de logiciel",
}


def indicators_table(
    given: MonthInput, result: MonthResult, one: Indicators, found: Connectivity | None
) -> Table:
    """Return every indicator of the whole or of an EPCI, a line each; ``found`` None: no line of objects."""
    columns = (
        Column(title="Indicateur", room=30),
        Column(title="Taux", kind=CellKind.PERCENT),
        Column(title="Durée", kind=CellKind.DURATION),
        Column(title="Nombre", kind=CellKind.COUNT),
        Column(title="Objectif", kind=CellKind.PERCENT),
        Column(title="Engagement", kind=CellKind.VERDICT),
        Column(title="Remarque", room=25),
    )
    rows = [*_service(one, result), *_readings(given, result, one), *_gateways(one), *_redundancy(one)]
    if found is not None:
        rows += _objects(found)
    return Table(
        name="indicateurs",
        title="Indicateurs",
        columns=columns,
        rows=tuple(rows),
        blank="",
        note="Les lignes avec un objectif sont des engagements ; les autres les éclairent.",
    )


def _row(
    what: str,
    *,
    ratio: Fraction | None = None,
    length_us: int | None = None,
    count: int | None = None,
    objective_ppm: int | None = None,
    met: bool | str | None = None,
    remark: str = "",
) -> tuple[Cell, ...]:
    objective = None if objective_ppm is None else Fraction(objective_ppm, 1_000_000)
    return what, ratio, length_us, count, objective, met, remark


def _service(one: Indicators, result: MonthResult) -> list[tuple[Cell, ...]]:
    at_us = result.window.end_us if result.provisional else None
    standing, _ = judged(one.share, one.budget, one.objective_ppm, gone_at_us=one.breach_at_us, at_us=at_us)
    met = VERDICTS[standing]
    return [
        _row("Disponibilité du service", ratio=one.share.ratio, objective_ppm=one.objective_ppm, met=met),
        _row("Budget d’interruption du mois", length_us=one.budget.whole),
        _row("Budget restant", length_us=one.budget.left),
        _row("Communes desservies", count=one.covered),
        _row("Communes sous l’engagement", count=one.below_objective),
        _row(
            "Disponibilité différée",
            ratio=one.deferred.ratio,
            remark="remises tardives prouvées sous 48 heures",
        ),
    ]


def _readings(given: MonthInput, result: MonthResult, one: Indicators) -> list[tuple[Cell, ...]]:
    if one.name:
        return []
    rows = []
    for serving, share in by_serving(given, result).items():
        remark = "lecture contractuelle" if serving is given.settings.serving else ""
        ratio: Fraction | None = share.ratio
        if serving is Serving.SENSORS and not given.coverages:
            ratio, remark = None, "non vérifiable : aucun capteur entendu"
        rows.append(
            _row(
                f"Service selon la lecture «{NARROW}{READINGS[serving]}{NARROW}»", ratio=ratio, remark=remark
            )
        )
    return rows


def _gateways(one: Indicators) -> list[tuple[Cell, ...]]:
    return [
        _row("Moyenne des passerelles", ratio=one.mean_of_gateways, count=one.gateways),
        _row("Coupures de passerelles", count=one.outages),
        _row("Temps moyen entre deux coupures (MTBF)", length_us=one.mtbf_us),
        _row("Temps moyen de rétablissement (MTTR)", length_us=one.mttr_us),
    ]


def _redundancy(one: Indicators) -> list[tuple[Cell, ...]]:
    rows = [_row("Temps sous deux passerelles", ratio=one.below_two)]
    for kind, share in one.below_two_domains.items():
        rows.append(_row(f"Temps sous deux, par {DOMAIN_WORDS[kind]}", ratio=share))
    return rows


def _objects(found: Connectivity) -> list[tuple[Cell, ...]]:
    remark = NOT_VERIFIABLE if found.daily is None else f"{found.days_counted} jours comptés"
    return [
        _row(
            "Objets entendus chaque jour",
            ratio=found.daily,
            count=found.objects,
            objective_ppm=DAILY_PPM,
            met=found.daily_met,
            remark=remark,
        ),
        _row(
            "Objets entendus sur 14 jours",
            ratio=found.fortnight,
            objective_ppm=FORTNIGHT_PPM,
            met=found.fortnight_met,
            remark=NOT_VERIFIABLE if found.fortnight is None else "",
        ),
        _row(
            "Connectivité des capteurs sur le mois",
            ratio=found.monthly,
            objective_ppm=MONTHLY_PPM,
            met=found.monthly_met,
            remark=NOT_VERIFIABLE if found.monthly is None else "",
        ),
        _row("Trames entendues par deux passerelles ou plus", ratio=found.redundant_frames),
        _row("Adresses entendues par jour (moyenne)", count=found.addresses_mean),
        _row("Adresses entendues dans le jour par deux passerelles ou plus", ratio=found.redundant),
    ]


def groups_table(
    key: str,
    title: str,
    given: MonthInput,
    result: MonthResult,
    inside: set[str],
    *,
    names: Mapping[str, str] = MappingProxyType({}),
) -> Table:
    """Return the indicators of each EPCI or département that has a commune ``inside``; ``names`` by key."""
    wanted = {str(getattr(card, key)) for card in given.communes if card.insee in inside}
    rows = tuple(
        (
            names.get(one.name, one.name) or "—",
            one.communes,
            one.share.ratio,
            one.below_objective,
            sum(one.lost_by.values()),
            one.budget.left,
            one.mean_of_gateways,
            one.below_two,
            one.mttr_us,
        )
        for one in of_groups(given, result, key)
        if one.name in wanted
    )
    columns = (
        Column(title="Nom"),
        Column(title="Communes", kind=CellKind.COUNT),
        Column(title="Disponibilité", kind=CellKind.PERCENT),
        Column(title="Sous l’engagement", kind=CellKind.COUNT),
        Column(title="Perdu (somme)", kind=CellKind.DURATION),
        Column(title="Budget restant", kind=CellKind.DURATION),
        Column(title="Moyenne des passerelles", kind=CellKind.PERCENT),
        Column(title="Sous deux passerelles", kind=CellKind.PERCENT),
        Column(title="MTTR", kind=CellKind.DURATION),
    )
    return Table(name=key, title=title, columns=columns, rows=rows)


def redundancy_table(result: MonthResult, cards: list[CommuneCard]) -> Table:
    """Return how long each commune had fewer than two gateways, and fewer than two of each domain."""
    rows: list[tuple[Cell, ...]] = [
        (
            card.name,
            result.commune_figures[card.insee].below_two_us,
            *(result.below_two_domains.get(card.insee, {}).get(kind) for kind in DOMAINS),
        )
        for card in cards
        if result.commune_figures[card.insee].below_two_us or card.insee in result.below_two_domains
    ]
    rows.sort(key=lambda row: (-int(row[1] or 0), str(row[0])))
    columns = (
        Column(title="Commune"),
        Column(title="Sous deux passerelles", kind=CellKind.DURATION),
        *(Column(title=f"Sous deux, par {DOMAIN_WORDS[kind]}", kind=CellKind.DURATION) for kind in DOMAINS),
    )
    return Table(
        name="redondance",
        title="Redondance effective, la plus faible d’abord",
        columns=columns,
        rows=tuple(rows),
        empty="Chaque commune a eu deux passerelles en service sans interruption.",
        note="Des passerelles derrière un même opérateur, départ électrique ou logiciel comptent pour une.",
        paper_rows=50,
    )


def connectivity_table(found: Connectivity) -> Table:
    """Return objects and addresses heard, day by day."""
    rows = tuple(
        (
            one.day,
            one.objects if one.verifiable else None,
            one.heard if one.verifiable else None,
            Fraction(one.heard, one.objects) if one.verifiable else None,
            Fraction(one.heard_fortnight, one.objects) if one.verifiable else None,
            one.addresses,
            one.addresses_redundant,
        )
        for one in found.days
    )
    columns = (
        Column(title="Jour"),
        Column(title="Objets en service", kind=CellKind.COUNT),
        Column(title="Entendus", kind=CellKind.COUNT),
        Column(title="Part du jour", kind=CellKind.PERCENT),
        Column(title="Part sur 14 jours", kind=CellKind.PERCENT),
        Column(title="Adresses entendues", kind=CellKind.COUNT),
        Column(title="par deux passerelles ou plus", kind=CellKind.COUNT),
    )
    return Table(
        name="connectivite",
        title="Connectivité des objets, jour par jour",
        columns=columns,
        rows=rows,
        empty="Aucun jour entier n’est compté encore.",
        note="Un jour sans événement du cœur de réseau compte comme un jour où aucun objet n’a été entendu, "
        "sauf preuve que la supervision était aveugle tout le jour (—).",
    )


def silent_table(silent: Sequence[SilentObject]) -> Table:
    """Return the objects in service that nobody heard for 14 days at the month's end."""
    columns = (
        Column(title="DevEUI"),
        Column(title="Objet", room=25),
        Column(title="Commune"),
        Column(title="Entendu pour la dernière fois", kind=CellKind.INSTANT),
    )
    return Table(
        name="objets-silencieux",
        title="Objets silencieux depuis 14 jours",
        columns=columns,
        rows=tuple((one.dev_eui, one.name, one.commune, one.heard_at_us) for one in silent),
        empty="Aucun objet en service n’est silencieux depuis 14 jours.",
        paper_rows=100,
    )

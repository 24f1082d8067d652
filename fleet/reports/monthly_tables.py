"""The tables of the monthly report, worst first; pure."""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

from agent.wire.paths import PATHS
from fleet.availability.figures import CommuneFigures, LateFrames, late_frames
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import month_standing
from fleet.facts.revisions import current
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.reports.causes import CAUSES
from fleet.reports.model import VERDICTS, Cell, CellKind, Column, Table
from fleet.reports.names import Names
from fleet.reports.outages import PAPER_ROWS

COMMUNES_ON_PAPER = 150
"""The least available ones; an EPCI has fewer, and a report of the whole network lists all in the sheets."""


def communes_table(given: MonthInput, result: MonthResult, cards: list[CommuneCard]) -> Table:
    """Return every commune, the least available first."""
    month = month_standing(result, given.weights, given.settings)
    rows: list[tuple[Cell, ...]] = []
    for card in sorted(cards, key=lambda card: _worst_first(result.commune_figures[card.insee], card.insee)):
        one, promise = result.commune_figures[card.insee], month.communes.get(card.insee)
        rows.append(
            (
                card.insee,
                card.name,
                card.epci,
                one.share.ratio,
                VERDICTS[promise.standing] if promise else None,
                one.by_state_us[CommuneState.LOST],
                one.by_state_us[CommuneState.UNKNOWN],
                one.by_state_us[CommuneState.EXCLUDED],
                one.by_state_us[CommuneState.NOT_COVERED],
                result.budgets[card.insee].left,
                one.outages,
                one.redundancy,
                one.below_two_us,
            )
        )
    columns = (
        Column(title="INSEE", sheet_only=True),
        Column(title="Commune"),
        Column(title="EPCI", sheet_only=True),
        Column(title="Disponibilité", kind=CellKind.PERCENT),
        Column(title="Engagement", kind=CellKind.VERDICT),
        Column(title="Perdu", kind=CellKind.DURATION),
        Column(title="Inconnu", kind=CellKind.DURATION),
        Column(title="Exclu", kind=CellKind.DURATION),
        Column(title="Non couvert", kind=CellKind.DURATION),
        Column(title="Budget restant", kind=CellKind.DURATION),
        Column(title="Coupures", kind=CellKind.COUNT),
        Column(title="Deux passerelles", kind=CellKind.PERCENT),
        Column(title="Sous deux passerelles", kind=CellKind.DURATION, sheet_only=True),
    )
    return Table(
        name="communes",
        title="Communes, de la moins à la plus disponible",
        columns=columns,
        rows=tuple(rows),
        paper_rows=COMMUNES_ON_PAPER,
        note="Pourcentages tronqués, jamais arrondis ; les verdicts comparent des microsecondes entières.",
    )


def _worst_first(one: CommuneFigures, insee: str) -> tuple[Fraction, int, str]:
    ratio_ = one.share.ratio
    return (Fraction(2) if ratio_ is None else ratio_, -one.below_two_us, insee)


def lost_table(figures: Mapping[str, CommuneFigures]) -> Table:
    """Return lost time by cause and responsible party, most first."""
    lost: dict[tuple[Cause, str], int] = {}
    for one in figures.values():
        for key, length in one.lost_by_us.items():
            lost[key] = lost.get(key, 0) + length
    whole_ = sum(lost.values())
    rows = [
        (CAUSES[cause], who, length, Fraction(length, whole_))
        for (cause, who), length in sorted(lost.items(), key=lambda item: (-item[1], item[0]))
    ]
    columns = (
        Column(title="Cause"),
        Column(title="Responsable"),
        Column(title="Perdu (somme des communes)", kind=CellKind.DURATION),
        Column(title="Part", kind=CellKind.PERCENT),
    )
    return Table(
        name="causes",
        title="Temps perdu par cause et responsable",
        columns=columns,
        rows=tuple(rows),
        empty="Aucun temps perdu.",
    )


def exclusions_table(given: MonthInput, result: MonthResult, inside: set[str]) -> Table:
    """Return the maintenance windows and the time that each took out."""
    serving = {one.eui for one in given.facts.memberships if one.commune_insee in inside}
    windows = {
        one.id: one
        for gateway in given.facts.gateways.values()
        for one in current(gateway.maintenances)
        if serving & set(one.euis)
    }
    rows = [
        (
            one.id,
            one.start_us,
            one.end_us,
            one.announced_at_us,
            one.approved_by,
            len(one.euis),
            one.reason,
            sum(
                span.end_us - span.start_us
                for eui in one.euis
                if eui in result.lines
                for span in result.lines[eui].exceptions
                if span.state is GatewayState.MAINTENANCE and span.evidence == one.id
            ),
        )
        for one in sorted(windows.values(), key=lambda one: (one.start_us, one.id))
    ]
    columns = (
        Column(title="N°"),
        Column(title="Début", kind=CellKind.INSTANT),
        Column(title="Fin", kind=CellKind.INSTANT),
        Column(title="Annoncée le", kind=CellKind.INSTANT),
        Column(title="Approuvée par"),
        Column(title="Passerelles", kind=CellKind.COUNT),
        Column(title="Motif"),
        Column(title="Retenu (somme)", kind=CellKind.DURATION),
    )
    return Table(
        name="exclusions",
        title="Maintenances et temps retenu",
        columns=columns,
        rows=tuple(rows),
        empty="Aucune maintenance ce mois-ci.",
        note="Seul le temps sans service d’une fenêtre approuvée et annoncée à temps est retenu.",
    )


def gateways_table(result: MonthResult, given: MonthInput, names: Names, inside: set[str]) -> Table:
    """Return the gateways, the least available first."""
    serving = {one.eui for one in given.facts.memberships if one.commune_insee in inside}
    rows: list[tuple[Cell, ...]] = []
    for eui in sorted(serving & set(result.gateway_figures)):
        one = result.gateway_figures[eui]
        lost = (one.by_state_us[GatewayState.DOWN], one.by_state_us[GatewayState.BUFFERING])
        name, late = names.gateways.get(eui, ""), late_of(eui, given, result)
        times = (one.outages, one.mtbf_us, one.mttr_us)
        rows.append((eui, name, one.share.ratio, *lost, *times, late.late, late.probably_refused))
    rows.sort(key=lambda row: (row[2] is None, row[2] if isinstance(row[2], Fraction) else 0, str(row[0])))
    columns = (
        Column(title="EUI", room=17),
        Column(title="Passerelle"),
        Column(title="Disponibilité", kind=CellKind.PERCENT),
        Column(title="Hors service", kind=CellKind.DURATION),
        Column(title="Mémorise", kind=CellKind.DURATION),
        Column(title="Coupures", kind=CellKind.COUNT),
        Column(title="MTBF", kind=CellKind.DURATION),
        Column(title="MTTR", kind=CellKind.DURATION),
        Column(title="Remises en retard", kind=CellKind.COUNT),
        Column(title="Dont probablement refusées", kind=CellKind.COUNT),
    )
    return Table(
        name="passerelles",
        title="Passerelles, de la moins à la plus disponible",
        columns=columns,
        rows=tuple(rows),
        paper_rows=PAPER_ROWS,
    )


def late_of(eui: str, given: MonthInput, result: MonthResult) -> LateFrames:
    """Return what a gateway delivered late, and what of it was probably refused: a neighbour served."""
    served = {one.commune_insee for one in given.facts.memberships if one.eui == eui}
    members = {one.eui for one in given.facts.memberships if one.commune_insee in served} - {eui}
    near = [result.lines[other] for other in sorted(members) if other in result.lines]
    return late_frames(result.lines[eui], given.facts.gateways[eui].delivered, near)


def paths_table(given: MonthInput, names: Names, inside: set[str]) -> Table:
    """Return the paths to the network server in use at the month's end, and what each can lose."""
    serving = {one.eui for one in given.facts.memberships if one.commune_insee in inside}
    used = Counter(kind for eui, kind in names.paths.items() if eui in serving)
    rows = tuple((PATHS[kind][0], count) for kind, count in used.most_common())
    columns = (
        Column(title="Chemin, et ce qu’il peut perdre", room=70),
        Column(title="Passerelles", kind=CellKind.COUNT),
    )
    return Table(name="chemins", title="Chemins vers le cœur de réseau", columns=columns, rows=rows)

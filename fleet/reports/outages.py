"""Outages and breaches in the monthly report: one outage is one row, whatever its causes; pure.

An *outage* of a commune lasts from the instant at which nothing served it to the next at which something did,
if any of that time is LOST: what was excluded or unknown within it belongs to it, in columns of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from fleet.availability.communes import CommuneSpan, CommuneTimeline
from fleet.availability.figures import CommuneFigures
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import Standing, month_standing
from fleet.availability.timeline import Timeline
from fleet.facts.settings import ContractSettings
from fleet.facts.states import Cause, CommuneState
from fleet.lang.reasons import in_words
from fleet.reports.causes import CAUSES
from fleet.reports.model import Cell, CellKind, Column, Table
from fleet.reports.names import Names, TicketSpan
from fleet.reports.terms import penalty_cents

PAPER_ROWS = 80
"""Rows of the long lists on paper; the sheets have all of them."""
AWAY = (CommuneState.LOST, CommuneState.UNKNOWN, CommuneState.EXCLUDED)
NO_ACTION = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """One outage of one commune, its parts in order."""

    insee: str
    parts: tuple[CommuneSpan, ...]

    @property
    def start_us(self) -> int:
        """When nothing served the commune any more."""
        return self.parts[0].start_us

    @property
    def end_us(self) -> int:
        """When something served it again."""
        return self.parts[-1].end_us

    def length_us(self, state: CommuneState) -> int:
        """How long it was in one state."""
        return sum(part.length_us for part in self.parts if part.state is state)

    @property
    def lost(self) -> tuple[CommuneSpan, ...]:
        """The parts that are LOST."""
        return tuple(part for part in self.parts if part.state is CommuneState.LOST)


def outages_of(line: CommuneTimeline) -> list[Outage]:
    """Return the outages of a commune in order."""
    groups: list[list[CommuneSpan]] = []
    for span in line.exceptions:
        if span.state not in AWAY:
            continue
        if groups and groups[-1][-1].end_us == span.start_us:
            groups[-1].append(span)
        else:
            groups.append([span])
    found = (Outage(insee=line.insee, parts=tuple(group)) for group in groups)
    return [one for one in found if one.lost]


def outages_table(
    result: MonthResult, cards: Sequence[CommuneCard], names: Names, settings: ContractSettings
) -> Table:
    """Return every outage of the communes, in order of time."""
    rows = [
        _row(one, card, result.lines, names, settings)
        for card in cards
        for one in outages_of(result.communes[card.insee])
    ]
    rows.sort(key=lambda row: (row[1], row[0]))
    columns = (
        Column(title="Commune", room=13),
        Column(title="Début", kind=CellKind.INSTANT, room=13),
        Column(title="Fin", kind=CellKind.INSTANT, room=13),
        Column(title="Perdu", kind=CellKind.DURATION, room=14),
        Column(title="Exclu", kind=CellKind.DURATION, room=7),
        Column(title="Inconnu", kind=CellKind.DURATION, room=8),
        Column(title="Cause", room=11),
        Column(title="Responsable", room=13),
        Column(title="Passerelle en cause", room=17),
        Column(title="Motif", sheet_only=True),
        Column(title="Preuve", room=26),
        Column(title="Tickets", room=10),
        Column(title="Remède", room=14),
    )
    return Table(
        name="coupures",
        title="Coupures de service des communes",
        columns=columns,
        rows=tuple(rows),
        empty="Aucune coupure de service.",
        note="Une coupure est une ligne. Preuve : démarrage de la passerelle et numéro dans son journal.",
        paper_rows=PAPER_ROWS,
    )


def _row(
    one: Outage, card: CommuneCard, lines: Mapping[str, Timeline], names: Names, settings: ContractSettings
) -> tuple[Cell, ...]:
    known = [ticket for part in one.lost for ticket in _tickets(names, part)]
    return (
        card.name,
        one.start_us,
        one.end_us,
        one.length_us(CommuneState.LOST),
        one.length_us(CommuneState.EXCLUDED),
        one.length_us(CommuneState.UNKNOWN),
        _joined(CAUSES[part.cause] for part in one.lost),
        _joined(_who(part, settings) for part in one.lost),
        _joined(names.gateways.get(part.eui) or part.eui for part in one.lost),
        _joined(in_words("fr", part.reason) for part in one.lost),
        _joined(_evidence(lines.get(part.eui), part.start_us) for part in one.lost),
        _joined(f"n°\u00a0{number}" for number in sorted({ticket.number for ticket in known})),
        _joined(ticket.action for ticket in known),
    )


def _joined(words: Iterable[str]) -> str:
    """Return what was said, each once, in order."""
    return ", ".join(dict.fromkeys(word for word in words if word))


def _who(part: CommuneSpan, settings: ContractSettings) -> str:
    return part.responsible or settings.responsible[part.cause]


def _evidence(line: Timeline | None, at_us: int) -> str:
    """Return ``boot/record`` behind the state of a gateway at an instant."""
    if line is None:
        return ""
    return next((span.evidence for span in line.exceptions if span.start_us <= at_us < span.end_us), "")


def _tickets(names: Names, part: CommuneSpan) -> list[TicketSpan]:
    """Return the tickets that were about the gateway in cause during a part of an outage."""
    return [
        one
        for one in names.tickets.get(part.eui, ())
        if one.since_us < part.end_us and (one.until_us is None or one.until_us > part.start_us)
    ]


def breaches_table(
    given: MonthInput, result: MonthResult, cards: Sequence[CommuneCard], names: Names
) -> Table:
    """Return each promise that was missed, the whole service first: why, who answers, what was done."""
    month = month_standing(result, given.weights, given.settings)
    bad = {Standing.BROKEN, Standing.AT_RISK}
    missed = [
        card for card in cards if card.insee in month.communes and month.communes[card.insee].standing in bad
    ]
    missed.sort(key=lambda card: (result.commune_figures[card.insee].share.ratio or 0, card.insee))
    priced = bool(names.terms.penalty)
    so_far = " ou en danger" if result.provisional else ""
    columns = (
        Column(title="Où"),
        Column(title="Disponibilité", kind=CellKind.PERCENT),
        Column(title="Sans exclusion", kind=CellKind.PERCENT),
        Column(title="Perdu", kind=CellKind.DURATION),
        Column(title="Perdu et exclu", kind=CellKind.DURATION),
        Column(title="Au-delà du budget", kind=CellKind.DURATION),
        Column(title="Cause principale"),
        Column(title="Responsable"),
        Column(title="Remède", room=20),
        *((Column(title="Pénalité", kind=CellKind.EUROS),) if priced else ()),
    )
    rows = [(*_whole_breach(given, result), *((None,) if priced else ()))]
    if month.whole.standing not in bad:
        rows = []
    rows += [
        (
            *_breach(result, card, names),
            *((penalty_cents(names.terms, given, result, card.insee),) if priced else ()),
        )
        for card in missed
    ]
    return Table(
        name="manquements",
        title=f"Engagements manqués{so_far} : causes, responsables, remèdes",
        columns=columns,
        rows=tuple(rows),
        empty=f"Aucun engagement de service n’est manqué{' ni en danger' if result.provisional else ''}.",
        note=_priced(names.terms.penalty) if priced and rows else "",
        paper_rows=PAPER_ROWS,
    )


def _whole_breach(given: MonthInput, result: MonthResult) -> tuple[Cell, ...]:
    """Return the breach of the whole service; its durations are of the whole service, communes weighted."""
    weights = given.weights
    covered = [one for one in result.commune_figures.values() if one.share.counted]
    weight = sum(weights.get(one.insee, 0) for one in covered) or 1
    excluded = sum(weights.get(one.insee, 0) * one.by_state_us[CommuneState.EXCLUDED] for one in covered)
    cause, who = max(result.lost_by, key=lambda key: (result.lost_by[key], key), default=(Cause.OURS, ""))
    return (
        "Service entier du réseau",
        result.share.ratio,
        result.without_exclusions.ratio,
        result.budget.spent,
        result.budget.spent + excluded // weight,
        max(0, -result.budget.left),
        CAUSES[cause],
        who,
        NO_ACTION,
    )


def _breach(result: MonthResult, card: CommuneCard, names: Names) -> tuple[Cell, ...]:
    one = result.commune_figures[card.insee]
    lost_us, excluded_us = one.by_state_us[CommuneState.LOST], one.by_state_us[CommuneState.EXCLUDED]
    cause, who = _first_cause(one)
    parts = [part for outage in outages_of(result.communes[card.insee]) for part in outage.lost]
    actions = _joined(ticket.action for part in parts for ticket in _tickets(names, part))
    return (
        card.name,
        one.share.ratio,
        result.without_exclusions_figures[card.insee].share.ratio,
        lost_us,
        lost_us + excluded_us,
        max(0, -result.budgets[card.insee].left),
        CAUSES[cause],
        who,
        actions or NO_ACTION,
    )


def _first_cause(one: CommuneFigures) -> tuple[Cause, str]:
    """Return the cause, and who answers for it, that took most of the service."""
    if not one.lost_by_us:
        return Cause.OURS, ""
    return max(one.lost_by_us, key=lambda key: (one.lost_by_us[key], key))


def _priced(formula: str) -> str:
    return f"Pénalité en euros, par commune qui manque son engagement : {formula}."

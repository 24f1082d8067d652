"""« Changements faits par des personnes »: what people did that can change the month, then or later; pure."""

from collections.abc import Collection, Sequence

from fleet.availability.people import ChangeKind, Effect, PersonChange, changes
from fleet.availability.reckoning import MonthInput
from fleet.facts.model import WithdrawalReason
from fleet.lang.format import NARROW, moment
from fleet.reports.model import CellKind, Column, Table
from fleet.reports.names import Names

KINDS = {
    ChangeKind.WORKS_ANNOUNCED: "travaux annoncés",
    ChangeKind.WORKS_WITHDRAWN: "travaux retirés",
    ChangeKind.ACCEPTED: "recette d’une passerelle",
    ChangeKind.WITHDRAWN: "retrait d’une passerelle",
    ChangeKind.CAUSE_STATED: "cause déclarée",
    ChangeKind.SNAPSHOT_CORRECTED: "membres, poids ou réglages corrigés",
}
EFFECTS = {
    Effect.EXCUSES: "du temps sans service peut être exclu, dans la limite des plafonds",
    Effect.COUNTS_FROM: "compte à partir du",
    Effect.CAUSE_ONLY: "cause ou responsable, aucun chiffre",
    Effect.CORRECTS: "le mois repose sur une autre photographie",
    Effect.NONE: "aucun effet",
}
REASONS: dict[str, str] = {
    WithdrawalReason.OWNER: "le propriétaire reprend son accord",
    WithdrawalReason.HAZARD: "danger pour les personnes ou le bâtiment",
    WithdrawalReason.THEFT: "volée ou détruite par un tiers",
    WithdrawalReason.DEMOLITION: "site démoli ou reconstruit",
    WithdrawalReason.AUTHORITY: "ordre d’une autorité",
}
PAPER_ROWS = 100


def changes_for(given: MonthInput, euis: Collection[str]) -> list[PersonChange]:
    """Return what people did about these gateways, or about the whole month."""
    return [one for one in changes(given) if not one.euis or not set(one.euis).isdisjoint(euis)]


def people_table(found: Sequence[PersonChange], names: Names) -> Table:
    """Return the changes, those made after the fact first."""
    ordered = sorted(found, key=lambda one: (not one.retroactive, one.recorded_at_us, one.kind, one.id))
    columns = (
        Column(title="Après coup", room=7),
        Column(title="Changement"),
        Column(title="Enregistré", kind=CellKind.INSTANT),
        Column(title="Début", kind=CellKind.INSTANT),
        Column(title="Fin", kind=CellKind.INSTANT),
        Column(title="Par", room=11),
        Column(title="Seconde personne", room=11),
        Column(title="Passerelles"),
        Column(title="Motif"),
        Column(title="Effet"),
    )
    return Table(
        name="personnes",
        title="Changements faits par des personnes",
        columns=columns,
        rows=tuple(
            (
                "oui" if one.retroactive else "non",
                KINDS[one.kind],
                one.recorded_at_us,
                one.from_us,
                one.until_us,
                one.who,
                one.second,
                ", ".join(names.gateways.get(eui) or eui for eui in one.euis),
                REASONS.get(one.reason, one.reason),
                _effect(one),
            )
            for one in ordered
        ),
        empty="Personne n’a rien changé qui touche ce mois.",
        note="Après coup : enregistré après le début de ce dont il s’agit.",
        paper_rows=PAPER_ROWS,
    )


def _effect(one: PersonChange) -> str:
    words = EFFECTS[one.effect]
    return words if one.effective_us is None else f"{words} {moment('fr', one.effective_us)}"


def in_a_sentence(found: Sequence[PersonChange]) -> str:
    """Return how many changes were made after the fact."""
    count = sum(one.retroactive for one in found)
    if not count:
        return f"Changements faits après coup par des personnes{NARROW}: aucun."
    where = f"voir «{NARROW}Changements faits par des personnes{NARROW}»"
    return f"Changements faits après coup par des personnes{NARROW}: {count} ({where})."

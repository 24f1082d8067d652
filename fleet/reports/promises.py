"""Page 1 of the monthly report: is the contract held, for this reader?  Then trend and changes.  Pure.

A member's contract is the promise to each of its communes, the promise for the whole service, and those for
the objects; what cannot be verified is said to be so and decides nothing.
Sources: MISSION "What is promised to users"; CONV A4 2.1 and 2.4 (objects).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from urllib.parse import quote, urlsplit

from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import SEVERITY, MonthStanding, Standing, month_standing
from fleet.lang.format import NARROW, moment, month
from fleet.objects.connectivity import DAILY_PPM, FORTNIGHT_PPM, MONTHLY_PPM, Connectivity
from fleet.reports.model import VERDICTS, Cell, CellKind, Column, Table
from fleet.reports.names import MonthShare, Names

TREND_MONTHS = 12
"""Months of the trend, this one included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One promise, what was found, and whether it is held."""

    words: str
    objective_ppm: int
    found: Fraction | None
    without_exclusions: Fraction | None
    standing: Standing
    remark: str = ""


def promises_of(
    given: MonthInput, result: MonthResult, cards: Sequence[CommuneCard], found: Connectivity | None
) -> list[Promise]:
    """Return what was promised to a reader of these communes."""
    settings = given.settings
    month = month_standing(result, given.weights, settings)
    return [
        Promise(
            words="Service entier du réseau",
            objective_ppm=settings.objective_global_ppm,
            found=result.share.ratio,
            without_exclusions=result.without_exclusions.ratio,
            standing=month.whole.standing,
            remark="communes pondérées",
        ),
        _communes(result, cards, month, settings.objective_commune_ppm),
        *_objects(found, provisional=result.provisional),
    ]


def _communes(
    result: MonthResult, cards: Sequence[CommuneCard], month: MonthStanding, objective_ppm: int
) -> Promise:
    figures = [result.commune_figures[card.insee] for card in cards]
    counted = [one for one in figures if one.share.counted]
    bare = [result.without_exclusions_figures[card.insee].share.ratio for card in cards]
    names = {card.insee: card.name for card in cards}
    worst = min(counted, key=lambda one: (one.share.ratio or 0, one.insee), default=None)
    standings = [month.communes[card.insee].standing for card in cards if card.insee in month.communes]
    broken, at_risk = standings.count(Standing.BROKEN), standings.count(Standing.AT_RISK)
    worse = f"{broken} sur {len(counted)} sous l’engagement"
    if result.provisional:
        worse = _so_far(broken, at_risk, len(counted))
    last = "" if worst is None else f"la moins disponible{NARROW}: {names[worst.insee]}"
    return Promise(
        words="Chaque commune",
        objective_ppm=objective_ppm,
        found=None if worst is None else worst.share.ratio,
        without_exclusions=min((one for one in bare if one is not None), default=None),
        standing=worst_of(standings),
        remark="" if worst is None else f"{worse}{NARROW}; {last}",
    )


def _so_far(broken: int, at_risk: int, counted: int) -> str:
    """Return how many promises of an open month are not kept."""
    return f"sur {counted}, {broken} {'rompues' if broken > 1 else 'rompue'} et {at_risk} en danger"


def _objects(found: Connectivity | None, *, provisional: bool) -> list[Promise]:
    if found is None:
        return []
    why = (
        ""
        if found.daily is not None
        else "non vérifiable sans liste d’objets ni événements du cœur de réseau"
    )
    daily = f"{found.days_counted} jours comptés" if found.daily is not None else why
    return [
        Promise(
            words="Objets entendus chaque jour",
            objective_ppm=DAILY_PPM,
            found=found.daily,
            without_exclusions=found.daily,
            standing=_of_objects(found.daily_met, provisional=provisional),
            remark=daily,
        ),
        Promise(
            words="Connectivité des capteurs sur le mois",
            objective_ppm=MONTHLY_PPM,
            found=found.monthly,
            without_exclusions=found.monthly,
            standing=_of_objects(found.monthly_met, provisional=provisional),
            remark=why,
        ),
        Promise(
            words="Objets entendus sur 14 jours",
            objective_ppm=FORTNIGHT_PPM,
            found=found.fortnight,
            without_exclusions=found.fortnight,
            standing=_of_objects(found.fortnight_met, provisional=provisional),
            remark=why,
        ),
    ]


def _of_objects(met: bool | None, *, provisional: bool) -> Standing:
    """Return how a promise about objects stands; a month that is not over can still mend it."""
    if met is None:
        return Standing.UNCOUNTED
    if met:
        return Standing.KEPT
    return Standing.AT_RISK if provisional else Standing.BROKEN


def worst_of(standings: Iterable[Standing]) -> Standing:
    """Return the worst; UNCOUNTED when nothing counts.

    >>> worst_of([])
    <Standing.UNCOUNTED: 'UNCOUNTED'>
    """
    return max(standings, key=SEVERITY.__getitem__, default=Standing.UNCOUNTED)


def held(promises: Sequence[Promise]) -> bool | None:
    """Return whether all promises that can be verified are held; None: none can be, or not yet.

    >>> held([])
    """
    return {Standing.KEPT: True, Standing.BROKEN: False}.get(worst_of(one.standing for one in promises))


def answer(promises: Sequence[Promise], *, provisional: bool, reader: str) -> str:
    """Return the answer to « le contrat est-il tenu ? »."""
    so_far = "À ce jour, pour" if provisional else "Pour"
    worst = worst_of(one.standing for one in promises)
    those = ", ".join(one.words[0].lower() + one.words[1:] for one in promises if one.standing is worst)
    match worst:
        case Standing.KEPT:
            verdict = "le contrat est tenu."
        case Standing.AT_RISK:
            verdict = f"le contrat est en danger{NARROW}: {those}."
        case Standing.BROKEN:
            verdict = f"le contrat n’est pas tenu{NARROW}: {those}."
        case Standing.UNCOUNTED:
            verdict = "rien ne peut être compté ce mois-ci."
    return f"{so_far} {reader}, {verdict}"


def promises_table(promises: Sequence[Promise]) -> Table:
    """Return the promises, what was found with and without exclusions, and the verdicts."""
    columns = (
        Column(title="Engagement", room=25),
        Column(title="Objectif", kind=CellKind.PERCENT),
        Column(title="Constaté", kind=CellKind.PERCENT),
        Column(title="Sans exclusion", kind=CellKind.PERCENT),
        Column(title="Verdict", kind=CellKind.VERDICT),
        Column(title="Remarque", room=30),
    )
    rows = tuple(
        (
            one.words,
            Fraction(one.objective_ppm, 1_000_000),
            one.found,
            one.without_exclusions,
            VERDICTS[one.standing],
            one.remark,
        )
        for one in promises
    )
    return Table(
        name="engagements",
        title="Le contrat est-il tenu ?",
        columns=columns,
        rows=rows,
        note="Sans exclusion : rien n’excuse une perte. Pourcentages tronqués.",
    )


def trend_table(before: Sequence[MonthShare], now: MonthShare) -> Table:
    """Return the trend of twelve months, this one last."""
    months = [*before, now][-TREND_MONTHS:]
    columns = (
        Column(title="Mois"),
        Column(title="Version"),
        Column(title="Disponibilité", kind=CellKind.PERCENT),
        Column(title="Communes sous l’engagement", kind=CellKind.COUNT),
        Column(title="Communes desservies", kind=CellKind.COUNT),
        Column(title="Engagements de service", kind=CellKind.VERDICT),
    )
    rows = tuple(
        (_in_words(one.month), one.version, one.share, one.below, one.covered, one.held) for one in months
    )
    return Table(name="tendance", title="Tendance sur douze mois", columns=columns, rows=rows)


def _in_words(name: str) -> str:
    year, number = name.split("-")
    return month("fr", date(int(year), int(number), 1))


def changes_table(
    difference: Mapping[str, Any], cards: Sequence[CommuneCard], *, whole_network: bool
) -> Table:
    """Return what changed since the version before, in percent, for the reader's communes."""
    names = {card.insee: card.name for card in cards}
    rows: list[tuple[Cell, ...]] = []
    if whole_network and difference.get("whole"):
        rows.append(("Réseau entier", *_before_after(difference["whole"])))
    rows += [
        (names[one["insee"]], *_before_after(one))
        for one in difference.get("communes", ())
        if one["insee"] in names
    ]
    columns = (
        Column(title="Où"),
        Column(title="Avant (%)"),
        Column(title="Après (%)"),
        Column(title="Imputé avant", kind=CellKind.DURATION),
        Column(title="Imputé après", kind=CellKind.DURATION),
    )
    added = difference.get("facts_added", 0)
    empty = "Rien pour ces communes." if difference else "C’est la première version de ce mois."
    return Table(
        name="changements",
        title="Ce qui a changé depuis la version précédente",
        columns=columns,
        rows=tuple(rows),
        empty=empty,
        note=f"{added} faits sont arrivés ou ont été corrigés depuis ; la page du mois les montre."
        if added
        else "",
    )


def _before_after(one: Mapping[str, Any]) -> tuple[Cell, ...]:
    percent, charged = one.get("availability_percent", {}), one.get("charged", {})
    words = [str(percent.get(side) or "").replace(".", ",") for side in ("before", "after")]
    return (*words, charged.get("before"), charged.get("after"))


def where_to_check(names: Names, name: str, version: str, digest: str, epci: str) -> str:
    """Return where the facts are, and their hash."""
    bundle = f"{names.address}/api/v1/reports/contest/{name}.zip" + (f"?epci={quote(epci)}" if epci else "")
    return (
        f"Données et lecteur pour tout recalculer{NARROW}: {bundle}{NARROW}; "
        f"mois {name}, {version}, SHA-256 {digest}.{names.stamp}"
    )


def stamp_sentence(seal: str, stamp: Mapping[str, Any] | None) -> str:
    """Return by whom and when a seal was stamped; empty when it was not."""
    if stamp is None or stamp["stamped_at_us"] is None:
        return ""
    return (
        f" Sceau {seal}, horodaté (RFC 3161) par {urlsplit(stamp['authority']).hostname}"
        f" le {moment('fr', stamp['stamped_at_us'])}."
    )

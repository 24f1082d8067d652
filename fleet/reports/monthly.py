"""The monthly availability report: what was promised, what was given, what was lost and to whom it falls.

Worst first.  Pure: the figures of a month in, a ``Report`` in French out.
Sources: MISSION "What is promised to users"; AVAILABILITY §3 to §8.
"""

from collections.abc import Mapping
from datetime import date

from fleet.availability.document import digest
from fleet.availability.figures import CommuneFigures, Share, whole
from fleet.availability.indicators import Indicators, indicators, of_whole
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.lang.format import NARROW, duration, month, ratio
from fleet.objects.connectivity import Connectivity
from fleet.reports.indicator_tables import (
    connectivity_table,
    groups_table,
    indicators_table,
    redundancy_table,
)
from fleet.reports.model import Picture, Report
from fleet.reports.monthly_tables import (
    Names,
    communes_table,
    exclusions_table,
    gateways_table,
    lost_table,
    outages_table,
    settings_table,
)


def monthly(
    given: MonthInput,
    result: MonthResult,
    names: Names,
    *,
    epci: str = "",
    pictures: tuple[Picture, ...] = (),
    found: Connectivity | None = None,
) -> Report:
    """Return the report of a month, of the whole network or of one EPCI; ``found`` are the network's objects.

    Raises:
        ValueError: no commune is in that EPCI.
    """
    cards = [card for card in given.communes if not epci or card.epci == epci]
    if epci and not cards:
        raise ValueError(f"epci: no commune is in {epci!r}")
    inside = {card.insee for card in cards}
    figures = {insee: one for insee, one in result.commune_figures.items() if insee in inside}
    share = whole(figures.values(), given.weights)
    year, number = (int(part) for part in given.month.split("-"))
    state = names.version or ("provisoire" if result.provisional else "non close")
    return Report(
        title=f"Disponibilité, {month('fr', date(year, number, 1))}",
        subtitle=f"{names.network}{f' · {epci}' if epci else ''}",
        sentences=_sentences(given, result, share, figures, whole_network=not epci),
        tables=(
            indicators_table(given, result, _indicators(given, result, cards, epci), found),
            communes_table(given, result, cards),
            groups_table("epci", "Par EPCI", given, result, inside),
            *(() if epci else (groups_table("departement", "Par département", given, result, inside),)),
            redundancy_table(result, cards),
            lost_table(figures),
            outages_table(result, cards, names),
            exclusions_table(given, result, inside),
            gateways_table(result, given, names, inside),
            *(() if found is None else (connectivity_table(found),)),
            settings_table(given),
        ),
        pictures=pictures,
        identity=f"{given.month} · {state} · SHA-256 {names.digest or digest(given)}",
    )


def _indicators(given: MonthInput, result: MonthResult, cards: list[CommuneCard], epci: str) -> Indicators:
    if not epci:
        return of_whole(given, result)
    return indicators(given, result, [card.insee for card in cards], name=epci)


def _percent(share: Share) -> str:
    return ratio("fr", share.served, share.counted)


def _verdict(share: Share, objective_ppm: int) -> str:
    met = share.meets(objective_ppm)
    words = {True: "engagement tenu", False: "engagement manqué", None: "rien à compter"}
    return words[met]


def _sentences(
    given: MonthInput,
    result: MonthResult,
    share: Share,
    figures: Mapping[str, CommuneFigures],
    *,
    whole_network: bool,
) -> tuple[str, ...]:
    settings = given.settings
    below = sum(one.share.meets(settings.objective_commune_ppm) is False for one in figures.values())
    covered = sum(one.share.counted > 0 for one in figures.values())
    objective = ratio("fr", settings.objective_global_ppm, 1_000_000)
    commune = ratio("fr", settings.objective_commune_ppm, 1_000_000, 1)
    sentences = [
        f"Disponibilité du service{NARROW}: {_percent(share)} pour un engagement de {objective}"
        + (f" ({_verdict(share, settings.objective_global_ppm)})." if whole_network else "."),
        f"Communes sous l’engagement de {commune}{NARROW}: {below} sur {covered} desservies"
        + (f"{NARROW}; {len(result.not_covered)} sans passerelle." if whole_network else "."),
    ]
    if whole_network:
        left = duration("fr", result.budget.left)
        mean = result.mean_of_gateways
        average = "—" if mean is None else ratio("fr", mean.numerator, mean.denominator)
        sentences += [
            f"Budget d’interruption restant{NARROW}: {left} de service complet.",
            f"À titre indicatif{NARROW}: moyenne des passerelles {average}{NARROW}; chiffre différé "
            f"(remises tardives prouvées) {_percent(result.deferred)}.",
        ]
    return tuple(sentences)

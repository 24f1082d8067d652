"""The monthly availability report: is the contract held, what was given, what was lost and to whom it falls.

The answer first, then the worst first.  Pure: the figures of a month in, a ``Report`` in French out.
Sources: MISSION "What is promised to users"; AVAILABILITY §3 to §8.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from fleet.availability.document import digest
from fleet.availability.figures import CommuneFigures, Share, whole
from fleet.availability.indicators import Indicators, indicators, of_whole
from fleet.availability.reckoning import CommuneCard, MonthInput, MonthResult
from fleet.availability.standing import month_standing
from fleet.lang.format import NARROW, duration, month, ratio
from fleet.objects.connectivity import Connectivity
from fleet.reports.indicator_tables import (
    connectivity_table,
    groups_table,
    indicators_table,
    redundancy_table,
)
from fleet.reports.model import VERDICTS, Picture, Report, Table
from fleet.reports.monthly_tables import (
    communes_table,
    exclusions_table,
    gateways_table,
    lost_table,
    paths_table,
)
from fleet.reports.names import MonthShare, Names
from fleet.reports.outages import breaches_table, outages_table
from fleet.reports.people import changes_for, in_a_sentence, people_table
from fleet.reports.promises import (
    answer,
    changes_table,
    held,
    promises_of,
    promises_table,
    trend_table,
    where_to_check,
    worst_of,
)
from fleet.reports.settings_words import settings_table
from fleet.reports.terms import how_to_contest


def monthly(
    given: MonthInput,
    result: MonthResult,
    names: Names,
    *,
    epci: str = "",
    pictures: tuple[Picture, ...] = (),
    found: Connectivity | None = None,
) -> Report:
    """Return the report of a month, of the whole network or of one EPCI; ``found`` are the reader's objects.

    Raises:
        ValueError: no commune is in that EPCI.
    """
    cards = [card for card in given.communes if not epci or card.epci == epci]
    if epci and not cards:
        raise ValueError(f"epci: no commune is in {epci!r}")
    figures = {card.insee: result.commune_figures[card.insee] for card in cards}
    share = whole(figures.values(), given.weights) if epci else result.share
    promises = promises_of(given, result, cards, found)
    inside = {card.insee for card in cards}
    euis = {one.eui for one in given.facts.memberships if one.commune_insee in inside}
    people = changes_for(given, euis if epci else given.facts.gateways)
    year, number = (int(part) for part in given.month.split("-"))
    state, print_ = _state(result, names), names.digest or digest(given)
    return Report(
        title=f"Disponibilité, {month('fr', date(year, number, 1))}",
        subtitle=f"{names.network}{f' · {epci}' if epci else ''}",
        answer=answer(promises, provisional=result.provisional, reader=epci or "l’ensemble du réseau"),
        held=held(promises),
        standing=worst_of(one.standing for one in promises),
        sentences=(
            *_sentences(given, result, share, figures, whole_network=not epci),
            in_a_sentence(people),
            how_to_contest(given.month, names.closed_at_us, names.terms),
            where_to_check(names, given.month, state, print_, epci),
        ),
        tables=(
            promises_table(promises),
            trend_table(names.trend, _now(given, result, share, figures, state)),
            breaches_table(given, result, cards, names),
            people_table(people, names),
            changes_table(names.difference, cards, whole_network=not epci),
            *_details(given, result, names, cards, epci=epci, found=found),
            settings_table(given.settings),
        ),
        pictures=pictures,
        identity=f"{given.month} · {state} · SHA-256 {print_}",
    )


def _details(
    given: MonthInput,
    result: MonthResult,
    names: Names,
    cards: list[CommuneCard],
    *,
    epci: str,
    found: Connectivity | None,
) -> list[Table]:
    inside = {card.insee for card in cards}
    figures = {card.insee: result.commune_figures[card.insee] for card in cards}
    groups = [groups_table("epci", "Par EPCI", given, result, inside)]
    if not epci:
        title = "Par département"
        groups.append(groups_table("departement", title, given, result, inside, names=names.departements))
    return [
        indicators_table(given, result, _indicators(given, result, cards, epci), found),
        communes_table(given, result, cards),
        *groups,
        redundancy_table(result, cards),
        lost_table(figures),
        outages_table(result, cards, names, given.settings),
        exclusions_table(given, result, inside),
        gateways_table(result, given, names, inside),
        paths_table(given, names, inside),
        *(() if found is None else (connectivity_table(found),)),
    ]


def _state(result: MonthResult, names: Names) -> str:
    return names.version or ("provisoire" if result.provisional else "non close")


def _now(
    given: MonthInput, result: MonthResult, share: Share, figures: Mapping[str, CommuneFigures], state: str
) -> MonthShare:
    """Return this month as the last row of the trend."""
    settings = given.settings
    verdicts = [one.share.meets(settings.objective_commune_ppm) for one in figures.values()]
    month = month_standing(result, given.weights, settings).within(frozenset(figures))
    return MonthShare(
        month=given.month,
        version=state,
        share=share.ratio,
        below=verdicts.count(False),
        covered=sum(one is not None for one in verdicts),
        held=VERDICTS[month.standing],
    )


def _indicators(
    given: MonthInput, result: MonthResult, cards: Sequence[CommuneCard], epci: str
) -> Indicators:
    if not epci:
        return of_whole(given, result)
    return indicators(given, result, [card.insee for card in cards], name=epci)


def _percent(share: Share) -> str:
    return ratio("fr", share.served, share.counted)


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
    place = "Disponibilité du service" if whole_network else "Disponibilité de votre territoire"
    against = f" pour un engagement de {objective}." if whole_network else "."
    sentences = [
        f"{place}{NARROW}: {_percent(share)}{against}",
        f"Communes desservies sous l’engagement de {commune}"
        f"{' à ce jour' if result.provisional else ''}{NARROW}: {below} sur {covered}"
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

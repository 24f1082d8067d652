"""A month's figures as one JSON document: what ``compute`` prints and a closed version keeps."""

from typing import Any

import msgspec

from fleet.availability.burn import Budget
from fleet.availability.communes import CommuneSpan
from fleet.availability.document import CODE, digest
from fleet.availability.figures import PERCENT_DIGITS, Share, percent
from fleet.availability.people import changes
from fleet.availability.reckoning import MonthInput, MonthResult
from fleet.availability.timeline import Span
from fleet.facts.states import Cause

FORMAT = "passerelle-figures"
FORMAT_VERSION = 1


def document(given: MonthInput, result: MonthResult, *, timelines: bool = True) -> dict[str, Any]:
    """Return the figures of a month; integers are microseconds, percentages are truncated."""
    settings, weights = given.settings, given.weights
    mean = result.mean_of_gateways
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "code": CODE,
        "month": given.month,
        "as_of_us": given.as_of_us,
        "from_us": result.window.start_us,
        "until_us": result.window.end_us,
        "provisional": result.provisional,
        "hash": digest(given),
        "whole": share(result.share, settings.objective_global_ppm) | _budget(result.budget),
        "deferred": share(result.deferred, None),
        "without_exclusions": share(result.without_exclusions, settings.objective_global_ppm),
        "mean_of_gateways_percent": percent(mean, PERCENT_DIGITS) or None,
        "lost_by": lost(result.lost_by),
        "not_covered": list(result.not_covered),
        "communes": [
            commune(given, result, insee, weight=weights.get(insee, 0), timelines=timelines)
            for insee in result.communes
        ],
        "gateways": [gateway(result, eui, timelines=timelines) for eui in sorted(result.lines)],
        "snapshots": [msgspec.to_builtins(one) for one in given.snapshots],
        "people": [msgspec.to_builtins(one) for one in changes(given)],
    }


def commune(
    given: MonthInput, result: MonthResult, insee: str, *, weight: int, timelines: bool
) -> dict[str, Any]:
    """Return one commune of a month."""
    figures, line = result.commune_figures[insee], result.communes[insee]
    fields = {
        "insee": insee,
        "weight": weight,
        "by_state_us": dict(figures.by_state_us),
        "below_two_us": figures.below_two_us,
        "redundancy_percent": percent(figures.redundancy, PERCENT_DIGITS) or None,
        "outages": figures.outages,
        "below_two_domains_us": result.below_two_domains.get(insee, {}),
        "lost_by": lost(figures.lost_by_us),
    }
    objective_ppm = given.settings.objective_commune_ppm
    fields["without_exclusions"] = share(result.without_exclusions_figures[insee].share, objective_ppm)
    fields["deferred"] = share(result.deferred_figures[insee].share, None)
    fields |= share(figures.share, objective_ppm) | _budget(result.budgets[insee])
    if timelines:
        fields["exceptions"] = [_commune_span(span) for span in line.exceptions]
        fields["below_two"] = [list(interval) for interval in line.below_two]
    return fields


def gateway(result: MonthResult, eui: str, *, timelines: bool) -> dict[str, Any]:
    """Return one gateway of a month."""
    figures = result.gateway_figures[eui]
    fields = {
        "eui": eui,
        "by_state_us": dict(figures.by_state_us),
        "outages": figures.outages,
        "mtbf_us": figures.mtbf_us,
        "mttr_us": figures.mttr_us,
    } | share(figures.share, None)
    if timelines:
        fields["exceptions"] = [_span(span) for span in result.lines[eui].exceptions]
    return fields


def share(given: Share, objective_ppm: int | None) -> dict[str, Any]:
    """Return a share with its exact terms, and the verdict where there is an objective."""
    fields = {
        "served": given.served,
        "charged": given.charged,
        "availability_percent": percent(given.ratio, PERCENT_DIGITS) or None,
    }
    return fields if objective_ppm is None else fields | {"met": given.meets(objective_ppm)}


def lost(given: dict[tuple[Cause, str], int]) -> list[dict[str, Any]]:
    """Return lost time by cause and responsible party, in a fixed order."""
    return [
        {"cause": cause, "responsible": who, "lost": amount} for (cause, who), amount in sorted(given.items())
    ]


def _budget(given: Budget) -> dict[str, int]:
    return {"budget_us": given.whole, "budget_left_us": given.left}


def _span(span: Span) -> dict[str, Any]:
    return {
        "start_us": span.start_us,
        "end_us": span.end_us,
        "state": span.state,
        "cause": span.cause,
        "proved": span.proved,
        "reason": span.reason,
        "evidence": span.evidence,
        "responsible": span.responsible,
    }


def _commune_span(span: CommuneSpan) -> dict[str, Any]:
    return {
        "start_us": span.start_us,
        "end_us": span.end_us,
        "state": span.state,
        "cause": span.cause,
        "responsible": span.responsible,
        "eui": span.eui,
        "reason": span.reason,
    }

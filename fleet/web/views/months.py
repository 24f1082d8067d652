"""The figures of a month as the report shows them, and what a version changed of the one before; pure."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final, Protocol

import msgspec

from fleet.availability.figures import Share
from fleet.availability.reckoning import MonthResult
from fleet.availability.standing import MonthStanding, PromiseStanding, Standing
from fleet.lang.text import collation
from fleet.registry.store import Commune
from fleet.web.corroborated import Compared
from fleet.web.rendering import Words
from fleet.web.views.tables import Column

CONTRADICTIONS_SHOWN: Final = 50
"""A page lists so many contradictions; all are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LostRow:
    """Lost time of one cause and responsible party, as a part of all that was lost."""

    cause: str
    responsible: str
    lost_us: int
    """Time of the whole network standing still."""
    permille: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneMonth:
    """One commune's month."""

    insee: str
    name: str
    epci: str
    share: Share
    standing: Standing
    lost_us: int
    excluded_us: int
    unknown_us: int
    outages: int
    below_two_us: int
    left_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthView:
    """The page of one month."""

    month: str
    provisional: bool
    share: Share
    standing: Standing
    """How the network's promise stands."""
    deferred: Share
    mean: Fraction | None
    budget_us: int
    budget_left_us: int
    kept: int
    at_risk: int
    broken: int
    """Communes by how their promise stands."""
    counted: int
    not_covered: int
    lost: tuple[LostRow, ...]
    communes: tuple[CommuneMonth, ...]
    outages: int
    mttr_us: int | None
    mtbf_us: int | None


def view_of(result: MonthResult, communes: Mapping[str, Commune], verdict: MonthStanding) -> MonthView:
    """Return the month as it was judged, the worst commune first."""
    rows = sorted(
        (
            _commune(result, communes[insee], one)
            for insee, one in verdict.communes.items()
            if insee in communes
        ),
        key=lambda row: (row.share.ratio or Fraction(1), collation(row.name)),
    )
    standings = Counter(row.standing for row in rows)
    gateways = result.gateway_figures.values()
    outages = sum(one.outages for one in gateways)
    repairs = [one.mttr_us * one.outages for one in gateways if one.mttr_us is not None]
    between = [one.mtbf_us * one.outages for one in gateways if one.mtbf_us is not None]
    return MonthView(
        month=result.month,
        provisional=result.provisional,
        share=result.share,
        standing=verdict.whole.standing,
        deferred=result.deferred,
        mean=result.mean_of_gateways,
        budget_us=verdict.whole.budget.whole,
        budget_left_us=verdict.whole.budget.left,
        kept=standings[Standing.KEPT],
        at_risk=standings[Standing.AT_RISK],
        broken=standings[Standing.BROKEN],
        counted=len(rows) - standings[Standing.UNCOUNTED],
        not_covered=len(result.not_covered),
        lost=_lost(result),
        communes=tuple(rows),
        outages=outages,
        mttr_us=sum(repairs) // outages if outages else None,
        mtbf_us=sum(between) // outages if outages else None,
    )


def _commune(result: MonthResult, commune: Commune, promise: PromiseStanding) -> CommuneMonth:
    insee = commune.insee
    figures = result.commune_figures[insee]
    by_state = {state.value: length for state, length in figures.by_state_us.items()}
    return CommuneMonth(
        insee=insee,
        name=commune.name,
        epci=commune.epci,
        share=figures.share,
        standing=promise.standing,
        lost_us=by_state["LOST"],
        excluded_us=by_state["EXCLUDED"],
        unknown_us=by_state["UNKNOWN"],
        outages=figures.outages,
        below_two_us=figures.below_two_us,
        left_us=promise.budget.left,
    )


def _lost(result: MonthResult) -> tuple[LostRow, ...]:
    total = sum(result.lost_by.values())
    rows = [
        LostRow(
            cause=cause,
            responsible=responsible,
            lost_us=lost * result.budget.spent // max(1, result.share.charged),
            permille=lost * 1000 // max(1, total),
        )
        for (cause, responsible), lost in result.lost_by.items()
        if lost
    ]
    return tuple(sorted(rows, key=lambda row: -row.lost_us))


def columns(words: Words) -> list[Column[CommuneMonth]]:
    """Return the columns of the export; lengths in seconds."""

    def standing(row: CommuneMonth) -> str:
        return "" if row.standing is Standing.UNCOUNTED else words.t(f"promise.{row.standing}")

    def percent(row: CommuneMonth) -> float | None:
        return float(row.share.ratio * 100) if row.share.ratio is not None else None

    return [
        Column(key="insee", title="communes.insee", value=lambda row: row.insee),
        Column(key="name", title="communes.name", value=lambda row: row.name),
        Column(key="epci", title="communes.epci", value=lambda row: row.epci),
        Column(key="share", title="month.share", value=percent),
        Column(key="met", title="month.promise", value=standing),
        Column(key="lost", title="month.lost_s", value=lambda row: row.lost_us / 1_000_000),
        Column(key="excluded", title="month.excluded_s", value=lambda row: row.excluded_us / 1_000_000),
        Column(key="unknown", title="month.unknown_s", value=lambda row: row.unknown_us / 1_000_000),
        Column(key="outages", title="month.outages", value=lambda row: row.outages),
        Column(key="below", title="month.below_two_s", value=lambda row: row.below_two_us / 1_000_000),
    ]


CHANGED_LIMIT: Final = 20
"""Communes and gateways that are listed; the figures to download hold them all."""
FACTS_LIMIT: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One figure before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One version beside the one before; ``since`` None for the first."""

    since: int | None
    changed: tuple[Changed, ...]
    unlisted: int
    facts_added: int
    facts: tuple[str, ...]


def revision_of(words: Words, difference: Mapping[str, Any], names: Mapping[str, str]) -> Revision:
    """Return what changed; ``names`` has communes by INSEE code and gateways by EUI."""
    if not difference:
        return Revision(since=None, changed=(), unlisted=0, facts_added=0, facts=())
    places = [*difference["communes"], *difference["gateways"]]
    rows = [(words.t("month.revision.whole"), difference["whole"])]
    rows += [(_subject_name(one, names), one) for one in places]
    changed = [
        Changed(
            name=name,
            before=_exact_percent(words, told["before"]),
            after=_exact_percent(words, told["after"]),
        )
        for name, one in rows
        if (told := one.get("availability_percent"))
    ]
    return Revision(
        since=difference["since_version"],
        changed=tuple(changed[:CHANGED_LIMIT]),
        unlisted=max(0, len(changed) - CHANGED_LIMIT),
        facts_added=difference["facts_added"],
        facts=tuple(json.dumps(one, ensure_ascii=False) for one in difference["facts"][:FACTS_LIMIT]),
    )


def _subject_name(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    key = str(one.get("insee") or one.get("eui") or "")
    return names.get(key, key)


def _exact_percent(words: Words, value: object) -> str:
    """Return a percentage as the version holds it, already truncated, to the last digit."""
    if value is None:
        return "—"
    text = str(value)
    return f"{text.replace('.', ',')}\u202f%" if words.lang == "fr" else f"{text}\u202f%"


class NamedGateway(Protocol):
    """A gateway of the registry or of the network."""

    @property
    def eui(self) -> str:
        """Its EUI."""

    @property
    def name(self) -> str:
        """What people call it."""


def contradictions_of(compared: Compared, gateways: Iterable[NamedGateway]) -> dict[str, Any]:
    """Return what the LNS contradicts of some gateways in the open month, as the pages list it."""
    names = {one.eui: one.name for one in gateways}
    found = compared.within(names).corroboration
    listed = [msgspec.to_builtins(one) | {"name": names[one.eui]} for one in found.found]
    return {
        "gateways": found.gateways,
        "count": len(listed),
        "listed": listed[:CONTRADICTIONS_SHOWN],
        "at_us": compared.at_us,
    }

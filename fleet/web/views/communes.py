"""Communes as the map and the table show them; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from fleet.availability.figures import Share
from fleet.availability.standing import SEVERITY, MonthStanding, Standing
from fleet.facts.states import CommuneState
from fleet.lang.text import collation
from fleet.live.model import CommuneNow, NetworkNow
from fleet.registry.store import Commune
from fleet.web.history import Past
from fleet.web.rendering import Words
from fleet.web.views.tables import Column

URGENCY = {
    CommuneState.LOST: 0,
    CommuneState.UNKNOWN: 1,
    CommuneState.EXCLUDED: 2,
    CommuneState.SERVED: 3,
    CommuneState.NOT_COVERED: 4,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CommuneRow:
    """One row."""

    insee: str
    name: str
    epci: str
    population: int
    state: CommuneState
    since_us: int
    members: int
    serving: int
    budget_left_us: int
    breach_at_us: int | None
    share: Share | None
    standing: Standing
    """How its promise of the month stands."""

    @property
    def at_risk(self) -> bool:
        """Whether its promise is broken, in danger, or losing at present."""
        return self.standing in {Standing.BROKEN, Standing.AT_RISK} or self.breach_at_us is not None


def rows_of(
    network: NetworkNow, communes: Iterable[Commune], past: Past, month: MonthStanding
) -> list[CommuneRow]:
    """Return a row for every commune of the registry."""
    return [_row(commune, network.communes.get(commune.insee), past, month) for commune in communes]


def rows_now(network: NetworkNow, past: Past, month: MonthStanding) -> list[CommuneRow]:
    """Return a row for every commune of the newest cycle; asks no database."""
    return [_row(one, one, past, month) for one in network.communes.values()]


def _row(
    commune: Commune | CommuneNow, now: CommuneNow | None, past: Past, month: MonthStanding
) -> CommuneRow:
    figures = past.month.commune_figures.get(commune.insee)
    promise = month.communes.get(commune.insee)
    return CommuneRow(
        insee=commune.insee,
        name=commune.name,
        epci=commune.epci,
        population=commune.population,
        state=now.state if now else CommuneState.NOT_COVERED,
        since_us=now.since_us if now else 0,
        members=len(now.members) if now else 0,
        serving=len(now.serving) if now else 0,
        budget_left_us=promise.budget.left if promise else now.budget_left_us if now else 0,
        breach_at_us=promise.gone_at_us if promise else now.breach_at_us if now else None,
        share=figures.share if figures else None,
        standing=promise.standing if promise else Standing.UNCOUNTED,
    )


def columns() -> list[Column[CommuneRow]]:
    """Return the columns of the table and its export."""
    return [
        Column(
            key="state", title="communes.state", value=lambda row: (URGENCY[row.state], collation(row.name))
        ),
        Column(key="name", title="communes.name", value=lambda row: collation(row.name)),
        Column(key="epci", title="communes.epci", value=lambda row: collation(row.epci), secondary=True),
        Column(
            key="population",
            title="communes.population",
            value=lambda row: row.population,
            numeric=True,
            secondary=True,
        ),
        Column(
            key="serving",
            title="communes.serving",
            value=lambda row: row.serving,
            numeric=True,
            secondary=True,
        ),
        Column(key="month", title="communes.month", value=_share, numeric=True),
        Column(
            key="left",
            title="communes.left",
            value=lambda row: row.budget_left_us,
            numeric=True,
            secondary=True,
        ),
        Column(key="breach", title="communes.breach", value=lambda row: row.breach_at_us, numeric=True),
    ]


def next_breaches(rows: list[CommuneRow]) -> list[CommuneRow]:
    """Return the communes whose promise is broken or will be, the soonest first."""
    risky = [row for row in rows if row.at_risk and row.state is not CommuneState.NOT_COVERED]
    return sorted(risky, key=_urgency)


def _urgency(row: CommuneRow) -> tuple[int, float, int, str]:
    gone = float("inf") if row.breach_at_us is None else row.breach_at_us
    return (-SEVERITY[row.standing], gone, row.budget_left_us, collation(row.name))


def _share(row: CommuneRow) -> float | None:
    if row.share is None or not row.share.counted:
        return None
    return 100 * row.share.served / row.share.counted


def filtered(rows: list[CommuneRow], state: str, text: str) -> list[CommuneRow]:
    """Return the rows in that state whose name, EPCI or INSEE code holds ``text``."""
    wanted = collation(text.strip())
    return [
        row
        for row in rows
        if (not state or row.state == state)
        and (not wanted or wanted in collation(" ".join((row.name, row.epci, row.insee))))
    ]


def export_columns(words: Words) -> list[Column[CommuneRow]]:
    """Return the columns of the export: states in words, instants in full, lengths in seconds."""
    plain = {column.key: column for column in columns()}
    return [
        Column(key="insee", title="communes.insee", value=lambda row: row.insee),
        Column(key="name", title="communes.name", value=lambda row: row.name),
        Column(key="epci", title="communes.epci", value=lambda row: row.epci),
        Column(key="state", title="communes.state", value=lambda row: words.t(f"commune.{row.state}")),
        *(plain[key] for key in ("population", "serving", "month")),
        Column(key="left", title="communes.left_s", value=lambda row: row.budget_left_us // 1_000_000),
        Column(
            key="breach",
            title="communes.breach",
            value=lambda row: words.moment(row.breach_at_us) if row.breach_at_us else "",
        ),
    ]

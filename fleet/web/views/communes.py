"""Communes as the map and the table show them; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from fleet.availability.states import CommuneState
from fleet.live.model import CommuneNow, NetworkNow
from fleet.registry.store import Commune, Registry
from fleet.web.views.gateways import Share
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

    @property
    def at_risk(self) -> bool:
        """Whether it loses service at present, or has lost all it may."""
        return self.breach_at_us is not None or self.budget_left_us < 0


def rows_of(network: NetworkNow, registry: Registry, shares: Mapping[str, Share]) -> list[CommuneRow]:
    """Return a row for every commune of the registry."""
    return [
        _row(commune, network.communes.get(insee), shares.get(insee))
        for insee, commune in registry.communes.items()
    ]


def _row(commune: Commune, now: CommuneNow | None, share: Share | None) -> CommuneRow:
    return CommuneRow(
        insee=commune.insee,
        name=commune.name,
        epci=commune.epci,
        population=commune.population,
        state=now.state if now else CommuneState.NOT_COVERED,
        since_us=now.since_us if now else 0,
        members=len(now.members) if now else 0,
        serving=len(now.serving) if now else 0,
        budget_left_us=now.budget_left_us if now else 0,
        breach_at_us=now.breach_at_us if now else None,
        share=share,
    )


def columns() -> list[Column[CommuneRow]]:
    """Return the columns of the table and its export."""
    return [
        Column(key="state", title="communes.state", value=lambda row: (URGENCY[row.state], row.name)),
        Column(key="name", title="communes.name", value=lambda row: row.name.casefold()),
        Column(key="epci", title="communes.epci", value=lambda row: row.epci.casefold(), secondary=True),
        Column(key="population", title="communes.population", value=lambda row: row.population, numeric=True),
        Column(key="serving", title="communes.serving", value=lambda row: row.serving, numeric=True),
        Column(key="month", title="communes.month", value=_share, numeric=True),
        Column(key="left", title="communes.left", value=lambda row: row.budget_left_us, numeric=True),
        Column(key="breach", title="communes.breach", value=lambda row: row.breach_at_us, numeric=True),
    ]


def next_breaches(rows: list[CommuneRow]) -> list[CommuneRow]:
    """Return the communes whose promise is broken or will be, the soonest first."""
    risky = [row for row in rows if row.at_risk and row.state is not CommuneState.NOT_COVERED]
    return sorted(risky, key=lambda row: (row.budget_left_us >= 0, row.breach_at_us or 0, row.name))


def _share(row: CommuneRow) -> float | None:
    if row.share is None or row.share.total_us <= 0:
        return None
    return 100 * row.share.served_us / row.share.total_us

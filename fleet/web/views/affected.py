"""What an incident hits, gateway by gateway: who is still lost, since when, who is back; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from fleet.facts.states import GatewayState
from fleet.lang.text import collation
from fleet.live.model import NetworkNow
from fleet.registry.store import Commune
from fleet.web.incident_views import MemberLine
from fleet.web.rendering import Words
from fleet.web.views.tables import Column


class Part(StrEnum):
    """A gateway's part in the incident."""

    LOST = "lost"
    BACK = "back"


@dataclass(frozen=True, slots=True, kw_only=True)
class AffectedRow:
    """One gateway of an incident."""

    eui: str
    name: str
    commune_insee: str
    commune: str
    epci: str
    part: Part
    state: GatewayState
    proved: bool
    suspect: bool
    incoherent: bool
    since_us: int
    """When it was lost."""
    restored_us: int | None
    last_word_us: int | None


def rows_of(
    members: Iterable[MemberLine], network: NetworkNow, communes: Mapping[str, Commune]
) -> list[AffectedRow]:
    """Return a row for each gateway that is still in the registry."""
    rows = []
    for one in members:
        now = network.gateways.get(one.eui)
        if now is None:
            continue
        commune = communes.get(now.commune_insee)
        rows.append(
            AffectedRow(
                eui=one.eui,
                name=now.name,
                commune_insee=now.commune_insee,
                commune=commune.name if commune else now.commune_insee,
                epci=commune.epci if commune else "",
                part=Part.LOST if one.restored_us is None else Part.BACK,
                state=now.state,
                proved=now.proved,
                suspect=now.suspect,
                incoherent=now.incoherent,
                since_us=one.since_us,
                restored_us=one.restored_us,
                last_word_us=now.last_word_us,
            )
        )
    return rows


def filtered(rows: Iterable[AffectedRow], part: str, text: str) -> list[AffectedRow]:
    """Return the rows with a part, and with the text in name, commune, EPCI or EUI."""
    wanted = collation(text)
    return [
        row
        for row in rows
        if (not part or row.part == part)
        and (not wanted or wanted in collation(" ".join((row.name, row.commune, row.epci, row.eui))))
    ]


def columns() -> list[Column[AffectedRow]]:
    """Return the columns, those still lost for longest first."""
    return [
        Column(key="part", title="affected.part", value=lambda row: (row.part is Part.BACK, row.since_us)),
        Column(key="name", title="gateways.name", value=lambda row: collation(row.name)),
        Column(key="commune", title="gateways.commune", value=lambda row: collation(row.commune)),
        Column(key="epci", title="communes.epci", value=lambda row: collation(row.epci), secondary=True),
        Column(key="since", title="affected.since", value=lambda row: row.since_us, numeric=True),
        Column(
            key="back", title="affected.back", value=lambda row: row.restored_us, numeric=True, secondary=True
        ),
        Column(
            key="word",
            title="gateways.word",
            value=lambda row: row.last_word_us,
            numeric=True,
            secondary=True,
        ),
    ]


def export_columns(words: Words) -> list[Column[AffectedRow]]:
    """Return the columns of the export: words, and instants in full."""

    def moment(at_us: int | None) -> str:
        return "" if at_us is None else words.moment(at_us, seconds=True)

    return [
        Column(key="eui", title="gateways.eui", value=lambda row: row.eui),
        Column(key="name", title="gateways.name", value=lambda row: row.name),
        Column(key="commune", title="gateways.commune", value=lambda row: row.commune),
        Column(key="insee", title="communes.insee", value=lambda row: row.commune_insee),
        Column(key="epci", title="communes.epci", value=lambda row: row.epci),
        Column(key="part", title="affected.part", value=lambda row: words.t(f"affected.{row.part}")),
        Column(key="since", title="affected.since", value=lambda row: moment(row.since_us)),
        Column(key="back", title="affected.back", value=lambda row: moment(row.restored_us)),
        Column(key="word", title="gateways.word", value=lambda row: moment(row.last_word_us)),
    ]

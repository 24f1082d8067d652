"""Gateways as the table shows them; pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from agent.wire.messages import Heartbeat
from fleet.availability.figures import Share
from fleet.facts.states import Cause, GatewayState
from fleet.lang.text import collation
from fleet.live.model import GatewayNow, NetworkNow
from fleet.registry.roll import OnRoll
from fleet.registry.store import Commune, Gateway
from fleet.web.rendering import Words
from fleet.web.views.tables import Column

URGENCY = {
    GatewayState.DOWN: 0,
    GatewayState.BUFFERING: 1,
    GatewayState.UNKNOWN: 2,
    GatewayState.MAINTENANCE: 3,
    GatewayState.SERVING: 4,
    GatewayState.OUT: 5,
}
"""Worst first, always."""
COUNTERS = ("received", "delivered", "stored")
"""Columns that come from the last heartbeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayRow:
    """One row."""

    eui: str
    name: str
    site: str
    commune_insee: str
    commune: str
    epci: str
    state: GatewayState
    since_us: int
    proved: bool
    suspect: bool
    incoherent: bool
    cause: Cause
    last_word_us: int | None
    received: int | None
    delivered: int | None
    stored: int | None
    share: Share | None
    version: int | None
    unbalanced_frames: int = 0
    """Frames by which the gateway's own count of them is wrong."""
    silent: bool = False
    """In service, but receives nothing while its neighbours do (``fleet.airtime.hearing``)."""


SUSPECT = "suspect"
"""Stands for a state in the list's filter: gateways whose connection closed a moment ago."""
UNBALANCED = "unbalanced"
"""Stands for a state in the list's filter: gateways whose count of frames is wrong."""
SILENT = "silent"
"""Stands for a state in the list's filter: gateways in service that hear nothing while neighbours do."""


def rows_of(
    network: NetworkNow,
    roll: Iterable[Gateway | OnRoll],
    communes: Mapping[str, Commune],
    *,
    beats: Mapping[str, Heartbeat],
    shares: Mapping[str, Share],
    unbalanced: Mapping[str, int] | None = None,
    silent: Collection[str] = (),
) -> list[GatewayRow]:
    """Return a row for every gateway of the registry, whether it ever spoke or not."""
    rows = [
        _row(
            one,
            network.gateways.get(one.eui),
            communes.get(one.commune_insee),
            beats.get(one.eui),
            shares.get(one.eui),
        )
        for one in roll
    ]
    wrong = unbalanced or {}
    return [
        replace(
            row,
            unbalanced_frames=wrong.get(row.eui, 0),
            silent=row.state is GatewayState.SERVING and row.eui in silent,
        )
        for row in rows
    ]


def _row(
    gateway: Gateway | OnRoll,
    now: GatewayNow | None,
    commune: Commune | None,
    beat: Heartbeat | None,
    share: Share | None,
) -> GatewayRow:
    row = GatewayRow(
        eui=gateway.eui,
        name=gateway.name,
        site=gateway.site_name,
        commune_insee=gateway.commune_insee,
        commune=commune.name if commune else gateway.commune_insee,
        epci=commune.epci if commune else "",
        state=now.state if now else GatewayState.OUT,
        since_us=now.since_us if now else 0,
        proved=now.proved if now else True,
        suspect=now.suspect if now else False,
        incoherent=now.incoherent if now else False,
        cause=now.cause if now else Cause.NONE,
        last_word_us=now.last_word_us if now else None,
        received=None,
        delivered=None,
        stored=None,
        share=share,
        version=now.config_version if now else None,
    )
    return counted(row, beat)


def counted(row: GatewayRow, beat: Heartbeat | None) -> GatewayRow:
    """Return the row with the counters of its last heartbeat."""
    if beat is None:
        return row
    return replace(
        row,
        received=beat.received,
        delivered=beat.delivered,
        stored=beat.spool_records,
        unbalanced_frames=beat.unbalanced_frames,
    )


def columns() -> list[Column[GatewayRow]]:
    """Return the columns of the table and its export."""
    return [
        Column(key="state", title="gateways.state", value=lambda row: (URGENCY[row.state], row.since_us)),
        Column(key="name", title="gateways.name", value=lambda row: collation(row.name)),
        Column(
            key="commune", title="gateways.commune", value=lambda row: collation(row.commune), secondary=True
        ),
        Column(key="since", title="gateways.since", value=lambda row: row.since_us or None, numeric=True),
        Column(
            key="word",
            title="gateways.word",
            value=lambda row: row.last_word_us,
            numeric=True,
            secondary=True,
        ),
        Column(
            key="received",
            title="gateways.received",
            value=lambda row: row.received,
            numeric=True,
            secondary=True,
        ),
        Column(
            key="delivered",
            title="gateways.delivered",
            value=lambda row: row.delivered,
            numeric=True,
            secondary=True,
        ),
        Column(
            key="stored", title="gateways.stored", value=lambda row: row.stored, numeric=True, secondary=True
        ),
        Column(key="month", title="gateways.month", value=_share, numeric=True, secondary=True),
        Column(
            key="version",
            title="gateways.version",
            value=lambda row: row.version,
            numeric=True,
            secondary=True,
        ),
    ]


def export_columns(words: Words) -> list[Column[GatewayRow]]:
    """Return the columns of the export: instants in full, states in words, the EUI too."""

    def moment(at_us: int | None) -> str:
        return words.moment(at_us, seconds=True) if at_us else ""

    plain = {column.key: column for column in columns()}
    return [
        Column(key="eui", title="gateways.eui", value=lambda row: row.eui),
        Column(key="name", title="gateways.name", value=lambda row: row.name),
        Column(key="commune", title="gateways.commune", value=lambda row: row.commune),
        Column(key="state", title="gateways.state", value=lambda row: words.t(f"state.{row.state}")),
        Column(
            key="radio",
            title="radio.state",
            value=lambda row: words.t("radio.state.silent") if row.silent else "",
        ),
        Column(key="since", title="gateways.since_at", value=lambda row: moment(row.since_us)),
        Column(key="word", title="gateways.word", value=lambda row: moment(row.last_word_us)),
        *(plain[key] for key in ("received", "delivered", "stored", "month", "version")),
    ]


def _marked(row: GatewayRow, state: str) -> bool:
    marks = {UNBALANCED: bool(row.unbalanced_frames), SUSPECT: row.suspect, SILENT: row.silent}
    return marks.get(state, False)


def _share(row: GatewayRow) -> float | None:
    if row.share is None or not row.share.counted:
        return None
    return 100 * row.share.served / row.share.counted


def filtered(rows: list[GatewayRow], state: str, text: str) -> list[GatewayRow]:
    """Return the rows in that state whose name, site, commune, EPCI or EUI holds ``text``."""
    wanted = collation(text.strip())
    return [
        row
        for row in rows
        if (not state or row.state == state or _marked(row, state))
        and (
            not wanted or wanted in collation(" ".join((row.name, row.site, row.commune, row.epci, row.eui)))
        )
    ]

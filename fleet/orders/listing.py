"""Work orders as lists, pages and sheets show them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, select

from fleet.identity.tables import enrolment_tokens
from fleet.orders.model import OrderFacts, OrderState, missing_papers, state_of
from fleet.orders.tables import acceptances, work_orders
from fleet.registry.tables import agreements, communes, sites

LIST_LIMIT = 2_000
"""Newest orders of a list; the network has 1,615 gateways."""
AS_STORED = (
    *("id", "eui", "site_id", "site_name", "planned_on", "made_at_us", "made_by", "hardware", "antenna"),
    *("backhaul", "contact", "commune", "revoked_because", "acceptance_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as lists, pages and sheets show it."""

    id: int
    eui: str | None
    state: OrderState
    site_id: int
    site_name: str
    site_address: str
    commune: str
    commune_insee: str
    latitude_deg: float | None
    longitude_deg: float | None
    planned_on: str
    made_at_us: int
    made_by: str
    valid_until_us: int
    hardware: str
    antenna: str
    backhaul: str
    contact: str
    access: str
    revoked_because: str
    acceptance_id: int | None
    missing: tuple[str, ...] = field(default=())
    """Agreements that nobody has given."""


def _query() -> Select[Any]:
    return (
        select(
            work_orders,
            sites.c.name.label("site_name"),
            sites.c.address,
            sites.c.access_notes,
            sites.c.lat,
            sites.c.lon,
            communes.c.name.label("commune"),
            communes.c.insee,
            enrolment_tokens.c.used_at_us,
            enrolment_tokens.c.revoked_at_us.label("token_revoked_at_us"),
            acceptances.c.id.label("acceptance_id"),
        )
        .join(sites, sites.c.id == work_orders.c.site_id)
        .join(communes, communes.c.insee == sites.c.commune_insee)
        .outerjoin(enrolment_tokens, enrolment_tokens.c.id == work_orders.c.token_id)
        .outerjoin(acceptances, acceptances.c.work_order_id == work_orders.c.id)
    )


def load(connection: Connection, number: int, now_us: int) -> Order | None:
    """Return one order."""
    row = connection.execute(_query().where(work_orders.c.id == number)).mappings().first()
    return None if row is None else _orders(connection, [row], now_us)[0]


def load_orders(connection: Connection, now_us: int) -> list[Order]:
    """Return the newest orders, newest first."""
    query = _query().order_by(work_orders.c.id.desc()).limit(LIST_LIMIT)
    return _orders(connection, connection.execute(query).mappings().all(), now_us)


def _orders(connection: Connection, rows: Iterable[RowMapping], now_us: int) -> list[Order]:
    rows = list(rows)
    papers: dict[int, list[RowMapping]] = {row["site_id"]: [] for row in rows}
    for paper in connection.execute(select(agreements)).mappings():
        papers.get(paper["site_id"], []).append(paper)
    return [_order(row, missing_papers(papers[row["site_id"]]), now_us) for row in rows]


def _order(row: RowMapping, missing: tuple[str, ...], now_us: int) -> Order:
    facts = OrderFacts(
        eui=row["eui"],
        valid_until_us=row["valid_until_at_us"],
        enrolled=row["used_at_us"] is not None,
        revoked=row["revoked_at_us"] is not None or _lost_its_token(row),
        accepted=row["acceptance_id"] is not None,
    )
    return Order(
        **{name: row[name] for name in AS_STORED},
        state=state_of(facts, now_us),
        site_address=row["address"],
        commune_insee=row["insee"],
        latitude_deg=row["lat"],
        longitude_deg=row["lon"],
        valid_until_us=row["valid_until_at_us"],
        access=row["access"] or row["access_notes"],
        missing=missing,
    )


def _lost_its_token(row: RowMapping) -> bool:
    """Return whether the token was revoked unused: `fleet revoke`, or a newer order of the box."""
    return row["token_revoked_at_us"] is not None and row["used_at_us"] is None

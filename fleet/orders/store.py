"""Work orders in the database: made, bound to a scanned box, extended, revoked, listed; acts are audited."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, exists, insert, select, update

from agent.wire.eui import parse_eui
from agent.wire.order import WorkOrder
from fleet.configurations.orders import Wanted, first_configuration, make_order
from fleet.durations import DAY_US
from fleet.identity import audit
from fleet.identity.enrolments import order_secrets, store_token
from fleet.identity.foundation import Keys
from fleet.identity.tables import enrolment_tokens
from fleet.orders.listing import Order, load
from fleet.orders.model import (
    EXTENSION_LIMIT_DAYS,
    OrderRefused,
    OrderState,
    valid_until_us,
)
from fleet.orders.tables import acceptances, work_orders
from fleet.registry.model import Status
from fleet.registry.store import hang, load_gateway
from fleet.registry.tables import gateways, sites

PLANNED = (Status.PLANNED, Status.AGREED)
OF_ONE_ANTENNA = ("radio.antenna_gain_db", "radio.cable_loss_db")
"""Settings that no order takes over from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """What an order is made of."""

    site_id: int
    eui: str | None
    wanted: Wanted
    planned_on: str = ""
    hardware: str = ""
    antenna: str = ""
    backhaul: str = ""
    contact: str = ""
    access: str = ""


def make(connection: Connection, keys: Keys, new: NewOrder, *, who: str, now_us: int) -> int:
    """Make an order and return its number; older open orders of the same box are replaced.

    Raises:
        OrderRefused: no such site, the box hangs elsewhere, or a day that is none.
        ConfigurationError: a setting of version 1 that does not fit.
        AddressRefused: the LoRaWAN server's address is none.
    """
    first_configuration(new.wanted)
    if connection.scalar(select(sites.c.id).where(sites.c.id == new.site_id)) is None:
        raise OrderRefused("site: no such site", key="orders.refused.site")
    values = {
        "site_id": new.site_id,
        "planned_on": new.planned_on,
        "made_at_us": now_us,
        "made_by": who,
        "valid_until_at_us": valid_until_us(new.planned_on, now_us),
        "hardware": new.hardware,
        "antenna": new.antenna,
        "backhaul": new.backhaul,
        "contact": new.contact,
        "access": new.access,
        "wanted": msgspec.to_builtins(new.wanted),
    }
    made = insert(work_orders).values(values).returning(work_orders.c.id)
    number = int(connection.execute(made).scalar_one())
    after = {"site_id": new.site_id, "planned_on": new.planned_on, "eui": new.eui}
    _record(connection, number, "order.make", who=who, now_us=now_us, after=after)
    if new.eui is not None:
        _bind(connection, keys, number, new.eui, who=who, now_us=now_us)
    return number


def scan(connection: Connection, keys: Keys, number: int, typed: str, *, who: str, now_us: int) -> None:
    """Bind an order for any box to the one that was scanned; a box that nobody knows is entered.

    Raises:
        OrderRefused: the order waits for no box, no EUI, or a box that hangs elsewhere.
    """
    order = load(connection, number, now_us)
    if order is None or order.state is not OrderState.TO_SCAN:
        raise OrderRefused("order: waits for no box", key="orders.refused.scan")
    try:
        eui = parse_eui(typed)
    except ValueError as error:
        raise OrderRefused(f"eui: {error}", key="orders.refused.eui") from error
    if connection.scalar(select(gateways.c.eui).where(gateways.c.eui == eui)) is None:
        row = {"eui": eui, "name": order.site_name, "site_id": order.site_id, "status": Status.AGREED}
        equipment = {"hardware": order.hardware, "antenna": order.antenna}
        connection.execute(insert(gateways).values(row | equipment | {"planned_on": order.planned_on}))
        hang(connection, eui, order.site_id, now_us)
    _bind(connection, keys, number, eui, who=who, now_us=now_us)
    _record(connection, number, "order.scan", who=who, now_us=now_us, after={"eui": eui})


def _bind(connection: Connection, keys: Keys, number: int, eui: str, *, who: str, now_us: int) -> None:
    gateway = load_gateway(connection, eui)
    row = connection.execute(select(work_orders).where(work_orders.c.id == number)).mappings().one()
    if gateway is None:
        raise OrderRefused(f"eui: no gateway {eui}", key="orders.refused.unknown")
    if gateway.site_id != row["site_id"]:
        raise OrderRefused(f"eui: {eui} hangs at another site", key="orders.refused.elsewhere")
    older = (work_orders.c.eui == eui) & work_orders.c.revoked_at_us.is_(None) & ~_is_accepted()
    replaced = {"revoked_at_us": now_us, "revoked_because": str(number)}
    connection.execute(update(work_orders).where(older).values(replaced))
    token_id = store_token(
        connection,
        keys.authority,
        token=order_secrets(keys.authority, number, eui).token,
        eui=eui,
        site_id=gateway.site_id,
        valid_until_us=row["valid_until_at_us"],
        who=who,
        now_us=now_us,
    )
    bound = update(work_orders).where(work_orders.c.id == number)
    connection.execute(bound.values(eui=eui, token_id=token_id))


def document(connection: Connection, keys: Keys, number: int, *, who: str, now_us: int) -> WorkOrder:
    """Return what is flashed for an order; it may be asked for again until the token was used.

    Raises:
        OrderRefused: the order is not ready.
    """
    order = _must(connection, number, now_us, OrderState.READY)
    assert order.eui is not None
    gateway = load_gateway(connection, order.eui)
    assert gateway is not None
    wanted = select(work_orders.c.wanted).where(work_orders.c.id == number)
    made = make_order(
        connection,
        keys,
        gateway,
        msgspec.convert(connection.scalar(wanted), Wanted),
        number=number,
        valid_until_us=order.valid_until_us,
        who=who,
        now_us=now_us,
    )
    return msgspec.structs.replace(
        made, commune=order.commune, latitude_deg=order.latitude_deg, longitude_deg=order.longitude_deg
    )


def extend(connection: Connection, number: int, days: int, *, who: str, now_us: int) -> None:
    """Let an order hold for ``days`` longer, from its end or from now if that has passed.

    Raises:
        OrderRefused: it is used, revoked or accepted, or the days are beyond the limit.
    """
    order = _must(connection, number, now_us, OrderState.READY, OrderState.TO_SCAN, OrderState.EXPIRED)
    if not 1 <= days <= EXTENSION_LIMIT_DAYS:
        raise OrderRefused(f"days: 1 to {EXTENSION_LIMIT_DAYS}", key="orders.refused.days")
    until_us = max(order.valid_until_us, now_us) + days * DAY_US
    found = work_orders.c.id == number
    connection.execute(update(work_orders).where(found).values(valid_until_at_us=until_us))
    token = enrolment_tokens.c.id.in_(select(work_orders.c.token_id).where(found))
    connection.execute(update(enrolment_tokens).where(token).values(valid_until_at_us=until_us))
    before, after = {"valid_until_us": order.valid_until_us}, {"valid_until_us": until_us}
    _record(connection, number, "order.extend", who=who, now_us=now_us, before=before, after=after)


def revoke(connection: Connection, number: int, reason: str, *, who: str, now_us: int) -> None:
    """Put an order out of force; its token serves nobody any more.

    Raises:
        OrderRefused: it is used, revoked or accepted already, or the reason says nothing: a number alone
            stands for the order that replaced it.
    """
    _must(connection, number, now_us, OrderState.READY, OrderState.TO_SCAN, OrderState.EXPIRED)
    if not any(letter.isalpha() for letter in reason):
        raise OrderRefused("reason: some words", key="orders.refused.reason")
    found = work_orders.c.id == number
    ended = {"revoked_at_us": now_us, "revoked_because": reason[:200]}
    connection.execute(update(work_orders).where(found).values(ended))
    token = enrolment_tokens.c.id.in_(select(work_orders.c.token_id).where(found))
    unused = enrolment_tokens.c.used_at_us.is_(None)
    connection.execute(update(enrolment_tokens).where(token, unused).values(revoked_at_us=now_us))
    _record(connection, number, "order.revoke", who=who, now_us=now_us, after={"reason": reason})


def _must(connection: Connection, number: int, now_us: int, *states: OrderState) -> Order:
    order = load(connection, number, now_us)
    if order is None or order.state not in states:
        named = "none" if order is None else order.state
        raise OrderRefused(f"order {number}: {named}", key="orders.refused.state")
    return order


def _record(connection: Connection, number: int, action: str, **values: Any) -> None:
    audit.record(connection, action=action, subject=f"ordres/{number}", **values)


def _is_accepted() -> Any:
    return exists(select(1).where(acceptances.c.work_order_id == work_orders.c.id))


def make_planned(connection: Connection, keys: Keys, wanted: Wanted, *, who: str, now_us: int) -> list[int]:
    """Make an order for every planned gateway of the deployment sheet that has none; return their numbers.

    Raises:
        OrderRefused: a gateway's planned day is none; no order is made.
    """
    ordered = exists(
        select(1).where(work_orders.c.eui == gateways.c.eui, work_orders.c.revoked_at_us.is_(None))
    )
    query = select(gateways).where(gateways.c.status.in_(PLANNED), ~ordered).order_by(gateways.c.eui)
    rows = connection.execute(query).mappings().all()
    return [make(connection, keys, _planned(row, wanted, now_us), who=who, now_us=now_us) for row in rows]


def _planned(row: RowMapping, wanted: Wanted, now_us: int) -> NewOrder:
    """Return the order of a planned gateway."""
    try:
        valid_until_us(row["planned_on"], now_us)
    except OrderRefused as error:
        raise OrderRefused(
            f"for: {row['eui']}, {error}",
            key="orders.refused.sheet_day",
            site=row["name"],
            day=row["planned_on"],
        ) from error
    return NewOrder(
        site_id=row["site_id"],
        eui=row["eui"],
        wanted=wanted,
        planned_on=row["planned_on"],
        hardware=row["hardware"],
        antenna=row["antenna"],
        backhaul=row["backhaul_operator"],
    )


def default_wanted(connection: Connection, fallback: Wanted) -> Wanted:
    """Return what the newest order wanted, without its own antenna; ``fallback`` before the first."""
    newest = select(work_orders.c.wanted).order_by(work_orders.c.id.desc()).limit(1)
    row = connection.scalar(newest)
    if row is None:
        return fallback
    newest_wanted = msgspec.convert(row, Wanted)
    changes = {path: value for path, value in newest_wanted.changes.items() if path not in OF_ONE_ANTENNA}
    return replace(newest_wanted, changes=changes)

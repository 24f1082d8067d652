"""Members, weights and settings of a month as they stood at 00:00 on the 1st in Paris (AVAILABILITY §8).

    closer, every minute ─▶ is_due ─▶ take: version 1, within a minute of midnight
    an administrator and a second person ─▶ correct: one version more, with both names and a reason
    load_month ─▶ on_snapshot: the newest version counts; what is edited later holds from the next month

A snapshot that is taken late (the process did not run at midnight) leaves out what was recorded after that.
A month of which nobody was a member before it began has none: its figures say so.
"""

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, func, insert, select

from fleet.availability import document
from fleet.availability.reckoning import CommuneCard, GatewayCard, MonthInput
from fleet.facts.model import Membership, NetworkFacts, Snapshot
from fleet.facts.months import Window, month_window
from fleet.facts.settings import ContractSettings
from fleet.identity import audit
from fleet.months.tables import month_snapshots
from fleet.registry.store import load_communes, load_gateways
from fleet.registry.tables import memberships

AUTHOR = "passerelle"
"""Who takes version 1."""
REASON_LIMIT_CHARACTERS = 300


class CorrectionRefused(ValueError):
    """A correction without a second person, a reason, or a snapshot to correct."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Who corrects a snapshot, who agrees, and why."""

    author: str
    second: str
    reason: str


def is_due(connection: Connection, month: str) -> bool:
    """Return whether a month has no snapshot yet and somebody was a member before it began."""
    if connection.scalar(select(func.count()).where(month_snapshots.c.month == month)):
        return False
    before = memberships.c.recorded_at_us < month_window(month).start_us
    return connection.scalar(select(memberships.c.id).where(before).limit(1)) is not None


def take(connection: Connection, month: str, settings: ContractSettings, *, now_us: int) -> Snapshot:
    """Take version 1 of a month's snapshot."""
    content = _content(connection, month, settings, known_before_us=month_window(month).start_us)
    by = Correction(author=AUTHOR, second="", reason="")
    return _store(connection, month, 1, content, by, now_us=now_us)


def correct(
    connection: Connection, month: str, settings: ContractSettings, by: Correction, *, now_us: int
) -> Snapshot:
    """Take one more version from the registry and settings as they stand.

    Raises:
        CorrectionRefused: nobody else agreed, no reason, or nothing changed.
        ValueError: not a month.
    """
    if by.second in ("", by.author):
        raise CorrectionRefused("second: another person must agree to a correction")
    if not by.reason.strip() or len(by.reason) > REASON_LIMIT_CHARACTERS:
        raise CorrectionRefused(f"reason: missing, or beyond {REASON_LIMIT_CHARACTERS} characters")
    content = _content(connection, month, settings, known_before_us=None)
    newest = max(load_snapshots(connection, month), key=lambda one: one.version, default=None)
    if newest is None:
        raise CorrectionRefused(f"month: {month} has no snapshot; its figures come from the registry")
    if newest.hash == _hash(content):
        raise CorrectionRefused("month: the registry says what the snapshot says")
    return _store(connection, month, newest.version + 1, content, by, now_us=now_us)


def load_snapshots(connection: Connection, month: str) -> tuple[Snapshot, ...]:
    """Return the snapshots of a month, oldest first."""
    columns = [column for column in month_snapshots.c if column.name != "content"]
    query = select(*columns).where(month_snapshots.c.month == month).order_by(month_snapshots.c.version)
    return tuple(Snapshot(**row) for row in connection.execute(query).mappings())


def on_snapshot(connection: Connection, given: MonthInput) -> MonthInput:
    """Return a month on its newest snapshot; as it is where it has none."""
    snapshots = load_snapshots(connection, given.month)
    if not snapshots:
        return given
    newest = snapshots[-1]
    mine = (month_snapshots.c.month == given.month) & (month_snapshots.c.version == newest.version)
    content: bytes = connection.scalar(select(month_snapshots.c.content).where(mine)) or b""
    kept = document.read(zlib.decompress(content).splitlines(keepends=True))
    sensors = {card.insee: card.sensors for card in given.communes}
    return replace(
        given,
        facts=replace(given.facts, memberships=kept.facts.memberships),
        communes=tuple(replace(card, sensors=sensors.get(card.insee, 0)) for card in kept.communes),
        gateways=kept.gateways,
        settings=kept.settings,
        snapshots=snapshots,
    )


def wrong_hashes(connection: Connection, month: str) -> list[int]:
    """Return the versions of a month's snapshot whose content is not what their hash says."""
    query = select(month_snapshots.c.version, month_snapshots.c.hash, month_snapshots.c.content)
    rows = connection.execute(query.where(month_snapshots.c.month == month))
    return [
        version
        for version, hash_, content in rows
        if _hash(zlib.decompress(content).splitlines(keepends=True)) != hash_
    ]


def commune_cards(connection: Connection) -> tuple[CommuneCard, ...]:
    """Return what each commune weighs and belongs to, by INSEE code."""
    return tuple(
        CommuneCard(
            insee=one.insee,
            name=one.name,
            epci=one.epci,
            departement=one.departement,
            population=one.population,
        )
        for one in sorted(load_communes(connection), key=lambda commune: commune.insee)
    )


def gateway_cards(connection: Connection) -> tuple[GatewayCard, ...]:
    """Return the failure domains of each gateway, by EUI."""
    return tuple(
        GatewayCard(
            eui=one.eui,
            backhaul_operator=one.backhaul_operator,
            power_feeder=one.power_feeder,
            wave=one.firmware,
        )
        for one in sorted(load_gateways(connection), key=lambda gateway: gateway.eui)
    )


def within(rows: Iterable[Membership], window: Window) -> tuple[Membership, ...]:
    """Return the memberships that touch a window."""
    return tuple(
        one
        for one in rows
        if one.valid_from_us < window.end_us
        and (one.valid_to_us is None or one.valid_to_us > window.start_us)
    )


def _content(
    connection: Connection, month: str, settings: ContractSettings, *, known_before_us: int | None
) -> list[bytes]:
    window = month_window(month)
    given = MonthInput(
        month=month,
        as_of_us=window.start_us,
        facts=NetworkFacts(memberships=within(_members(connection, known_before_us), window)),
        communes=commune_cards(connection),
        gateways=gateway_cards(connection),
        settings=settings,
    )
    return list(document.write(given))


def _members(connection: Connection, known_before_us: int | None) -> Iterable[Membership]:
    """Yield the memberships as they were known before an instant; None: as they are known."""
    for row in connection.execute(select(memberships).order_by(memberships.c.id)).mappings():
        ended_us, until_us = row["ended_at_us"], row["valid_until_at_us"]
        if known_before_us is not None:
            if row["recorded_at_us"] >= known_before_us:
                continue
            if ended_us is not None and ended_us >= known_before_us:
                until_us = None
        yield Membership(
            id=str(row["id"]),
            commune_insee=row["commune_insee"],
            eui=row["eui"],
            valid_from_us=row["valid_from_at_us"],
            valid_to_us=until_us,
            approved_by=row["approved_by"],
            recorded_at_us=row["recorded_at_us"],
        )


def _store(
    connection: Connection,
    month: str,
    version: int,
    content: list[bytes],
    by: Correction,
    *,
    now_us: int,
) -> Snapshot:
    made = Snapshot(
        month=month,
        version=version,
        taken_at_us=now_us,
        hash=_hash(content),
        author=by.author,
        second=by.second,
        reason=by.reason.strip(),
    )
    row = {name: getattr(made, name) for name in made.__slots__}
    connection.execute(insert(month_snapshots).values(row | {"content": zlib.compress(b"".join(content), 6)}))
    audit.record(
        connection,
        now_us=now_us,
        who=by.author,
        action="month.snapshot",
        subject=month,
        after={"version": version, "hash": made.hash, "second": by.second, "reason": made.reason},
    )
    return made


def _hash(content: Iterable[bytes]) -> str:
    """Return the SHA-256 of all lines but the header, which names the code version."""
    return hashlib.sha256(b"".join(sorted(list(content)[1:]))).hexdigest()

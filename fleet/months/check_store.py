"""`passerelle fleet check`: the versions of closed months against the evidence in the database."""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import Connection, select, tuple_

from fleet.availability import document
from fleet.availability.document import DocumentError
from fleet.evidence.boots import groups
from fleet.evidence.load import load_records, load_stored_runs
from fleet.evidence.tables import heartbeat_runs, journal_records
from fleet.facts.model import Fact, HeartbeatRun, JournalFact
from fleet.facts.settings import ContractSettings
from fleet.months import snapshots
from fleet.months.checking import Finding, check_against, check_itself, check_stamp, same_fact
from fleet.months.closing import Version
from fleet.months.inputs import load_month
from fleet.months.stamping import stamp_of
from fleet.months.timestamp import Authority
from fleet.months.versions import every_version


def check_month(
    connection: Connection,
    month: str,
    settings: ContractSettings,
    *,
    now_us: int,
    authority: Authority | None = None,
) -> Iterator[Finding]:
    """Yield everything in which the versions of a month differ from their facts and from the evidence."""
    for wrong in snapshots.wrong_hashes(connection, month):
        text = f"snapshot {wrong} is not what its hash says"
        yield Finding(month=month, version=0, what="snapshot", text=text)
    newest: tuple[Version, int] | None = None
    for expected, (version, closed_at_us) in enumerate(every_version(connection, month), start=1):
        if version.number != expected:
            text = f"version {expected} is missing"
            yield Finding(month=month, version=version.number, what="numbers", text=text)
        yield from check_itself(version)
        if wrong_stamp := check_stamp(version, stamp_of(connection, month, version.number), authority):
            yield wrong_stamp
        newest = (version, closed_at_us)
    if newest is None:
        return
    version, closed_at_us = newest
    given = load_month(connection, month, settings, now_us)
    skipped = sum(one.skipped for one in given.facts.gateways.values())
    if skipped:
        text = f"{skipped} stored rows of gateways hold numbers that none can mean; they prove nothing"
        yield Finding(month=month, version=version.number, what="skipped", text=text)
    yield from check_against(version, closed_at_us, given, _lost(connection, version), now_us)


def _lost(connection: Connection, version: Version) -> list[Fact]:
    """Return the facts of gateways that a version carries and the evidence has no more, or otherwise."""
    try:
        facts = list(document.facts_of(document.read(version.facts).facts))
    except DocumentError:
        return []
    runs = [fact for fact in facts if isinstance(fact, HeartbeatRun)]
    records = [fact for fact in facts if isinstance(fact, JournalFact)]
    return [*_lost_runs(connection, runs), *_lost_records(connection, records)]


def _lost_runs(connection: Connection, facts: Sequence[HeartbeatRun]) -> Iterable[Fact]:
    table = heartbeat_runs
    key = tuple_(table.c.eui, table.c.boot, table.c.first_seq)
    for some in groups(facts):
        wanted = {(fact.eui, fact.boot, fact.first_seq) for fact in some}
        query = select(table).where(key.in_(sorted(wanted)))
        known = {(one.eui, one.boot, one.first_seq): one for one in load_stored_runs(connection, query)}
        for fact in some:
            stored = known.get((fact.eui, fact.boot, fact.first_seq))
            if stored is None or not same_fact(fact, stored):
                yield fact


def _lost_records(connection: Connection, facts: Sequence[JournalFact]) -> Iterable[Fact]:
    table = journal_records
    key = tuple_(table.c.eui, table.c.boot, table.c.journal_seq)
    for some in groups(facts):
        wanted = {(fact.eui, fact.boot, fact.journal_seq) for fact in some}
        query = select(table).where(key.in_(sorted(wanted)))
        known = {(one.eui, one.boot, one.journal_seq): one for one in load_records(connection, query)}
        for fact in some:
            stored = known.get((fact.eui, fact.boot, fact.journal_seq))
            if stored is None or not same_fact(fact, stored):
                yield fact

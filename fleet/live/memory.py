"""What the engine remembers of each gateway between cycles: its facts of the month and its last word.

A mirror of committed rows, so that a cycle reads no evidence from the database.  Both classes are values:
what a batch or people change gives another memory, and the one before stays as it was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from agent.wire.messages import Heartbeat, Presence
from fleet.evidence.allowance import UNUSED, Allowance
from fleet.evidence.ingest import Sorted
from fleet.evidence.quarantine import Quarantine
from fleet.facts.model import (
    Commissioning,
    GatewayFacts,
    HeartbeatRun,
    JournalFact,
    Maintenance,
    OperatorStatement,
    journal_fact,
)

Number: TypeAlias = tuple[int, int]
"""Boot with the first sequence number of a run, or with the number of a record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayMemory:
    """One gateway."""

    eui: str
    newest_run: HeartbeatRun | None = None
    """The run that the next heartbeat is compared with."""
    past_runs: Mapping[Number, HeartbeatRun] = field(default_factory=dict)
    """Every other run."""
    journal: Mapping[Number, JournalFact] = field(default_factory=dict)
    commissioning: tuple[Commissioning, ...] = ()
    maintenances: tuple[Maintenance, ...] = ()
    statements: tuple[OperatorStatement, ...] = ()
    heartbeat: Heartbeat | None = None
    heartbeat_at_us: int | None = None
    presence: Presence | None = None
    presence_at_us: int | None = None
    skipped: int = 0
    """Stored rows that prove nothing (``fleet.evidence.coherence``)."""
    incoherent_at_us: int | None = None
    """When it newest gave numbers that no gateway can mean."""
    allowance: Allowance = field(default=UNUSED, compare=False)
    """What it has used of what it may say since this process began."""
    quarantine: Quarantine | None = None
    """Nobody listens to it: it went beyond a budget."""
    version: int = field(default=0, compare=False)
    """Grows when a fact changes anything but the end of the newest run."""
    stamp: int = field(default=0, compare=False)
    """Grows whenever something of this gateway arrived."""

    @property
    def runs(self) -> tuple[HeartbeatRun, ...]:
        """Every run, the newest last."""
        past = tuple(self.past_runs.values())
        return past if self.newest_run is None else (*past, self.newest_run)

    def facts(self) -> GatewayFacts:
        """Return the facts in the form that timelines are computed from; deliveries decide none."""
        return GatewayFacts(
            eui=self.eui,
            runs=self.runs,
            journal=tuple(self.journal.values()),
            commissioning=self.commissioning,
            maintenances=self.maintenances,
            statements=self.statements,
            skipped=self.skipped,
        )

    def knows(self, boot: int) -> bool:
        """Return whether a heartbeat of that boot is remembered."""
        newest = self.newest_run
        return (newest is not None and newest.boot == boot) or any(
            known == boot for known, _ in self.past_runs
        )

    def count(self, boot: int) -> int:
        """Return how many runs and records of that boot are remembered."""
        return sum(run.boot == boot for run in self.runs) + sum(known == boot for known, _ in self.journal)

    def with_run(self, run: HeartbeatRun) -> "GatewayMemory":
        """Return the memory with a run that is new or longer than before."""
        newest = self.newest_run
        if newest is not None and _number(newest) == _number(run):
            return replace(self, newest_run=run, stamp=self.stamp + 1)
        past = dict(self.past_runs)
        if newest is not None:
            past[_number(newest)] = newest
        known = past.pop(_number(run), None)
        return self.changed(facts=known is None, newest_run=run, past_runs=past)

    def with_records(self, records: Iterable[JournalFact]) -> "GatewayMemory":
        """Return the memory with those records whose number is new."""
        new = {(one.boot, one.journal_seq): one for one in records}
        new = {number: one for number, one in new.items() if number not in self.journal}
        return self.changed(journal={**self.journal, **new}) if new else self

    def changed(self, *, facts: bool = True, **fields: Any) -> "GatewayMemory":
        """Return the memory with other fields, newer than this one."""
        return replace(self, **fields, version=self.version + facts, stamp=self.stamp + 1)


@dataclass(frozen=True, slots=True)
class Memory:
    """All gateways."""

    gateways: Mapping[str, GatewayMemory] = field(default_factory=dict)

    def of(self, eui: str) -> GatewayMemory:
        """Return the memory of one gateway, an empty one when nothing is known."""
        found = self.gateways.get(eui)
        return GatewayMemory(eui=eui) if found is None else found

    def with_gateways(self, changed: Mapping[str, GatewayMemory]) -> "Memory":
        """Return the memory with these gateways in the stead of what was known of them."""
        return Memory({**self.gateways, **changed}) if changed else self

    def with_batch(self, rows: Sorted) -> "Memory":
        """Return the memory after a batch."""
        changed: dict[str, GatewayMemory] = {}

        def of(eui: str) -> GatewayMemory:
            return changed.get(eui) or self.of(eui)

        for (eui, _, _), run in rows.runs.items():
            changed[eui] = of(eui).with_run(run)
        for eui, (heartbeat, _, at_us) in rows.heartbeats.items():
            changed[eui] = replace(of(eui), heartbeat=heartbeat, heartbeat_at_us=at_us)
        for eui, (presence, at_us) in rows.presence.items():
            known = of(eui)
            changed[eui] = replace(known, presence=presence, presence_at_us=at_us, stamp=known.stamp + 1)
        for eui, records in _records(rows).items():
            changed[eui] = of(eui).with_records(records)
        for eui, (_, _, at_us) in rows.incoherent.items():
            changed[eui] = of(eui).changed(facts=False, incoherent_at_us=at_us)
        for eui, allowance in rows.allowances.items():
            changed[eui] = replace(of(eui), allowance=allowance)
        for eui, held in rows.quarantines.items():
            changed[eui] = of(eui).changed(facts=False, quarantine=held)
        return self.with_gateways(changed)

    def unsure(self, rows: Sorted) -> frozenset[tuple[str, int]]:
        """Return EUI and boot where the store may know more than this memory after the batch.

        A boot of which something came although none of its heartbeats is remembered, or whose end a record
        tells: the facts of its gateway are read again if the store has more of them (``restore``).
        """
        found = {(eui, boot) for eui, boot, _ in rows.runs if not self.of(eui).knows(boot)}
        for eui, record, _ in rows.journal:
            known = self.of(eui)
            if (record.boot, record.journal_seq) in known.journal:
                continue
            if not known.knows(record.boot):
                found.add((eui, record.boot))
            if record.previous is not None:
                found.add((eui, record.previous.boot))
        return frozenset(found)

    def with_people(
        self,
        commissioning: Iterable[Commissioning],
        maintenances: Iterable[Maintenance],
        statements: Iterable[OperatorStatement],
    ) -> "Memory":
        """Return the memory with the facts of people as they stand; other gateways stay as they were."""
        wanted: dict[str, _OfPeople] = {}
        for edge in commissioning:
            wanted.setdefault(edge.eui, _OfPeople()).commissioning.append(edge)
        for works in maintenances:
            for eui in works.euis:
                wanted.setdefault(eui, _OfPeople()).maintenances.append(works)
        for statement in statements:
            wanted.setdefault(statement.eui, _OfPeople()).statements.append(statement)
        changed = {}
        for eui in wanted.keys() | self.gateways.keys():
            known, fields = self.of(eui), wanted.get(eui, _OfPeople()).fields()
            if any(getattr(known, name) != value for name, value in fields.items()):
                changed[eui] = known.changed(**fields)
        return self.with_gateways(changed)


@dataclass(slots=True)
class _OfPeople:
    """What people stated about one gateway."""

    commissioning: list[Commissioning] = field(default_factory=list)
    maintenances: list[Maintenance] = field(default_factory=list)
    statements: list[OperatorStatement] = field(default_factory=list)

    def fields(self) -> dict[str, Any]:
        return {name: tuple(getattr(self, name)) for name in self.__slots__}


def _records(rows: Sorted) -> dict[str, list[JournalFact]]:
    found: dict[str, list[JournalFact]] = {}
    for eui, record, at_us in rows.journal:
        found.setdefault(eui, []).append(journal_fact(eui, record, at_us))
    return found


def _number(run: HeartbeatRun) -> Number:
    return (run.boot, run.first_seq)

"""What the engine remembers of each gateway between cycles: its facts of the month and its last word.

A mirror of committed rows, so that a cycle reads no evidence from the database.  ``History`` is computed once
for a set of facts and kept until they change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.wire.beat import with_known
from agent.wire.messages import Heartbeat, Presence, encode
from fleet.availability.history import History, history
from fleet.evidence.ingest import Sorted
from fleet.facts.model import (
    Commissioning,
    GatewayFacts,
    HeartbeatRun,
    JournalFact,
    Maintenance,
    OperatorStatement,
    journal_fact,
)
from fleet.facts.settings import ContractSettings


@dataclass(slots=True, eq=False)
class GatewayMemory:
    """One gateway."""

    eui: str
    runs: dict[tuple[int, int], HeartbeatRun] = field(default_factory=dict)
    journal: dict[tuple[int, int], JournalFact] = field(default_factory=dict)
    commissioning: tuple[Commissioning, ...] = ()
    maintenances: tuple[Maintenance, ...] = ()
    statements: tuple[OperatorStatement, ...] = ()
    newest_run: HeartbeatRun | None = None
    heartbeat: Heartbeat | None = None
    heartbeat_at_us: int | None = None
    presence: Presence | None = None
    presence_at_us: int | None = None
    version: int = 0
    """Grows when a fact changes anything but the end of the newest run."""
    stamp: int = 0
    """Grows whenever anything was heard."""
    _history: History | None = None

    def facts(self) -> GatewayFacts:
        """Return the facts in the form that timelines are computed from; deliveries decide none."""
        return GatewayFacts(
            eui=self.eui,
            runs=tuple(self.runs.values()),
            journal=tuple(self.journal.values()),
            commissioning=self.commissioning,
            maintenances=self.maintenances,
            statements=self.statements,
        )

    def history(self, settings: ContractSettings) -> History:
        """Return what the facts prove."""
        if self._history is None:
            self._history = history(self.facts(), settings)
        return self._history

    def add_run(self, run: HeartbeatRun) -> None:
        """Take a run that is new or longer than before."""
        extends = (run.boot, run.first_seq) in self.runs
        self.runs[run.boot, run.first_seq] = run
        self.newest_run = run
        self.changed(facts=not extends)

    def heard(self, boot: int) -> bool:
        """Return whether a heartbeat of that boot is remembered."""
        return any(known == boot for known, _ in self.runs)

    def count(self, boot: int) -> int:
        """Return how many runs and records of that boot are remembered."""
        return sum(known == boot for known, _ in (*self.runs, *self.journal))

    def changed(self, *, facts: bool = True) -> None:
        """Forget what was computed."""
        self._history = None
        self.version += facts
        self.stamp += 1


class Memory:
    """All gateways."""

    def __init__(self) -> None:
        self.gateways: dict[str, GatewayMemory] = {}
        self.spoken_of: set[tuple[str, int]] = set()
        """Boots of which something came although none of their heartbeats was remembered, or whose end was
        told: if the store knows more of one, its gateway's facts are to be read again (``recall``)."""

    def of(self, eui: str) -> GatewayMemory:
        """Return the memory of one gateway, made when it is new."""
        found = self.gateways.get(eui)
        if found is None:
            found = self.gateways[eui] = GatewayMemory(eui)
        return found

    def newest_run(self, eui: str) -> HeartbeatRun | None:
        """Return the newest run of one gateway."""
        found = self.gateways.get(eui)
        return None if found is None else found.newest_run

    def complete(self, rows: Sorted) -> None:
        """Carry vitals that heartbeats do not tell forward, so that what is stored has them too."""
        for eui, (heartbeat, _, at_us) in rows.heartbeats.items():
            known = self.gateways.get(eui)
            if known is not None and known.heartbeat is not None:
                whole = with_known(heartbeat, known.heartbeat)
                rows.heartbeats[eui] = (whole, encode(whole), at_us)

    def take(self, rows: Sorted) -> None:
        """Remember a batch that was committed."""
        for (eui, boot, _), run in rows.runs.items():
            one = self.of(eui)
            if not one.heard(boot):
                self.spoken_of.add((eui, boot))
            one.add_run(run)
        for eui, (heartbeat, _, at_us) in rows.heartbeats.items():
            one = self.of(eui)
            one.heartbeat, one.heartbeat_at_us = heartbeat, at_us
        for eui, (presence, at_us) in rows.presence.items():
            one = self.of(eui)
            one.presence, one.presence_at_us = presence, at_us
            one.stamp += 1
        for eui, record, at_us in rows.journal:
            one = self.of(eui)
            key = (record.boot, record.journal_seq)
            if key not in one.journal:
                if not one.heard(record.boot):
                    self.spoken_of.add((eui, record.boot))
                if record.previous is not None:
                    self.spoken_of.add((eui, record.previous.boot))
                one.journal[key] = journal_fact(eui, record, at_us)
                one.changed()

    def replace_people(
        self,
        commissioning: Iterable[Commissioning],
        maintenances: Iterable[Maintenance],
        statements: Iterable[OperatorStatement],
    ) -> None:
        """Take the facts of people as they stand; only gateways whose facts differ are computed again."""
        wanted: dict[str, tuple[list[Commissioning], list[Maintenance], list[OperatorStatement]]] = {}
        for edge in commissioning:
            wanted.setdefault(edge.eui, ([], [], []))[0].append(edge)
        for works in maintenances:
            for eui in works.euis:
                wanted.setdefault(eui, ([], [], []))[1].append(works)
        for statement in statements:
            wanted.setdefault(statement.eui, ([], [], []))[2].append(statement)
        for eui in wanted.keys() | self.gateways.keys():
            one = self.of(eui)
            told = wanted.get(eui, ([], [], []))
            present = (one.commissioning, one.maintenances, one.statements)
            if present != (new := (tuple(told[0]), tuple(told[1]), tuple(told[2]))):
                one.commissioning, one.maintenances, one.statements = new
                one.changed()

"""How far each boot's journal is settled, and what its gateway is asked for again.

    record stored, given up or gone at the gateway   the settled prefix grows: ``through_seq``
    heartbeat, record or the next BOOT speaks of n   ``expected_seq`` is n at least
    through_seq < expected_seq for a while           the gateway is asked for what lies between

A broker's acknowledgement is its memory only, so a gateway keeps a record until our own acknowledgement names
it.  Progress is written in the transaction that stores the records, and acknowledged after its commit.
"""

from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from typing import TypeAlias

from sqlalchemy import Connection, RowMapping, select, tuple_

from agent.wire.messages import Change, SeqSpan
from fleet.db.upsert import upsert
from fleet.durations import HOUR_US, SECOND_US
from fleet.evidence.boots import groups
from fleet.evidence.ingest import Sorted
from fleet.evidence.tables import journal_progress, journal_records

SPANS_LIMIT = 16
"""Missing spans in one question; the others in the next."""
OPEN_LIMIT = 5_000
"""Boots with something missing that are looked at together; the others when these are settled."""
ASK_AFTER_US = 30 * SECOND_US
"""A gateway that was away sends what it has within seconds; it is asked only afterwards, and then every
30 s, 1 min, 2 min … for as long as nothing comes."""
ASK_EVERY_LIMIT_US = HOUR_US
ASKS_LIMIT = 20
"""Questions about one boot without any answer, some 14 h; then no more until something of it comes: an agent
that knows no acknowledgement never answers."""

Key: TypeAlias = tuple[str, int]
"""EUI and boot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One boot's journal: every record up to ``through_seq`` is settled."""

    eui: str
    boot: int
    through_seq: int = 0
    expected_seq: int = 0
    """The highest number that the gateway has spoken of."""
    gone: int = 0
    """Records that are settled because the gateway has them no more, or nobody can use them."""

    @property
    def key(self) -> Key:
        return self.eui, self.boot

    @property
    def is_open(self) -> bool:
        """Whether something is missing."""
        return self.through_seq < self.expected_seq


@dataclass(slots=True)
class _News:
    """What a batch says of one boot."""

    seqs: set[int] = field(default_factory=set)
    given_up: list[tuple[int, int]] = field(default_factory=list)
    expected_seq: int = 0
    acknowledged: bool = False


def advance(known: Progress, stored: Collection[int], given_up: Iterable[tuple[int, int]]) -> Progress:
    """Return how far the journal is settled with more numbers stored, and spans of others given up.

    >>> advance(Progress(eui="", boot=1, expected_seq=9), {1, 2, 6}, [(3, 5)]).through_seq
    6
    """
    through, gone, spans = known.through_seq, known.gone, deque(sorted(given_up))
    while through < known.expected_seq:
        wanted = through + 1
        while spans and spans[0][1] < wanted:
            spans.popleft()
        if wanted in stored:
            through = wanted
        elif spans and spans[0][0] <= wanted:
            through = min(spans[0][1], known.expected_seq)
            gone += through - wanted + 1 - sum(wanted <= seq <= through for seq in stored)
        else:
            break
    return replace(known, through_seq=through, gone=gone)


def missing(known: Progress, stored: Iterable[int]) -> tuple[SeqSpan, ...]:
    """Return the spans between what is settled and what was spoken of that are not ``stored``.

    >>> missing(Progress(eui="", boot=1, through_seq=2, expected_seq=9), [5, 6])
    (SeqSpan(first_seq=3, last_seq=4), SeqSpan(first_seq=7, last_seq=9))
    """
    spans, wanted = [], known.through_seq + 1
    for seq in (*sorted(stored), known.expected_seq + 1):
        if wanted < seq:
            spans.append(SeqSpan(wanted, seq - 1))
        wanted = max(wanted, seq + 1)
    return tuple(spans[:SPANS_LIMIT])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How often a boot was asked for, with nothing of it since."""

    through_seq: int
    tries: int = 0
    due_us: int
    """On the monotonic clock."""


def next_question(asked: Asked | None, known: Progress, now_us: int) -> tuple[bool, Asked]:
    """Return whether to ask now, and what is known of the asking from here on."""
    if asked is None or asked.through_seq != known.through_seq:
        return False, Asked(through_seq=known.through_seq, due_us=now_us + ASK_AFTER_US)
    if now_us < asked.due_us or asked.tries >= ASKS_LIMIT:
        return False, asked
    wait_us = min(ASK_EVERY_LIMIT_US, ASK_AFTER_US << asked.tries)
    return True, replace(asked, tries=asked.tries + 1, due_us=now_us + wait_us)


def settle(connection: Connection, rows: Sorted) -> tuple[Progress, ...]:
    """Write how far the journals of a batch are settled, once it is stored; return those to acknowledge."""
    news = _news(rows)
    before = {known.key: known for known in map(_progress, _rows(connection, news))}
    after = {}
    for key, one in news.items():
        known = before.get(key) or Progress(eui=key[0], boot=key[1])
        known = replace(known, expected_seq=max(known.expected_seq, one.expected_seq))
        known = advance(known, one.seqs, ())
        if known.is_open:
            known = advance(known, stored_seqs(connection, known), one.given_up)
        after[key] = known
    changed = [known for key, known in after.items() if known != before.get(key)]
    upsert(
        connection,
        journal_progress,
        [asdict(known) for known in changed],
        key=("eui", "boot"),
    )
    return tuple(known for key, known in after.items() if news[key].acknowledged)


def open_progress(connection: Connection) -> list[Progress]:
    """Return the boots of which something is missing, ``OPEN_LIMIT`` at most."""
    table = journal_progress
    query = select(table).where(table.c.through_seq < table.c.expected_seq).limit(OPEN_LIMIT)
    return [_progress(row) for row in connection.execute(query).mappings()]


def stored_seqs(connection: Connection, known: Progress) -> set[int]:
    """Return the numbers that are stored beyond what is settled."""
    table = journal_records
    mine = (table.c.eui == known.eui) & (table.c.boot == known.boot)
    query = select(table.c.journal_seq).where(mine, table.c.journal_seq > known.through_seq)
    return set(connection.scalars(query))


def _news(rows: Sorted) -> dict[Key, _News]:
    news: dict[Key, _News] = {}

    def of(eui: str, boot: int, expected_seq: int, *, acknowledged: bool = True) -> _News:
        one = news.setdefault((eui, boot), _News())
        one.expected_seq = max(one.expected_seq, expected_seq)
        one.acknowledged |= acknowledged
        return one

    for eui, record, _ in rows.journal:
        of(eui, record.boot, record.journal_seq).seqs.add(record.journal_seq)
        previous = record.previous
        if record.change is Change.BOOT and previous is not None and previous.journal_seq:
            of(eui, previous.boot, previous.journal_seq, acknowledged=False)
    for eui, span in rows.gone:
        of(eui, span.boot, 0).given_up.append((span.first_seq, span.last_seq))
    for eui, boot, seq in rows.given_up:
        of(eui, boot, 0).given_up.append((seq, seq))
    for (eui, boot), seq in rows.announced.items():
        of(eui, boot, seq, acknowledged=False)
    return news


def _rows(connection: Connection, keys: Collection[Key]) -> Iterable[RowMapping]:
    table = journal_progress
    for some in groups(sorted(keys)):
        query = select(table).where(tuple_(table.c.eui, table.c.boot).in_(some))
        yield from connection.execute(query).mappings()


def _progress(row: RowMapping) -> Progress:
    return Progress(**row)

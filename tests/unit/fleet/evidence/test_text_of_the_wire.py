"""No text of a message reaches a column with what would turn or cut a page: folded, or refused."""

import json
from typing import Any

import msgspec
import pytest
from sqlalchemy import LargeBinary, select

from agent.wire.messages import (
    Change,
    ConfigReported,
    ConfigState,
    Delivered,
    Heard,
    JournalBatch,
    JournalRecord,
    Noted,
    Reply,
    TimeQuality,
)
from fleet.db.base import metadata
from fleet.evidence.tables import refused_messages
from fleet.lang.text import BREAKS
from tests.unit.fleet.evidence.test_hostile import Fleet
from tests.unit.fleet.founded import EUIS, NOW_US, heartbeat, received

S = 1_000_000
ODD = "b\u2028\u202ec"
UNFOLDED = (set(BREAKS) - {"\n"}) | set("\u202e\u2066\0")
RECORD = JournalRecord(
    boot=7,
    journal_seq=1,
    uptime_ms=30_000,
    at_us=NOW_US,
    time_quality=TimeQuality.NTP,
    change=Change.CONNECTOR,
    subject="lns",
    value="UP",
    reason="answers",
)
MESSAGES = {
    "health": heartbeat(1),
    "journal": JournalBatch((RECORD,)),
    "event delivered": Delivered(7, 1, "lns", NOW_US, NOW_US, NOW_US, 9),
    "event noted": Noted(7, 2, NOW_US, "details", {"board": "x"}),
    "event heard": Heard("2026-11-18", "26011bda", 3, 1, -90, 7.5, 7),
    "config/reported": ConfigReported(1, "aa", ConfigState.CONFIRMED, 1, "why", NOW_US),
    "reply/command-1": Reply("command-1", True, "done", NOW_US),
}


def odd_forms(value: Any) -> list[Any]:
    """Return the value with each of its texts odd, one at a time."""
    if isinstance(value, str):
        return [ODD]
    if isinstance(value, dict):
        keys = [{ODD: inner} for inner in list(value.values())[:1]]
        return keys + [value | {key: form} for key, inner in value.items() for form in odd_forms(inner)]
    if isinstance(value, list):
        return [
            [*value[:index], form, *value[index + 1 :]]
            for index, inner in enumerate(value)
            for form in odd_forms(inner)
        ]
    return []


def unfolded(fleet: Fleet) -> set[tuple[str, str]]:
    """Return the columns in which odd text stands."""
    found = set()
    with fleet.database.read() as connection:
        for table in metadata.sorted_tables:
            columns = [one for one in table.c if not isinstance(one.type, LargeBinary)]
            for row in connection.execute(select(*columns)).mappings():
                texts = {name: json.dumps(value, ensure_ascii=False) for name, value in row.items()}
                found |= {
                    (table.name, name)
                    for name, text in texts.items()
                    if UNFOLDED & set(json.loads(json.dumps(text))) or "\\u0000" in text
                }
    return found


@pytest.mark.parametrize("kind", list(MESSAGES))
def test_every_text_of_a_message_is_folded_or_refused(tmp_path, kind):
    fleet, leaf = Fleet(tmp_path), kind.split()[0]
    plain = msgspec.msgpack.decode(received(EUIS[0], leaf, MESSAGES[kind]).payload)
    forms = odd_forms(plain)
    at_us = fleet.clock.now + 30 * S
    sent = [received(EUIS[0], leaf, msgspec.msgpack.encode(form), at_us=at_us) for form in forms]
    fleet.step([received(EUIS[0], leaf, MESSAGES[kind], at_us=at_us), *sent])
    assert fleet.engine.health.refused <= len(forms)
    assert fleet.engine.health.failures == 0
    with fleet.database.read() as connection:
        refused = connection.execute(select(refused_messages.c.reason)).scalars().all()
    assert len(refused) >= fleet.engine.health.refused
    assert unfolded(fleet) == set()

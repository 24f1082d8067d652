"""What an agent of an earlier release left on the card is loaded today: ledger, enrolment, journal."""

from pathlib import Path

import msgspec

from agent.configuration.model import Ledger, State
from agent.configuration.step import Now, reported
from agent.enrol.client import load_enrolment
from agent.enrol.step import Outcome
from agent.journal.store import JOURNAL, Outbox
from agent.link.step import batch_message
from agent.wire.messages import ConfigState, JournalBatch, decode
from fleet.facts.model import journal_fact
from fleet.lang.reasons import blames_the_box, gateway_in_words
from tests.controlpath.virtual import EUI, SigningFleet, configuration

PROSE = "version 3 rolled back to 2: the fleet did not confirm it within 300 s"
LEDGER = {
    "good": {"version": 2, "sha256": "ab" * 32, "slot": "a"},
    "seen_version": 3,
    "last": "rolled_back",
    "reason": PROSE,
}


def test_a_ledger_in_prose_is_loaded_and_its_reason_still_told() -> None:
    ledger = msgspec.json.decode(msgspec.json.encode(LEDGER), type=Ledger)
    now = Now(
        monotonic_us=0,
        utc_us=0,
        utc_trusted=True,
        device=EUI,
        key=SigningFleet().public,
        good=configuration(),
    )
    told = reported(State(ledger=ledger), now)
    assert (told.state, told.reason, told.why) == (ConfigState.ROLLED_BACK, PROSE, None)
    assert gateway_in_words("fr", told.reason) == f"{PROSE} (texte de la passerelle, en anglais)"


def test_an_enrolment_in_prose_is_loaded(tmp_path: Path) -> None:
    old = {"outcome": "used", "reason": "HTTP 403: used already", "tries": 3, "last_at_us": 9}
    (tmp_path / "enrolment.json").write_bytes(msgspec.json.encode(old))
    found = load_enrolment(tmp_path)
    assert (found.outcome, found.why, found.tries) == (Outcome.USED, None, 3)


def test_records_that_wait_since_before_the_update_go_out_and_blame_as_before(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path / "journal.db")
    old = [7, 1, 0, 5, 1, 1, "agent", "STARTED", "crash of the agent", None, None]
    outbox.append(JOURNAL, [(7, 1, _Raw(*old))])
    (row,) = outbox.oldest(JOURNAL, limit=9, limit_bytes=10**6)
    batch = decode("journal", batch_message([row[1]]))
    assert isinstance(batch, JournalBatch)
    fact = journal_fact(EUI, batch.records[0], 9)
    assert fact.reason == "crash of the agent"
    assert blames_the_box(fact.reason)


class _Raw(msgspec.Struct, array_like=True):
    """A journal record as agents that know no codes wrote it."""

    boot: int
    journal_seq: int
    uptime_ms: int
    at_us: int
    time_quality: int
    change: int
    subject: str
    value: str
    reason: str
    since_ms: int | None
    previous: None

"""What counts as an LNS that is up: its keep-alives, or the test device's acknowledgements beside them; pure.

A gateway's records of its test device (``END_TO_END``) are facts of their own.  Where the contract counts
them, an LNS that answers and processes no frames is down: from the last acknowledgement, where that is known,
until the next one.  What no test device said, or not yet since the boot, counts as the keep-alives say.

Sources: AVAILABILITY §2 (LNS up).
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from agent.wire.messages import END_TO_END, Change
from fleet.facts.model import GatewayFacts, HeartbeatRun, JournalFact
from fleet.facts.settings import ContractSettings, LnsProof

UNANSWERED = "UNANSWERED"
"""The value of such a record; PROCESSED and UNKNOWN end it."""


def is_end_to_end(fact: JournalFact) -> bool:
    """Return whether a record is about the test device."""
    return fact.change is Change.CONNECTOR and fact.subject == END_TO_END


def counted(facts: GatewayFacts, settings: ContractSettings) -> GatewayFacts:
    """Return the facts as the contract counts them: keep-alives while nothing is processed are no service."""
    if settings.lns_proof is LnsProof.KEEP_ALIVE or not any(map(is_end_to_end, facts.journal)):
        return facts
    runs: list[HeartbeatRun] = []
    journal: list[JournalFact] = []
    for boot in {run.boot for run in facts.runs} | {fact.boot for fact in facts.journal}:
        mine = [run for run in facts.runs if run.boot == boot]
        records = sorted(
            {fact.journal_seq: fact for fact in facts.journal if fact.boot == boot}.values(),
            key=lambda fact: fact.journal_seq,
        )
        proofs = [fact for fact in records if is_end_to_end(fact)]
        runs.extend(_run(run, proofs) for run in mine)
        journal.extend(_records(records, mine))
    return replace(facts, runs=tuple(runs), journal=tuple(journal))


def _run(run: HeartbeatRun, proofs: Sequence[JournalFact]) -> HeartbeatRun:
    """Return a run whose LNS is down while the newest record before it says UNANSWERED."""
    before = bisect_right(proofs, run.journal_seq, key=lambda fact: fact.journal_seq)
    unanswered = before > 0 and proofs[before - 1].value == UNANSWERED
    return replace(run, lns_up=False) if unanswered and run.lns_up else run


def _records(records: Sequence[JournalFact], runs: Sequence[HeartbeatRun]) -> Iterator[JournalFact]:
    """Yield the records of one boot; those of the test device become the contractual connector's."""
    contractual = min(runs, key=lambda run: run.first_seq).contractual if runs else ""
    ordered = sorted(runs, key=lambda run: (run.journal_seq, run.first_seq))
    answers, unanswered, taken = False, False, 0
    for fact in records:
        while taken < len(ordered) and ordered[taken].journal_seq < fact.journal_seq:
            answers, contractual = ordered[taken].lns_up, ordered[taken].contractual
            taken += 1
        if fact.change is Change.CONNECTOR and fact.subject == contractual:
            answers = fact.value == "UP"
            yield msgspec.structs.replace(fact, value="DOWN") if unanswered and answers else fact
        elif is_end_to_end(fact):
            unanswered = fact.value == UNANSWERED
            value = "UP" if answers and not unanswered else "DOWN"
            yield msgspec.structs.replace(fact, subject=contractual, value=value)
        else:
            answers = answers and fact.change is not Change.BOOT
            yield fact

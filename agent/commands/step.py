"""Whether a command is carried out (pure): signed, for this gateway, newer than before, in time, of the list.

The ledger with the command's version is on disk before the command begins, so that a power cut in the
middle never runs it twice.
"""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agent.wire import reasons
from agent.wire.command import Command, CommandError, decode_command
from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope, judge
from agent.wire.reasons import Reason


class CommandLedger(msgspec.Struct, frozen=True, kw_only=True):
    """The newest command that was believed, and the fleet's clock at that time."""

    version: int = 0
    issued_at_us: int = 0


class CommandRefused(msgspec.Struct, frozen=True, kw_only=True):
    """Not carried out; ``counter`` names what is counted."""

    counter: str
    why: Reason


def judge_command(
    ledger: CommandLedger, payload: bytes, *, device: str, key: Ed25519PublicKey, utc_us: int
) -> tuple[CommandLedger, Command | CommandRefused]:
    """Return the ledger to write first, and the command to carry out or why not.

    A clock that is behind does not make an old command fresh: time is at least what the fleet last signed.
    """
    try:
        envelope = decode_envelope(payload)
        if envelope.kind is not EnvelopeKind.COMMAND:
            raise EnvelopeRefused(reasons.envelope.wrong_kind(kind=envelope.kind))
        now_us = max(utc_us, ledger.issued_at_us)
        judge(envelope, key, device=device, newest_version=ledger.version, now_us=now_us)
    except EnvelopeRefused as refused:
        return ledger, CommandRefused(counter=refused.counter, why=refused.why)
    ledger = CommandLedger(
        version=envelope.version, issued_at_us=max(ledger.issued_at_us, envelope.issued_at_us)
    )
    try:
        return ledger, decode_command(envelope.payload)
    except CommandError as error:
        return ledger, CommandRefused(counter="not_a_command", why=error.why)

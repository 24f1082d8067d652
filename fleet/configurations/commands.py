"""Commands to one gateway: signed, queued, noted in the audit trail; and what became of the last ones.

The list is closed (``agent.wire.command.Action``); a gateway executes each once, while it is fresh.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from agent.wire.command import (
    SERVICE_AFFECTING,
    Command,
    CommandError,
    decode_command,
    encode_command,
)
from agent.wire.envelope import EnvelopeKind, EnvelopeRefused, decode_envelope
from agent.wire.messages import Reply
from fleet.configurations import store
from fleet.configurations.issue import issue_instruction
from fleet.identity import audit
from fleet.identity.tables import audit_log
from fleet.lang.reasons import kept

AUDIT_ACTION = "gateway.command"
SHOWN_LIMIT = 10
"""Newest commands of one gateway that a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One command and its answer."""

    id: str
    eui: str
    action: str
    who: str
    issued_at_us: int
    published: bool
    replied_at_us: int | None
    ok: bool | None
    text: str
    """The gateway's words, in English as they came."""


def send(
    connection: Connection, key: Ed25519PrivateKey, *, eui: str, command: Command, who: str, now_us: int
) -> str:
    """Sign one command, queue it, and return its id."""
    payload = encode_command(command)
    number = issue_instruction(
        connection, key, eui=eui, kind=EnvelopeKind.COMMAND, payload=payload, now_us=now_us
    )
    after = {"action": command.action, "id": number}
    audit.record(connection, now_us=now_us, who=who, action=AUDIT_ACTION, subject=eui, after=after)
    return number


def stopped_since(connection: Connection, since_us: int) -> dict[str, int]:
    """Return by EUI when a gateway was last told, after ``since_us``, to do what stops its reception."""
    found: dict[str, int] = {}
    for row in store.commands_since(connection, since_us):
        if _action(row["envelope"]) in SERVICE_AFFECTING:
            found[row["eui"]] = max(row["issued_at_us"], found.get(row["eui"], 0))
    return found


def note_replies(connection: Connection, replies: Iterable[tuple[str, Reply, int]]) -> None:
    """Note what gateways replied to signed commands: (EUI, reply, instant of arrival in microseconds UTC)."""
    for eui, reply, at_us in replies:
        kind, _, version = reply.command_id.rpartition("-")
        if version.isdigit():
            text = kept(reply.why, reply.text)
            store.note_answer(connection, eui, kind, int(version), at_us=at_us, ok=reply.ok, text=text)


def last_of(connection: Connection, eui: str, limit: int = SHOWN_LIMIT) -> list[Sent]:
    """Return the newest commands of ``eui``, newest first."""
    rows = store.commands_of(connection, eui, limit)
    if not rows:
        return []
    asked = _asked_by(connection, eui, rows[-1]["issued_at_us"])
    return [
        Sent(
            id=(name := store.instruction_id(EnvelopeKind.COMMAND, row["version"])),
            eui=eui,
            action=_action(row["envelope"]),
            who=asked.get(name, audit.SYSTEM),
            issued_at_us=row["issued_at_us"],
            published=bool(row["published"]),
            replied_at_us=row["replied_at_us"],
            ok=row["reply_ok"],
            text=row["reply_text"],
        )
        for row in rows
    ]


def _asked_by(connection: Connection, eui: str, since_us: int) -> dict[str, str]:
    mine = (audit_log.c.action == AUDIT_ACTION) & (audit_log.c.subject == eui)
    query = select(audit_log.c.who, audit_log.c.after).where(mine, audit_log.c.at_us >= since_us)
    return {str((row.after or {}).get("id", "")): row.who for row in connection.execute(query)}


def _action(envelope: bytes) -> str:
    try:
        return decode_command(decode_envelope(envelope).payload).action.value
    except (EnvelopeRefused, CommandError):
        return "unknown"

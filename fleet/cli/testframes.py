"""Ask one gateway for test frames that another must hear: two signed commands, one nonce, and the answers.

The listener is asked first and its command lives as long as the sender's, so the order of arrival does not
matter much: the sender waits ten seconds before its first frame.
"""

import asyncio
import secrets
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select

from agent.wire.command import Action, Command, encode_command
from agent.wire.envelope import EnvelopeKind
from agent.wire.testframe import NONCE_BYTES
from fleet.cli.commands import open_fleet
from fleet.clock import SystemClock
from fleet.configurations.issue import issue_instruction
from fleet.configurations.tables import instructions
from fleet.db.connect import Database
from fleet.errors import MistakeError
from fleet.identity import audit, foundation
from fleet.registry import store

LISTEN_S = 90
"""Ten seconds of waiting, three frames of 0.2 s with three seconds between, and a slow link's delay."""
ASK_EVERY_S = 1.0
WAIT_LIMIT_S = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One gateway's part: the word it was sent."""

    eui: str
    role: str
    version: int


def request(
    connection: Connection, key: Ed25519PrivateKey, *, sender: str, listener: str, who: str, now_us: int
) -> tuple[Asked, Asked]:
    """Sign and queue both commands.

    Raises:
        MistakeError: an unknown gateway, or one that should hear itself.
    """
    if sender == listener:
        raise MistakeError("test-frame: a gateway cannot hear itself; name a neighbour with --to")
    for eui in (sender, listener):
        if store.load_gateway(connection, eui) is None:
            raise MistakeError(f"{eui}: no such gateway in the registry; import it first")
    nonce = secrets.token_hex(NONCE_BYTES)
    parts = ((listener, "listener", Action.HEAR_TEST_FRAME), (sender, "sender", Action.SEND_TEST_FRAME))
    asked = []
    for eui, role, action in parts:
        command = Command(action=action, nonce=nonce, sender=sender, limit_s=LISTEN_S)
        payload = encode_command(command)
        word = issue_instruction(
            connection, key, eui=eui, kind=EnvelopeKind.COMMAND, payload=payload, now_us=now_us
        )
        audit.record(
            connection,
            now_us=now_us,
            who=who,
            action="gateway.command",
            subject=eui,
            after={"action": action, "id": word, "nonce": nonce, "sender": sender, "listener": listener},
        )
        asked.append(Asked(eui=eui, role=role, version=int(word.rpartition("-")[2])))
    return asked[0], asked[1]


def answers(connection: Connection, asked: tuple[Asked, ...]) -> dict[str, str]:
    """Return what was answered so far, a sentence by role."""
    said = {}
    for one in asked:
        mine = (
            (instructions.c.eui == one.eui)
            & (instructions.c.kind == EnvelopeKind.COMMAND)
            & (instructions.c.version == one.version)
        )
        row = connection.execute(select(instructions.c.reply_ok, instructions.c.reply_text).where(mine)).one()
        if row.reply_ok is not None:
            said[one.role] = f"{one.eui} ({one.role}): {'ok' if row.reply_ok else 'FAILED'}, {row.reply_text}"
    return said


def ask(data: Path, sender: str, listener: str, wait_s: int) -> list[str]:
    """Ask for a test frame and return what to print, waiting up to ``wait_s`` for both answers."""
    if not 0 <= wait_s <= WAIT_LIMIT_S:
        raise MistakeError(f"--wait: {wait_s}, from 0 to {WAIT_LIMIT_S} seconds")
    _, database = open_fleet(data)
    key, now_us = foundation.read_keys(data).signing, SystemClock().now_us()
    with closing(database):
        with database.write() as connection:
            asked = request(
                connection, key, sender=sender, listener=listener, who=audit.COMMAND_LINE, now_us=now_us
            )
        lines = [f"{sender} sends, {listener} listens: queued"]
        if wait_s:
            said = asyncio.run(_wait(database, asked, wait_s))
            lines += [said.get(one.role, f"{one.eui} ({one.role}): no answer in {wait_s} s") for one in asked]
    return lines


async def _wait(database: Database, asked: tuple[Asked, ...], wait_s: int) -> dict[str, str]:
    said: dict[str, str] = {}
    for _ in range(round(wait_s / ASK_EVERY_S)):
        with database.read() as connection:
            said = answers(connection, asked)
        if len(said) == len(asked):
            break
        await asyncio.sleep(ASK_EVERY_S)
    return said

"""What ``agent status`` shows: facts as a value, asked over a socket in the state folder.

The running agent answers one JSON document per connection; nothing is written to disk for it.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import msgspec

from agent.host.card import working_folders
from agent.wire.reasons import Reason

SOCKET_NAME = "status.sock"
ANSWER_WAIT_S = 3.0
ANSWER_LIMIT_BYTES = 256 * 1024
RETRY_S = 60.0
Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class ConnectorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One connector on the screen."""

    name: str
    up: bool
    reason: Reason
    queued: int
    answer_age_ms: int
    kind: str = ""


class ReleaseStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The releases of the agent on this gateway."""

    fields: dict[str, str | int | float] = {}
    """Which runs, from which slot, which is on trial and which are ready."""
    reason: Reason | None = None
    """Why the release that is asked for is not here yet, or does not run."""


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """One screen of facts."""

    eui: str
    site: str
    version: str
    uptime_ms: int
    radio: str
    radio_reason: Reason
    connectors: tuple[ConnectorStatus, ...]
    spool_records: int
    spool_accepting: bool
    received: int
    delivered: int
    dropped: int
    transmitted: int
    enrolment: str
    enrolment_reason: Reason | None
    certificate_expires_at_us: int | None
    link_online: bool
    link_reason: Reason | None
    link_host: str
    config_version: int
    config_state: str
    config_reason: Reason | None
    journal_pending: int
    time_quality: int
    vitals: dict[str, int | None]
    counters: dict[str, int] = {}
    onsite_code: str = ""
    """What proves who stands here; empty unless the fleet asks for it to be shown."""
    hearing: tuple[Reason, ...] = ()
    power: str = ""
    month: dict[str, str | int | float] = {}
    month_stopped: Reason | None = None
    """What the cap of the month's bytes has stopped."""
    backhaul_rtt_ms: int | None = None
    duty_percent: int = 0
    """Share of the hour's air time that the most used sub-band has spent, 0 to 100."""
    gnss: dict[str, str | int | float] = {}
    card: Reason | None = None
    """Why the state is kept in memory, and what stays on the card; None: the card takes it."""
    restored: int = 0
    """Frames that an earlier run left."""
    losses: dict[str, int] = {}
    """Frames dropped, by reason."""
    end_to_end: Reason | None = None
    """What the test device proved last of the LoRaWAN server; None without one, or before its first proof."""
    unbalanced: int = 0
    """Frames by which what was received and what became of it differ."""
    onsite_ticket: int = 0
    """The ticket that ``onsite_code`` is for."""
    release: ReleaseStatus = ReleaseStatus()
    onsite_left_s: int = 0
    """How long the code is shown yet."""


async def serve_status(state: Path, ask: Callable[[], Status]) -> None:
    """Answer on ``state``/status.sock until cancelled; a disk that refuses the socket stops nothing else."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            writer.write(msgspec.json.encode(ask()))
            await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    while True:
        with contextlib.suppress(OSError):
            await _serve(state, answer)
        await asyncio.sleep(RETRY_S)


async def _serve(state: Path, answer: Answer) -> None:
    descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    try:
        (state / SOCKET_NAME).unlink(missing_ok=True)
        server = await asyncio.start_unix_server(answer, path=_short(descriptor))
        (state / SOCKET_NAME).chmod(0o660)
        async with server:
            await server.serve_forever()
    finally:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            (state / SOCKET_NAME).unlink(missing_ok=True)


def ask_status(state: Path) -> Status | None:
    """Return what the agent on ``state``, or on its copy in memory, answers; None when none runs there."""
    return next((answer for answer in map(_ask, working_folders(state)) if answer is not None), None)


def _ask(state: Path) -> Status | None:
    try:
        descriptor = os.open(state, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ANSWER_WAIT_S)
            line.connect(_short(descriptor))
            content = b""
            while len(content) < ANSWER_LIMIT_BYTES and (part := line.recv(65536)):
                content += part
        return msgspec.json.decode(content, type=Status)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None
    finally:
        os.close(descriptor)


def _short(descriptor: int) -> str:
    """Return a path within the 107 bytes of a socket address, however deep the folder lies."""
    return f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"

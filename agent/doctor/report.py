"""A bundle for support: what is listed here and nothing else, so that no secret can slip in.

Keys, certificates' keys and the enrolment token are never read for it; the work order goes in without
its token, and access to a site is not in a work order at all.
"""

import io
import json
import sqlite3
import tarfile
from dataclasses import replace
from pathlib import Path

import msgspec

from agent.clock import Clock
from agent.doctor.judge import judge
from agent.doctor.look import look, running_configuration
from agent.enrol.settings import SettingsError, load_settings
from agent.host.details import machine_details
from agent.journal.recent import read_lines
from agent.wire.configuration import encode_configuration
from agent.wire.hidden import without_secrets
from agent.wire.messages import JournalRecord

RECORDS_LIMIT = 1_000
_PLAIN_FILES = (
    "enrolment.json",
    "supervisor.json",
    "usage.json",
    "commands.json",
    "configuration/ledger.json",
)


def write_report(state: Path, output: Path, clock: Clock) -> list[str]:
    """Write the bundle and return the names in it.

    Raises:
        OSError: it cannot be written.
    """
    parts = _parts(state, clock)
    with tarfile.open(output, "w:gz") as bundle:
        for name, content in parts.items():
            entry = tarfile.TarInfo(f"passerelle-report/{name}")
            entry.size, entry.mtime, entry.mode = len(content), clock.utc_us() // 1_000_000, 0o600
            bundle.addfile(entry, io.BytesIO(content))
    return list(parts)


def _parts(state: Path, clock: Clock) -> dict[str, bytes]:
    facts = look(state, clock)
    if facts.status is not None:
        facts = replace(facts, status=msgspec.structs.replace(facts.status, onsite_code=""))
    parts = {
        "doctor.json": _json([msgspec.to_builtins(finding) for finding in judge(facts)]),
        "facts.json": _json(msgspec.to_builtins(facts)),
        "machine.json": _json(machine_details(state)),
        "journal.json": _journal(state / "journal" / "journal.db"),
        "lines.txt": "".join(f"{line}\n" for _, line in read_lines(state / "journal")).encode(),
    }
    for name in _PLAIN_FILES:
        if (state / name).exists():
            parts[name.replace("/", "-")] = (state / name).read_bytes()
    try:
        order = load_settings(state, None)
    except SettingsError:
        return parts
    public = msgspec.structs.replace(order, token="", code="", configuration=b"")
    parts["settings.json"] = msgspec.json.encode(public)
    running = running_configuration(state, order)
    if running is not None:
        parts["configuration.json"] = encode_configuration(without_secrets(running[1]))
    return parts


def _journal(path: Path) -> bytes:
    """Return the newest records that wait, as JSON; an unreadable journal becomes its error."""
    if not path.exists():
        return b"[]"
    query = "SELECT body FROM outbox WHERE kind = 'journal' ORDER BY id DESC LIMIT ?"
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            rows = database.execute(query, (RECORDS_LIMIT,)).fetchall()
        finally:
            database.close()
        records = [msgspec.msgpack.decode(body, type=JournalRecord) for (body,) in reversed(rows)]
    except (sqlite3.Error, msgspec.DecodeError, msgspec.ValidationError) as error:
        return _json({"unreadable": str(error)})
    return _json([{name: getattr(record, name) for name in record.__struct_fields__} for record in records])


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1, default=str).encode()

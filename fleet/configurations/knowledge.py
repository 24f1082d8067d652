"""Which gateways know settings that are newer than the oldest agents: by what their details name.

An older agent refuses a document with a field that it does not know, and keeps what it runs; such a setting
is held back for it, and that is said.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, select

from agent.wire.configuration import Configuration, ReleaseConfig
from fleet.evidence.load import stored_heartbeat
from fleet.evidence.tables import latest, notes

DETAILS = "details"
RELEASE_PATHS = "release."
"""Settings below this path came with agents whose details name their ``release``."""
RELEASE_FIELD = "release"


def needs_release(paths: Iterable[str]) -> bool:
    """Return whether a change can be understood only by agents that know releases.

    >>> needs_release(["release.wanted"]), needs_release(["radio.board"])
    (True, False)
    """
    return any(path.startswith(RELEASE_PATHS) for path in paths)


def has_release(configuration: Configuration) -> bool:
    """Return whether a document holds what an agent that knows no releases refuses."""
    return configuration.release != ReleaseConfig()


def knowing_release(connection: Connection, euis: Iterable[str]) -> frozenset[str]:
    """Return the gateways whose newest details name their release.

    Those of the boot of the newest heartbeat count; a gateway that started a moment ago told none of it yet,
    and is what it was before.
    """
    wanted = set(euis)
    rows = connection.execute(select(latest.c.eui, latest.c.heartbeat).where(latest.c.heartbeat.is_not(None)))
    boots = {eui: beat.boot for eui, payload in rows if eui in wanted and (beat := stored_heartbeat(payload))}
    return frozenset(eui for eui, boot in boots.items() if RELEASE_FIELD in _details(connection, eui, boot))


def _details(connection: Connection, eui: str, boot: int) -> Iterable[str]:
    details = select(notes.c.fields).where(notes.c.eui == eui, notes.c.name == DETAILS)
    newest_first = details.order_by(notes.c.boot.desc(), notes.c.seq.desc()).limit(1)
    for of_boot in (notes.c.boot == boot, notes.c.boot < boot):
        if fields := connection.execute(newest_first.where(of_boot)).scalar():
            return list(fields)
    return ()

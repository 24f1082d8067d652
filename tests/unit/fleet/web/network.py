"""The sample network as a database, a feed and an application."""

import json
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from sqlalchemy import insert

from agent.wire.configuration import Configuration, ConnectorConfig, FleetConfig
from fleet.airtime.survey import store_survey, survey
from fleet.configurations.issue import issue_version
from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.durations import DAY_US, MINUTE_US
from fleet.evidence import facts
from fleet.evidence.tables import (
    delivered_frames,
    deliveries,
    heartbeat_runs,
    journal_records,
    latest,
    notes,
    vitals,
)
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause
from fleet.incidents import store as incidents
from fleet.incidents.model import Domain, Grade, Member, SharedCause
from fleet.live.model import NetworkNow
from fleet.live.network import NetworkView
from fleet.live.restore import restore_memory
from fleet.registry import document, store
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, NewTicket, Origin
from fleet.web import login
from fleet.web.api import problems
from fleet.web.process_parts import share
from fleet.web.site import mount_site
from tests.unit.fleet.web.process import SIGNING, parts_over, settings_of
from tests.unit.fleet.web.sample import (
    DARK,
    HANGS,
    NOW_US,
    PICTURED,
    deliveries_of,
    details_of,
    eui_of,
    frames_of,
    heartbeat,
    journal_of,
    pictures_of,
    registry_document,
    runs_of,
    vitals_of,
)


@dataclass(slots=True)
class StillClock:
    """A clock that stands."""

    at_us: int = NOW_US

    def now_us(self) -> int:
        """Return where it stands."""
        return self.at_us

    def monotonic_us(self) -> int:
        """Return the same: it never steps."""
        return self.at_us


def network_of(database: Database, now_us: int) -> NetworkNow:
    """Return the network that the stored facts prove, as the engine would."""
    from_us = NOW_US - 40 * DAY_US
    with database.read() as connection:
        memory = restore_memory(connection, from_us)
        memory = memory.with_people(facts.load_commissioning(connection), [], [])
        registry = store.load_registry(connection)
    _, network = NetworkView(DEFAULTS).seen(registry, memory, (), blind_reason="", now_us=now_us)
    return network


@cache
def _stored(filled: bool) -> bytes:
    """Return the bytes of a database with the schema, and the sample in it; made once a run."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fleet.db"
        with closing(Database(sqlite_url(path))) as database:
            create_schema(database)
            if filled:
                fill(database, SIGNING)
        return path.read_bytes()


def make_app(folder: Path, *, clock: Any = None, filled: bool = True) -> FastAPI:
    """Return an application over a database in ``folder`` with the sample in it."""
    (folder / "fleet.db").write_bytes(_stored(filled))
    database = Database(sqlite_url(folder / "fleet.db"))
    app = FastAPI()
    parts = parts_over(settings_of(folder, database), database, clock or StillClock())
    share(app, parts)
    if filled:
        parts.feed.publish(network_of(database, parts.clock.now_us()))
    problems.install(app)
    mount_site(app)
    app.include_router(login.router)
    return app


def fill(database: Database, signing: Ed25519PrivateKey) -> None:
    """Write the registry, last words, configurations and one ticket."""
    with database.write() as connection:
        text = json.dumps(registry_document()).encode()
        parsed = document.read_document(text, store.known_keys(connection))
        assert not parsed.problems, parsed.problems
        store.apply_document(connection, parsed, who="test", now_us=NOW_US - 20 * DAY_US)
        for index in range(len(HANGS)):
            row = {"eui": eui_of(index), "online": True, "presence_boot": 7, "presence_at_us": NOW_US}
            last_us = runs_of(index)[-1]["last_at_us"]
            row |= {"heartbeat": heartbeat(index), "heartbeat_at_us": last_us}
            connection.execute(insert(latest).values(row))
            connection.execute(insert(heartbeat_runs), runs_of(index))
            connection.execute(insert(journal_records), journal_of(index))
            connection.execute(insert(deliveries), deliveries_of(index))
            connection.execute(insert(delivered_frames), frames_of(index))
            if index in PICTURED:
                connection.execute(insert(notes), [*pictures_of(index), *details_of(index)])
                connection.execute(insert(vitals), vitals_of(index))
            lns = ConnectorConfig(name="lns", host="127.0.0.1", port=1700, contractual=True)
            configuration = Configuration(connectors=(lns,), fleet=FleetConfig(host="127.0.0.1", port=8883))
            issue_version(
                connection,
                signing,
                eui=eui_of(index),
                configuration=configuration,
                who="test",
                now_us=NOW_US - DAY_US,
                by_image=True,
            )
        store_survey(connection, survey(connection, NOW_US - 9 * MINUTE_US))
        began_us = NOW_US - 68 * MINUTE_US
        incident_id = incidents.create(
            connection,
            cause=SharedCause(domain=Domain.FEEDER, value="Départ Azay-sur-Cher"),
            proved=Cause.POWER,
            members=[Member(eui=eui, since_us=began_us) for eui in DARK],
            grade=Grade(criticality=Criticality.CRITICAL, reason="grade.lost", communes=("37015",)),
            now_us=NOW_US - 65 * MINUTE_US,
        )
        tickets.create(
            connection,
            NewTicket(
                incident_id=incident_id,
                origin=Origin.TELEMETRY,
                title="Azay-sur-Cher",
                criticality=Criticality.CRITICAL,
                began_at_us=NOW_US - 67 * 60_000_000,
                reported_at_us=NOW_US - 65 * 60_000_000,
                site_id=2,
                commune_insee="37015",
            ),
            NOW_US - 65 * 60_000_000,
        )

"""The eleven gateways of Touraine-Est Vallées with a power cut, as a database, a feed and an application."""

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
from agent.wire.messages import Change, ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from fleet.api import problems
from fleet.availability.settings import DEFAULTS
from fleet.configurations import push
from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.evidence import facts
from fleet.evidence.tables import deliveries, heartbeat_runs, journal_records, latest
from fleet.identity import routes as login
from fleet.incidents import store as incidents
from fleet.incidents.model import Domain, Grade, Member, SharedCause
from fleet.live.feed import Feed
from fleet.live.model import NetworkNow
from fleet.live.network import NetworkView
from fleet.live.recall import recall
from fleet.registry import document, store
from fleet.settings import Broker, Settings
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, Origin
from fleet.web import mount

NOW_US = 1_795_354_620_000_000
"""dim. 22 nov. 2026, 14:37 in Paris."""
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MINUTE_US = 60_000_000
SIGNING = Ed25519PrivateKey.generate()
SHY = 3
"""Was away for 25 minutes three days ago."""
BUFFERING = 6
"""Its network server does not answer."""

COMMUNES = {
    "37015": ("Azay-sur-Cher", 3100, 47.3497, 0.8436),
    "37052": ("Chançay", 1180, 47.4489, 0.8756),
    "37273": ("La Ville-aux-Dames", 5300, 47.3961, 0.7803),
    "37124": ("Larçay", 2500, 47.3678, 0.7806),
    "37153": ("Monnaie", 4700, 47.5014, 0.7869),
    "37156": ("Montlouis-sur-Loire", 10900, 47.3897, 0.8278),
    "37194": ("Reugny", 1700, 47.4789, 0.8822),
    "37267": ("Véretz", 4500, 47.3592, 0.8067),
    "37270": ("Vernou-sur-Brenne", 2700, 47.4192, 0.8472),
    "37281": ("Vouvray", 3200, 47.4111, 0.7989),
}
HANGS = [
    ("37156", "Mairie"),
    ("37015", "Église Sainte-Madeleine"),
    ("37052", "Mairie"),
    ("37273", "Château d'eau"),
    ("37124", "Église Saint-Symphorien"),
    ("37153", "Château d'eau"),
    ("37194", "Église Saint-Médard"),
    ("37270", "Église de la Sainte-Trinité"),
    ("37281", "Mairie"),
    ("37015", "Château d'eau"),
    ("37015", "Salle des fêtes"),
]


def eui_of(index: int) -> str:
    """Return the EUI of gateway ``index``."""
    return f"0016c001f1{index:06x}"


DARK = (eui_of(1), eui_of(9), eui_of(10))
"""Azay-sur-Cher's three, on one feeder."""


@dataclass(slots=True)
class StillClock:
    """A clock that stands."""

    at_us: int = NOW_US

    def now_us(self) -> int:
        """Return where it stands."""
        return self.at_us


def registry_document() -> dict[str, Any]:
    """Return the import file of the sample."""
    epci = "CC Touraine-Est Vallées"
    return {
        "communes": [
            {
                "insee": insee,
                "name": name,
                "epci": epci,
                "departement": "37",
                "population": population,
                "lat": lat,
                "lon": lon,
            }
            for insee, (name, population, lat, lon) in COMMUNES.items()
        ],
        "sites": [
            {
                "key": f"site-{index}",
                "name": name,
                "commune_insee": insee,
                "kind": "other",
                "address": "1 place de la Mairie",
                "lat": COMMUNES[insee][2] + 0.004 * (index % 3),
                "lon": COMMUNES[insee][3] + 0.006 * (index % 2),
                "access_notes": "Clé à la mairie",
                "power_feeder": f"Départ {COMMUNES[insee][0]}",
            }
            for index, (insee, name) in enumerate(HANGS)
        ],
        "gateways": [
            {
                "eui": eui_of(index),
                "name": f"{COMMUNES[insee][0]} · {name}",
                "site_key": f"site-{index}",
                "backhaul_operator": "Orange" if index % 2 else "Bouygues",
                "status": "accepted",
            }
            for index, (insee, name) in enumerate(HANGS)
        ],
        "memberships": [
            {"commune_insee": insee, "eui": eui_of(index)} for index, (insee, _) in enumerate(HANGS)
        ]
        + [{"commune_insee": "37267", "eui": eui_of(4)}],
    }


def runs_of(index: int) -> list[dict[str, Any]]:
    """Return the heartbeats of one gateway since it hangs: whole but for what the sample tells."""
    start_us, end_us = NOW_US - 20 * DAY_US, NOW_US - 9_000_000
    if eui_of(index) in DARK:
        end_us = NOW_US - 68 * MINUTE_US
    if index == SHY:
        gap_us = NOW_US - 3 * DAY_US
        return [
            _run(index, 7, start_us, gap_us),
            _run(index, 8, gap_us + 25 * MINUTE_US, end_us),
        ]
    if index == BUFFERING:
        cut_us = NOW_US - 7 * MINUTE_US
        return [_run(index, 7, start_us, cut_us), _run(index, 7, cut_us + 30_000_000, end_us, lns_up=False)]
    return [_run(index, 7, start_us, end_us)]


def _run(index: int, boot: int, from_us: int, until_us: int, *, lns_up: bool = True) -> dict[str, Any]:
    born_us = NOW_US - 20 * DAY_US
    beat_us = 30_000_000
    count = (until_us - from_us) // beat_us
    first = (from_us - born_us) // beat_us
    return {
        "eui": eui_of(index),
        "boot": boot,
        "first_seq": first,
        "last_seq": first + count,
        "first_uptime_ms": (from_us - born_us) // 1000,
        "last_uptime_ms": (from_us - born_us + count * beat_us) // 1000,
        "first_at_us": from_us,
        "last_at_us": from_us + count * beat_us,
        "interval_ms": 30_000,
        "journal_seq": 4 if lns_up else 5,
        "radio": int(Radio.RECEIVING),
        "contractual": "lns",
        "lns_up": lns_up,
        "spool_accepting": True,
        "time_quality": int(TimeQuality.NTP),
        "trusted": True,
        "recorded_at_us": from_us + count * beat_us,
    }


def journal_of(index: int) -> list[dict[str, Any]]:
    """Return what the gateway wrote down: its first start, and the loss of its network server."""
    born_us = NOW_US - 20 * DAY_US
    told = [(4, born_us, Change.CONNECTOR, "lns", "UP", "PULL_ACK")]
    if index == BUFFERING:
        told.append(
            (5, NOW_US - 7 * MINUTE_US + 5_000_000, Change.CONNECTOR, "lns", "DOWN", "no answer for 30 s")
        )
    return [
        {
            "eui": eui_of(index),
            "boot": 7,
            "journal_seq": number,
            "uptime_ms": (at_us - born_us) // 1000,
            "at_us": at_us,
            "time_quality": int(TimeQuality.NTP),
            "change": int(change),
            "subject": subject,
            "value": value,
            "reason": reason,
            "recorded_at_us": at_us + 200_000,
        }
        for number, at_us, change, subject, value, reason in told
    ]


def deliveries_of(index: int) -> list[dict[str, Any]]:
    """Return what an LNS acknowledged, hour by hour for two days, with a rhythm of day and night."""
    end_us = runs_of(index)[-1]["last_at_us"] // HOUR_US * HOUR_US
    return [
        {
            "eui": eui_of(index),
            "boot": 7,
            "seq": 100_000 + hour,
            "connector": "lns",
            "received_from_at_us": end_us - (hour + 1) * HOUR_US,
            "received_until_at_us": end_us - hour * HOUR_US - 1,
            "acked_at_us": end_us - hour * HOUR_US,
            "frames": 40 + 11 * index + 6 * abs(12 - (hour + 3) % 24),
            "dropped": {},
            "recorded_at_us": end_us - hour * HOUR_US,
        }
        for hour in range(48)
    ]


def network_of(database: Database, now_us: int) -> NetworkNow:
    """Return the network that the stored facts prove, as the engine would."""
    from_us = NOW_US - 40 * DAY_US
    with database.read() as connection:
        memory = recall(connection, from_us)
        memory.replace_people(facts.load_commissioning(connection), [], [])
        registry = store.load_registry(connection)
    return NetworkView.empty(DEFAULTS).at(registry, memory, (), blind_reason="", now_us=now_us)


def _heartbeat(index: int) -> bytes:
    return encode(
        Heartbeat(
            boot=7,
            seq=9_000,
            uptime_ms=270_000_000,
            journal_seq=4,
            at_us=NOW_US - 9_000_000,
            time_quality=TimeQuality.NTP,
            radio=Radio.RECEIVING,
            connectors=(ConnectorBeat("lns", True, 1200),),
            spool_records=0 if index != 6 else 1615,
            spool_accepting=True,
            received=18_000 + 31 * index,
            delivered=18_000 + 31 * index,
            dropped=0,
            config_version=1,
            temperature_c=31,
            cpu_percent=4,
            memory_percent=38,
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What the push needs."""

    signing: Ed25519PrivateKey


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
    app.state.database = database
    app.state.clock = clock or StillClock()
    app.state.feed = Feed()
    app.state.keys = Keys(signing=SIGNING)
    app.state.settings = Settings(
        data=folder,
        public_url="http://testserver",
        database_url=database.url,
        broker=Broker(host="127.0.0.1", port=1883, tls=False),
        smtp_url=None,
        mail_from="passerelle@localhost",
        open_access=True,
    )
    if filled:
        app.state.feed.publish(network_of(database, app.state.clock.now_us()))
    problems.install(app)
    mount(app)
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
            row |= {"heartbeat": _heartbeat(index), "heartbeat_at_us": last_us}
            connection.execute(insert(latest).values(row))
            connection.execute(insert(heartbeat_runs), runs_of(index))
            connection.execute(insert(journal_records), journal_of(index))
            connection.execute(insert(deliveries), deliveries_of(index))
            lns = ConnectorConfig(name="lns", host="127.0.0.1", port=1700, contractual=True)
            configuration = Configuration(connectors=(lns,), fleet=FleetConfig(host="127.0.0.1", port=8883))
            push.request(
                connection,
                signing,
                eui=eui_of(index),
                configuration=configuration,
                who="test",
                now_us=NOW_US - DAY_US,
                by_image=True,
            )
        began_us = NOW_US - 68 * MINUTE_US
        incident_id = incidents.create(
            connection,
            cause=SharedCause(domain=Domain.FEEDER, value="Départ Azay-sur-Cher"),
            members=[Member(eui=eui, since_us=began_us) for eui in DARK],
            grade=Grade(criticality=Criticality.CRITICAL, reason="grade.lost", communes=("37015",)),
            now_us=NOW_US - 65 * MINUTE_US,
        )
        tickets.create(
            connection,
            incident_id=incident_id,
            origin=Origin.TELEMETRY,
            title="Azay-sur-Cher",
            criticality=Criticality.CRITICAL,
            began_at_us=NOW_US - 67 * 60_000_000,
            reported_at_us=NOW_US - 65 * 60_000_000,
            now_us=NOW_US - 65 * 60_000_000,
            site_id=2,
            commune_insee="37015",
        )

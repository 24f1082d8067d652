"""Every route, as the application has them, for every role with a territory: nothing of elsewhere is read or
changed, and the same routes work for what lies inside."""

import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlalchemy import String, Table, Text, insert, select, update

from fleet.db.base import metadata
from fleet.db.connect import Database, sqlite_url
from fleet.durations import DAY_US, MINUTE_US
from fleet.identity import audit, people, tokens
from fleet.identity.foundation import write_session_secret
from fleet.identity.login import log_in
from fleet.identity.sessions import person_of
from fleet.identity.totp import Vault
from fleet.tickets import store as tickets
from fleet.tickets.model import Criticality, NewTicket, Origin
from fleet.web.access import CSRF_HEADER
from fleet.web.app import make_app
from fleet.web.pages.live import STREAM_PATH
from fleet.web.pages.wall import WALL_STREAM_PATH
from fleet.web.process_parts import SESSION_COOKIE
from tests.unit.fleet.web.network import StillClock, _stored, network_of
from tests.unit.fleet.web.process import parts_over, settings_of
from tests.unit.fleet.web.sample import COMMUNES, HANGS, NOW_US, eui_of

INSIDE, OUTSIDE = "37281", "37015"
OWN_EUI, FOREIGN_EUI = eui_of(8), eui_of(1)
OWN_SITE, FOREIGN_SITE = 9, 2
SECRET = "geheimnis"
MARKS = (
    SECRET,
    *(eui_of(index) for index, (insee, _) in enumerate(HANGS) if insee != INSIDE),
    *(name for insee, (name, *_) in COMMUNES.items() if insee != INSIDE),
)
"""What no answer may hold."""
TICKETS = {"own": 2, "foreign": 1}


@dataclass(frozen=True, slots=True)
class World:
    """An application and who asks it."""

    app: Any
    database: Database
    sessions: dict[str, tuple[str, str]]
    token: str

    def client(self, role: str) -> TestClient:
        client = TestClient(self.app, follow_redirects=False, raise_server_exceptions=False)
        if role == "token":
            client.headers["Authorization"] = f"Bearer {self.token}"
        else:
            key, csrf = self.sessions[role]
            client.cookies.set(SESSION_COOKIE, key)
            client.headers[CSRF_HEADER] = csrf
        return client


EVERYWHERE_ROLE = "everywhere"
ROLES = ("viewer", "technician", "operator", "administrator", "token")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("territory")
    (folder / "fleet.db").write_bytes(_stored(True))
    database = Database(sqlite_url(folder / "fleet.db"))
    settings = msgspec.structs.replace(settings_of(folder, database), open_access=False)
    parts = parts_over(settings, database, StillClock())
    (settings.keys / "links.key").write_bytes(b"x" * 32)
    parts.feed.publish(network_of(database, NOW_US))
    sessions, vault = {}, Vault(settings.keys)
    write_session_secret(settings.keys)
    with database.write() as connection:
        _fill(connection)
        token = tokens.create(
            connection, name="t", scopes=["read", "opendata"], territories=[INSIDE], who="t", now_us=NOW_US
        )
    for name in (*people.Role, EVERYWHERE_ROLE):
        role = people.Role.ADMINISTRATOR if name == EVERYWHERE_ROLE else name
        account = people.account_of(name=name, role=role, password="x" * 12)
        with database.write() as connection:
            people.set_user(connection, account, who="t", now_us=NOW_US)
            if name != EVERYWHERE_ROLE:
                people.set_territories(connection, name, [INSIDE], who="t", now_us=NOW_US)
        key = log_in(database, name, "x" * 12, NOW_US, vault=vault)
        with database.read() as connection:
            sessions[name] = key, person_of(connection, key, vault, NOW_US).csrf_token
    return World(make_app(parts), database, sessions, token)


def _fill(connection: Any) -> None:
    """Write what lies outside with a mark, and a ticket inside."""
    tables = metadata.tables
    connection.execute(
        update(tables["sites"]).where(tables["sites"].c.id == FOREIGN_SITE).values(access_notes=SECRET)
    )
    connection.execute(update(tables["tickets"]).values(caller=f"{SECRET} +33612345678"))
    inside = NewTicket(
        incident_id=None,
        origin=Origin.PHONE,
        title="Vouvray",
        criticality=Criticality.MINOR,
        began_at_us=NOW_US - MINUTE_US,
        reported_at_us=NOW_US - MINUTE_US,
        site_id=OWN_SITE,
        commune_insee=INSIDE,
    )
    assert tickets.create(connection, inside, NOW_US).id == TICKETS["own"]
    for name, row in _rows().items():
        marked = {column.name: SECRET for column in tables[name].columns if isinstance(column.type, Text)}
        connection.execute(insert(tables[name]).values(_needed(tables[name]) | marked | row))
    audit.record(
        connection,
        now_us=NOW_US,
        who="anne",
        action="gateway.command",
        subject=FOREIGN_EUI,
        after={"text": SECRET},
    )


def _rows() -> dict[str, dict[str, Any]]:
    """Return a row of elsewhere for tables whose pages show words."""
    span = {"from_at_us": NOW_US - 9, "until_at_us": NOW_US + DAY_US}
    return {
        "ticket_attachments": {"ticket_id": 1, "media_type": "image/png", "content": SECRET.encode()},
        "shift_entries": {"at_us": NOW_US, "who": "anne", "kind": "note", "mail_key": ""},
        "maintenances": span | {"euis": [FOREIGN_EUI], "announced_at_us": NOW_US, "withdrawn": False},
        "statements": span | {"eui": FOREIGN_EUI, "cause": "power", "responsible": "operator"},
        "refused_messages": {"topic": f"vdl/1/{FOREIGN_EUI}/health", "payload": b""},
        "report_mails": {"ticket_id": 1, "key": "k"},
        "objects": {"dev_eui": "00" * 8},
    }


def _needed(table: Table) -> dict[str, Any]:
    """Return a value for every column that needs one."""
    columns = (column for column in table.columns if not column.nullable and column.server_default is None)
    return {
        column.name: SECRET if isinstance(column.type, String) else 0
        for column in columns
        if not column.primary_key or isinstance(column.type, String)
    }


def routes(world: World, method: str) -> list[APIRoute]:
    return [
        route
        for route in iter_route_contexts(world.app.routes)
        if isinstance(route.route, APIRoute) and method in (route.methods or ())
    ]


WHERE = {
    "foreign": {"eui": FOREIGN_EUI, "insee": OUTSIDE, "site_id": FOREIGN_SITE, "ticket_id": 1, "into": 2}
    | {"entry_id": 1, "photo_id": 1, "number": 1, "key": "k"},
    "own": {"eui": OWN_EUI, "insee": INSIDE, "site_id": OWN_SITE, "ticket_id": 2, "into": 1}
    | {"entry_id": 9, "photo_id": 9, "number": 9, "key": "x"},
}
EVERYWHERE = {
    "month": "2026-11",
    "word": "halt",
    "rollout_id": 1,
    "form": "csv",
    "verb": "pris-en-compte",
    "token": "x",
    "person_id": 1,
    "kind": "metadata",
    "name": "1.root.json",
}


def path_of(route: APIRoute, where: str) -> str:
    values = EVERYWHERE | WHERE[where]
    return re.sub(r"\{(\w+)(:\w+)?\}", lambda found: str(values[found[1]]), route.path)


STREAMS = (STREAM_PATH, WALL_STREAM_PATH)
"""Streams have no end; both tell what ``live.stream_to`` makes of the visit, whose network is bounded."""
PLAN = "/api/v1/reports/deployment"
COMMUNES_OF_THE_PLAN = tuple(name for name, *_ in COMMUNES.values())
"""The contract's plan names every commune; how far each is stays within the territory."""


def shown_to(world: World, role: str) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return the marks that each route's answer holds, and the answers that broke."""
    client, shown, broken = world.client(role), {}, {}
    for route in routes(world, "GET"):
        if route.path in STREAMS:
            continue
        for where in WHERE:
            path = path_of(route, where)
            answer = client.get(path)
            if answer.status_code >= 500 and route.path != "/healthz":
                broken[path] = answer.text
            text = answer.text.replace(FOREIGN_EUI, "") if FOREIGN_EUI in path else answer.text
            plan = set(COMMUNES_OF_THE_PLAN) if route.path.startswith(PLAN) else set()
            if found := [mark for mark in MARKS if mark in text and mark not in plan]:
                shown[path] = found
    return shown, broken


@pytest.mark.parametrize("role", ROLES)
def test_no_route_shows_anything_of_elsewhere(world, role):
    assert shown_to(world, role) == ({}, {})


def test_the_same_routes_show_it_to_who_has_no_territory(world):
    shown, _ = shown_to(world, EVERYWHERE_ROLE)
    assert len(shown) >= 25
    assert {mark for found in shown.values() for mark in found} == set(MARKS)


def _outside(world: World) -> dict[str, list[Any]]:
    """Return every row of every table, but for those that a refused request leaves behind."""
    with world.database.read() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in metadata.sorted_tables
        }


FORM = {
    **dict.fromkeys(("eui", "euis", "scope", "target"), FOREIGN_EUI),
    **dict.fromkeys(("insee", "commune_insee", "commune"), OUTSIDE),
    **dict.fromkeys(("site", "site_id"), str(FOREIGN_SITE)),
    **dict.fromkeys(("reason", "text", "title", "what", "name", "caller", "depot", "part"), "x"),
    "action": "reboot",
    "role": "administrator",
    "password": "y" * 14,
    "from": "2026-11-23T08:00",
    "until": "2026-11-23T09:00",
    "kind": "note",
}
"""A value for each field of a form, of elsewhere where it names a thing."""


def fields_of(route: APIRoute) -> dict[str, Any]:
    names = [field.alias for field in route.dependant.body_params]
    return {name: FORM.get(name, "1") for name in names}


OWN_TABLES = frozenset(
    {"audit_log", "shift_entries", "part_moves", "spare_parts", "on_call", "sessions", "timers"}
)
"""What a person with a territory may add to: it names nothing of elsewhere."""


def changed_by(world: World, role: str) -> tuple[set[str], dict[Any, int]]:
    """Return the tables that forms about elsewhere changed, and the answers that broke."""
    client = world.client(role)
    client.get("/api/v1/gateways")  # the first use of a token is written down
    before, answers = _outside(world), {}
    for route in routes(world, "POST"):
        if route.path in NOT_OF_A_PERSON or route.path.startswith("/api/v1/sms"):
            continue
        path = path_of(route, "foreign")
        answers[path] = client.post(path, data=fields_of(route)).status_code
        if route.path.startswith("/api/"):
            answers[path, "json"] = client.post(path, json=fields_of(route) | JSON).status_code
    after = _outside(world)
    broken = {path: code for path, code in answers.items() if code >= 500}
    return {name for name in before if before[name] != after[name]} - OWN_TABLES, broken


@pytest.mark.parametrize("role", ROLES)
def test_no_route_changes_anything_of_elsewhere(world, role):
    assert changed_by(world, role) == (set(), {})


def test_the_same_forms_change_it_for_who_has_no_territory(world):
    changed, _ = changed_by(world, EVERYWHERE_ROLE)
    assert changed >= {"tickets", "ticket_events", "maintenances", "words", "users"}


NOT_OF_A_PERSON = {"/deconnexion", "/connexion", "/preferences"}
JSON = {
    "commune_insee": OUTSIDE,
    "site_id": FOREIGN_SITE,
    "text": "x",
    "step": "acknowledged",
    "tickets": [1],
    "euis": [FOREIGN_EUI],
    "incident_id": 1,
}

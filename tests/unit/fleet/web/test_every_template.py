"""Every template with awkward values: apostrophes and accents in names, ones and zeros, every state.

French pages hold no English, no raw key, no number that disagrees with its noun, no typewriter apostrophe;
their lists are ordered as a French reader looks for them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import get_args

import msgspec
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, select, update

from agent.wire.configuration import Configuration
from fleet.incidents import store as incidents
from fleet.incidents.model import Member
from fleet.lang.text import collation
from fleet.notify import outbox
from fleet.notify.model import Channel, Delivery, Rendered
from fleet.notify.tables import outbox as messages
from fleet.paging.validity import Overtaken
from fleet.registry.tables import communes, gateways, sites
from fleet.shift import log as shift
from fleet.shift.log import EntryKind
from fleet.tickets import actions, links, parts
from fleet.tickets import store as tickets
from fleet.tickets.model import (
    Acknowledge,
    Close,
    Criticality,
    FieldReport,
    Merge,
    NewTicket,
    Note,
    Origin,
    PauseReason,
    Restore,
    StopClocks,
)
from fleet.tickets.presence import site_token
from fleet.web.rendering import FOLDER
from tests.unit.fleet.web.network import make_app, network_of
from tests.unit.fleet.web.sample import NOW_US, eui_of
from tests.unit.fleet.web.test_acts import TOKEN, stamp_in
from tests.unit.fleet.web.test_words import CODE, DISAGREES, ENGLISH, FIELD, KEY, NAMES, sentences, visible

AWKWARD = ("Étampes-l'Île", "Esvres", "Œuilly", "Zoé d'Aÿ", "L'Île-d'Étampes", "évian", "Eu", "Saint-Cyr")
TELEMETRY = {"who": "telemetry", "via": "telemetry"}
LINKS_SECRET = b"k" * 32


def _settings_of(kind: type[msgspec.Struct]) -> Iterator[str]:
    """Yield the names of every setting of a gateway, whichever section it is in."""
    for one in msgspec.structs.fields(kind):
        yield one.name
        for part in (one.type, *get_args(one.type)):
            if isinstance(part, type) and issubclass(part, msgspec.Struct):
                yield from _settings_of(part)


SETTINGS = frozenset(_settings_of(Configuration))
"""Settings of a gateway go by their names: that is how they are asked for and set."""
_ROLLOUT = {"target": "all", "reason": "l'essai d'Étampes", "connectors.0.host": "lns2.exemple.fr"}


@dataclass(frozen=True)
class Asked:
    """How a template is asked for."""

    path: str
    form: dict[str, str] = field(default_factory=dict)


def _asked(token: str, label: str) -> dict[str, list[Asked]]:
    ticket_pages = [Asked(f"/tickets/{number}") for number in range(1, 7)]
    return {
        "affected_gateways.html": [Asked("/tickets/1/passerelles"), Asked("/tickets/1/passerelles?q=zz")],
        "audit.html": [Asked("/journal")],
        "call.html": [Asked("/tickets/nouveau")],
        "commune.html": [Asked(f"/communes/{insee}") for insee in ("37015", "37203", "37233")],
        "communes.html": [Asked("/communes"), Asked("/tickets/1/communes"), Asked("/communes?q=zz")],
        "connectivity.html": [Asked("/objets")],
        "duty.html": [Asked("/astreinte")],
        "error.html": [Asked("/nowhere"), Asked("/tickets/999")],
        "gateway.html": [Asked(f"/passerelles/{eui_of(index)}") for index in range(4)],
        "gateways.html": [Asked("/passerelles"), Asked("/passerelles?etat=suspect")],
        "guide.html": [Asked("/guide")],
        "radio.html": [Asked("/radio"), Asked("/radio?q=zz")],
        "incidents.html": [Asked("/incidents"), Asked("/incidents?tous=1")],
        "label.html": [Asked(f"/s/{label}")],
        "layers.html": [Asked("/deploiements/couches?couche=fleet")],
        "link.html": [Asked(f"/a/{token}"), Asked("/a/forged")],
        "login.html": [Asked("/connexion?error=1")],
        "map.html": [Asked("/carte")],
        "month.html": [Asked("/rapports/2026-10"), Asked("/rapports/2026-11")],
        "order.html": [Asked("/ordres/1"), Asked("/ordres/2"), Asked("/ordres/2/prolonger", {"days": "999"})],
        "orders.html": [
            Asked("/ordres"),
            Asked("/ordres?etat=accepted"),
            Asked("/ordres", {"for": "site:1", "gain": "99"}),
        ],
        "overview.html": [Asked("/")],
        "parts.html": [Asked("/pieces")],
        "people.html": [Asked("/personnes")],
        "refused.html": [Asked("/messages-refuses")],
        "registry.html": [Asked("/registre")],
        "reports.html": [Asked("/rapports")],
        "rollout.html": [Asked("/deploiements/1")],
        "rollout_preview.html": [Asked("/deploiements/apercu", _ROLLOUT)],
        "rollouts.html": [Asked("/deploiements")],
        "search.html": [Asked("/recherche?q=e"), Asked("/recherche?q=zzz")],
        "shift.html": [Asked("/main-courante")],
        "site.html": [Asked("/sites/1"), Asked("/sites/2")],
        "statistics.html": [Asked("/statistiques")],
        "stop.html": [Asked(f"/passerelles/{eui_of(index)}/couper") for index in (1, 2)],
        "ticket.html": ticket_pages,
        "wall.html": [Asked("/mur")],
        "wall_token.html": [Asked("/mur/jeton?error=1")],
        "works.html": [Asked("/travaux")],
    }


def _names(connection: Connection) -> None:
    for table, key in ((communes, communes.c.insee), (sites, sites.c.id), (gateways, gateways.c.eui)):
        known = connection.execute(select(key).order_by(key)).scalars().all()
        for index, one in enumerate(known):
            name = f"{AWKWARD[index % len(AWKWARD)]} {index}"
            connection.execute(update(table).where(key == one).values(name=name))
    noted = {"access_notes": "Clé chez l'élu d'astreinte", "address": "1, rue de l'Église"}
    connection.execute(update(sites).values(noted))


def _tickets(connection: Connection) -> None:
    """Write a ticket in each state: taken and paused, restored, closed with a report, merged, called in."""
    now_us = NOW_US
    person = {"who": "Jean d'Ormesson", "via": "page", "at_us": now_us}
    for number in range(5):
        new = NewTicket(
            origin=Origin.PHONE if number % 2 else Origin.MAIL,
            title="Plus d'eau relevée à l'école",
            criticality=list(Criticality)[number % 3],
            began_at_us=now_us - 10**9,
            reported_at_us=now_us - 10**9,
            commune_insee="37015",
            caller="Mme d'Aÿ",
            who="page",
        )
        tickets.create(connection, new, now_us)
    for number in (2, 3, 4):
        actions.act(connection, number, Acknowledge(**person), now_us)
        actions.act(connection, number, Note(**person, text="l'échelle manque"), now_us)
    actions.act(
        connection, 2, StopClocks(**person, reason=PauseReason.OWNER_ABSENT, note="n'est pas là"), now_us
    )
    for number in (3, 4):
        actions.act(connection, number, Restore(**TELEMETRY, at_us=now_us), now_us)
    report = FieldReport(cause="l'onduleur", action="remplacé à l'identique", parts=("fusible",))
    actions.act(connection, 4, Close(**person, report=report), now_us)
    actions.act(connection, 5, Merge(**TELEMETRY, at_us=now_us, into=1), now_us)


def _messages(connection: Connection) -> None:
    """Write a message in each outcome."""
    outcomes = [
        *((Delivery.WITHDRAWN, reason.value) for reason in Overtaken),
        (Delivery.SENT, "sms.example: answered no number for the message"),
        (Delivery.FAILED, "sms.example: 503 Service Unavailable"),
        (Delivery.PENDING, ""),
        (Delivery.DELIVERED, ""),
    ]
    text = Rendered(subject="CRITIQUE l'Île", text="l'Île", sms="l'Île")
    for index, (state, error) in enumerate(outcomes):
        key = f"awkward/{index}"
        outbox.enqueue(
            connection,
            key=key,
            channel=Channel.SMS,
            address="+33600000000",
            message=text,
            now_us=NOW_US,
            ticket_ids=[1],
        )
        connection.execute(update(messages).where(messages.c.key == key).values(state=state, error=error))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each template says in French."""
    app = make_app(tmp_path_factory.mktemp("templates"))
    shared = app.state.parts
    (shared.settings.keys / links.SECRET_NAME).write_bytes(LINKS_SECRET)
    with shared.database.write() as connection:
        _names(connection)
        _tickets(connection)
        _messages(connection)
        for name in ("Étrier", "Écrou", "Fusible"):
            parts.receive(
                connection,
                depot="L'Île",
                name=name,
                change=1,
                low_limit=2,
                note="l'an neuf",
                who="x",
                now_us=NOW_US,
            )
        for kind in EntryKind:
            shift.write(connection, kind=kind, text="l'orage approche", who="Jean d'Ormesson", now_us=NOW_US)
        lost = [Member(eui=eui_of(index), since_us=NOW_US - 10**9) for index in range(6)]
        incidents.add_members(connection, 1, lost)
        token = links.mint(
            connection, LINKS_SECRET, ticket_id=6, person_id=None, who="Jean d'Ormesson", now_us=NOW_US
        )
        label = site_token(LINKS_SECRET, 1)
    shared.feed.publish(network_of(shared.database, NOW_US))
    client = TestClient(app, follow_redirects=False)
    rollout = TOKEN | _ROLLOUT
    stamp = stamp_in(client.post("/deploiements/apercu", data=rollout).text)
    assert client.post("/deploiements", data=rollout | {"stamp": stamp}).status_code == 303
    for subject in ("site:1", eui_of(0)):
        assert client.post("/ordres", data=TOKEN | {"for": subject}).status_code == 303
    found = {}
    for template, ways in _asked(token, label).items():
        answers = [
            client.post(way.path, data=TOKEN | way.form) if way.form else client.get(way.path) for way in ways
        ]
        assert all(answer.status_code < 500 for answer in answers), template
        found[template] = [answer.text for answer in answers]
    return found


TEMPLATES = sorted(path.name for path in (FOLDER / "templates" / "pages").glob("*.html"))


def test_every_template_is_asked_for() -> None:
    assert sorted(_asked("", "")) == TEMPLATES


@pytest.mark.parametrize("template", TEMPLATES)
def test_no_english_no_key_no_wrong_plural_no_typewriter_apostrophe(
    pages: dict[str, list[str]], template: str
) -> None:
    for page in pages[template]:
        text = visible(page)
        assert ENGLISH.findall(text) == []
        assert KEY.findall(NAMES.sub("", text)) == []
        assert CODE.findall(text) == []
        assert DISAGREES.findall(text) == []
        assert set(FIELD.findall(NAMES.sub("", text))) - SETTINGS == set()
        assert [sentence for sentence in sentences("en") if sentence in text] == []
        assert "'" not in text


@pytest.mark.parametrize("template", TEMPLATES)
def test_choices_are_ordered_as_a_french_reader_looks_for_them(
    pages: dict[str, list[str]], template: str
) -> None:
    for page in pages[template]:
        for options in re.findall(r"<select\b.*?</select>", page, re.DOTALL):
            found = re.findall(r"<option[^>]*>\s*([^<]+?)\s*</option>", options)
            named = [text for text in found if any(name.split("'")[0] in text for name in AWKWARD)]
            assert named == sorted(named, key=collation)

"""Every act on a ticket, in every situation, by every door: the same ticket, trail and refusal."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from tempfile import mkdtemp

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select

from fleet.acts.steps import Step
from fleet.db.connect import Database, sqlite_url
from fleet.identity.people import OPEN_ACCESS
from fleet.lang.i18n import t
from fleet.notify.model import Channel
from fleet.notify.tables import outbox
from fleet.tickets import store as tickets
from fleet.tickets.model import Acknowledge, Act, Arrive, Close, FieldReport, PauseReason, StopClocks
from fleet.tickets.presence import site_token
from fleet.tickets.tables import timers
from fleet.web.api.inbound import callback_token
from fleet.web.pages import tickets as ticket_page
from tests.stories.pages import client_of
from tests.stories.world import MINUTE, Clock, Postman, World, new_world, plain

SECRET = b"s" * 32
PHONE = "+33612345678"
REPORT = {"cause": "disjoncteur", "action": "réarmé", "parts": "fusible", "depot": "Tours"}
BRUNO = {"who": "Bruno Petit", "via": "page"}


# --- situations: a ticket as it stands before somebody acts -----------------------------------------
def reported(world: World) -> None:
    """Nobody has it yet."""


def taken(world: World) -> None:
    world.act(1, Acknowledge(**BRUNO, at_us=world.clock.at_us))


def paused(world: World) -> None:
    taken(world)
    world.act(1, StopClocks(**BRUNO, at_us=world.clock.at_us, reason=PauseReason.OWNER_ABSENT))


def on_site(world: World) -> None:
    world.act(1, Arrive(**BRUNO, at_us=world.clock.at_us))


def restored(world: World) -> None:
    on_site(world)
    world.restore("a1")
    world.pass_time(2 * MINUTE)


def closed(world: World) -> None:
    restored(world)
    report = FieldReport(cause="fusible", action="changé")
    world.act(1, Close(**BRUNO, at_us=world.clock.at_us, report=report))


SITUATIONS: dict[str, Callable[[World], None]] = {
    made.__name__: made for made in (reported, taken, paused, on_site, restored, closed)
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A world as it was left, to be woken as often as there are doors."""

    database: bytes
    at_us: int
    gateways: dict[str, object]
    communes: dict[str, object]
    link: str


@cache
def prepared(situation: str) -> Prepared:
    """Return a village whose gateway is lost and whose ticket is in a situation."""
    folder = Path(mkdtemp())
    world = new_world(folder)
    world.enable(Channel.SMS, Channel.WEBHOOK)
    world.people("Anne Martin", phone=PHONE)
    world.commune("37015", "Azay-sur-Cher", "a1")
    world.cycle()
    world.lose("a1")
    world.pass_time(3 * MINUTE)
    link = world.link("anne@example.fr")
    SITUATIONS[situation](world)
    world.clock.at_us += MINUTE
    world.database.close()
    stored = (folder / "fleet.db").read_bytes()
    return Prepared(stored, world.clock.at_us, world.gateways, world.communes, link)


def woken(situation: str, folder: Path) -> tuple[World, str]:
    """Return that world once more, and the acknowledge link that Anne was sent."""
    found = prepared(situation)
    folder.mkdir()
    (folder / "fleet.db").write_bytes(found.database)
    world = World(
        database=Database(sqlite_url(folder / "fleet.db")),
        clock=Clock(found.at_us),
        postman=Postman(),
        folder=folder,
        gateways=dict(found.gateways),  # type: ignore[arg-type]
        communes=dict(found.communes),  # type: ignore[arg-type]
    )
    return world, found.link


# --- doors: each returns what the person reads ------------------------------------------------------
TEXTS = {
    Step.PAUSE: {"reason": "access_refused"},
    Step.CLOSE: REPORT,
    Step.REOPEN: {"reason": "revenu trop tôt"},
    Step.NOTE: {"text": "je dors, appelez Paul"},
    Step.DECLINE: {"text": "non"},
    Step.CONFIRM: {"confirmation": "photo de l'armoire", "text": "photo de l'armoire"},
}
VERBS = {
    Step.ACKNOWLEDGE: "prendre",
    Step.DEPART: "partir",
    Step.ARRIVE: "arriver",
    Step.PAUSE: "suspendre",
    Step.RESUME: "reprendre",
    Step.CLOSE: "clore",
    Step.REOPEN: "rouvrir",
    Step.NOTE: "noter",
    Step.CONFIRM: "confirmer",
}
REPLIES = {
    Step.ACKNOWLEDGE: "ok",
    Step.DEPART: "en route",
    Step.ARRIVE: "sur site",
    Step.NOTE: "je dors, appelez Paul",
    Step.DECLINE: "non",
}


def by_page(client: TestClient, world: World, step: Step, texts: dict[str, str], link: str) -> str:
    form = texts | {"csrf_token": OPEN_ACCESS.csrf_token}
    return client.post(f"/tickets/1/{VERBS[step]}", data=form, follow_redirects=False).text


def by_json(client: TestClient, world: World, step: Step, texts: dict[str, str], link: str) -> str:
    body: dict[str, object] = {"step": step, **texts}
    body.pop("confirmation", None)
    if "parts" in texts:
        body["parts"] = texts["parts"].split(",")
    return str(client.post("/api/v1/tickets/1/steps", json=body).json().get("detail", ""))


def by_sms(client: TestClient, world: World, step: Step, texts: dict[str, str], link: str) -> str:
    path = f"/api/v1/sms/{callback_token(SECRET)}/replies"
    message = f"{REPLIES[step]} 1" if step in (Step.ACKNOWLEDGE, Step.DEPART, Step.ARRIVE) else REPLIES[step]
    client.post(path, json={"sender": PHONE, "message": message})
    answered = select(outbox.c.text).where(outbox.c.key.like("answer/%"))
    with world.reading() as connection:
        return " ".join(connection.execute(answered).scalars())


def by_link(client: TestClient, world: World, step: Step, texts: dict[str, str], link: str) -> str:
    return client.post(f"/a/{link}").text


def by_label(client: TestClient, world: World, step: Step, texts: dict[str, str], link: str) -> str:
    return client.post(f"/s/{site_token(SECRET, 1)}", follow_redirects=False).text


Way = Callable[[TestClient, World, Step, dict[str, str], str], str]
DOORS: dict[str, tuple[Way, frozenset[Step]]] = {
    "page": (by_page, frozenset(VERBS)),
    "json": (by_json, frozenset(Step)),
    "sms": (by_sms, frozenset(REPLIES)),
    "link": (by_link, frozenset({Step.ACKNOWLEDGE})),
    "label": (by_label, frozenset({Step.ARRIVE})),
}


# --- what comes of it -------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a door may not decide: it is the same whichever was used."""

    ticket: dict[str, object]
    trail: list[object]
    timers: list[object]
    messages: list[object]
    refusal: str


DOORS_OWN = {"acknowledged_by", "on_site_by", "on_site_confirmed_by", "on_site_proof", "who", "via", "proof"}
"""Who acted, by which door, and what proved it: there doors differ by right."""


def without_the_door(value: object) -> object:
    """Return a value without what doors may differ in."""
    if isinstance(value, dict):
        return {name: without_the_door(part) for name, part in value.items() if name not in DOORS_OWN}
    if isinstance(value, list | tuple):
        return [without_the_door(part) for part in value]
    return value


def outcome_of(world: World) -> Outcome:
    with world.reading() as connection:
        ticket = tickets.get(connection, 1)
        trail = tickets.events(connection, 1)
        due = connection.execute(select(timers).order_by(timers.c.id)).mappings().all()
        sent = select(outbox.c.key, outbox.c.detail).where(outbox.c.key.not_like("answer/%"))
        messages = connection.execute(sent.order_by(outbox.c.id)).all()
    refusals = [line.detail["key"] for line in trail if line.kind == "Refused"]
    fields = {name: getattr(ticket, name) for name in ticket.__slots__}
    return Outcome(
        ticket=dict(without_the_door(fields | {"pauses": [repr(one.reason) for one in ticket.pauses]})),  # type: ignore[call-overload]
        trail=[(line.kind, line.at_us, without_the_door(line.detail)) for line in trail],
        timers=[dict(row) for row in due],
        messages=[(row.key, without_the_door(row.detail)) for row in messages],
        refusal=refusals[-1] if refusals else "",
    )


def tried(situation: str, door: str, step: Step, texts: dict[str, str], folder: Path) -> tuple[Outcome, str]:
    """Let a person act by a door; return what came of it and what the person reads."""
    world, link = woken(situation, folder / door)
    client = client_of(world)
    assert isinstance(client.app, FastAPI)
    client.app.include_router(ticket_page.router)
    answer = DOORS[door][0](client, world, step, texts, link)
    found = outcome_of(world)
    world.database.close()
    return found, " ".join(plain(unescape(re.sub(r"<[^>]*>", " ", answer))).split())


@pytest.mark.slow
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("step", Step)
def test_each_door_does_what_the_others_do(situation: str, step: Step, tmp_path: Path) -> None:
    doors = [door for door, (_, steps) in DOORS.items() if step in steps]
    if situation == "closed" and "label" in doors:
        doors.remove("label")  # a label leads to an open ticket: the next test
    found = {door: tried(situation, door, step, TEXTS.get(step, {}), tmp_path) for door in doors}
    expected, _ = found["json"]
    for door, (outcome, answer) in found.items():
        assert outcome == expected, door
        if outcome.refusal:
            with_values = t("fr", outcome.refusal, who="Bruno Petit")
            assert plain(with_values) in answer, door


def test_a_label_leads_to_no_closed_ticket(tmp_path: Path) -> None:
    before = outcome_of(woken("closed", tmp_path / "before")[0])
    outcome, answer = tried("closed", "label", Step.ARRIVE, {}, tmp_path)
    assert "Aucun ticket ouvert pour ce site." in answer
    assert outcome == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "texts", "key"),
    [
        (Step.PAUSE, {"reason": "tired"}, "no_reason"),
        (Step.CLOSE, {"cause": "disjoncteur"}, "missing.action"),
        (Step.CLOSE, {"action": "réarmé"}, "missing.cause"),
        (Step.REOPEN, {}, "missing.reason"),
        (Step.NOTE, {"text": "  "}, "missing.text"),
    ],
)
def test_a_text_that_is_missing_is_asked_for_at_each_door(
    step: Step, texts: dict[str, str], key: str, tmp_path: Path
) -> None:
    before = outcome_of(woken("restored", tmp_path / "before")[0])
    for door in ("page", "json"):
        outcome, answer = tried("restored", door, step, texts, tmp_path)
        sentence = t("fr", f"ticket.refused.{key}", known=", ".join(PauseReason))
        assert plain(sentence) in answer, door
        assert outcome == before, door


def test_the_acts_of_this_table_are_all_there_are() -> None:
    assert {step for _, steps in DOORS.values() for step in steps} == set(Step)
    assert issubclass(Acknowledge, Act)

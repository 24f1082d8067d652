"""Who is on site proves it by the code that the gateway shows for this ticket; nothing else proves it."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from agent.wire.command import Action, decode_command
from agent.wire.envelope import decode_envelope
from agent.wire.onsite import CURVE, shown_code
from fleet.acts.challenge import ASKED_LIMIT, ASKED_WINDOW_US, CODE_LIFE_US, TRIES_LIMIT, TRIES_WINDOW_US, ask
from fleet.acts.presence import PresenceRules
from fleet.acts.steps import Door, ShownPresence, Step, StepRequest
from fleet.acts.take import Taken, take
from fleet.configurations.tables import instructions
from fleet.identity.authority import check_request, found_authority
from fleet.identity.tables import certificates
from fleet.reports.interventions import arrivals_table
from fleet.tickets.clocks import ClockVerdict
from fleet.tickets.model import StepRefused
from fleet.tickets.presence import proof_words, site_token
from tests.stories.pages import client_of
from tests.stories.world import HOUR, MINUTE, SECOND, World
from tests.unit.fleet.identity.certificates import csr_of
from tests.unit.fleet.web.process import SIGNING

SECRET = b"s" * 32
RULES = PresenceRules(secret=SECRET)
GATEWAY = ec.derive_private_key(7, CURVE)


@pytest.fixture
def azay_lost(azay: World) -> World:
    """Azay with its gateway lost, a ticket, and a certificate of the gateway."""
    authority = found_authority(azay.folder, azay.clock.at_us)
    issued = authority.issue_gateway(check_request(csr_of("a1", GATEWAY), "a1"), "a1", azay.clock.at_us)
    row = {"serial": issued.serial, "eui": "a1", "public_key_sha256": "", "certificate_pem": issued.pem}
    row |= {"issued_at_us": azay.clock.at_us, "not_after_at_us": azay.clock.at_us + 365 * 24 * HOUR}
    with azay.database.write() as connection:
        connection.execute(insert(certificates), row)
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    return azay


def asked(world: World, who: str = "Anne Martin") -> str:
    """Ask for a code as ``who`` and return what the gateway shows; empty: nothing was asked of it."""
    with world.database.write() as connection:
        found = ask(connection, SIGNING, SECRET, world.ticket(), who=who, now_us=world.clock.at_us)
    return "" if isinstance(found, StepRefused) else on_the_screen(world)


def on_the_screen(world: World, key: ec.EllipticCurvePrivateKey = GATEWAY) -> str:
    """Return what the newest command lets a gateway with ``key`` show."""
    with world.reading() as connection:
        query = select(instructions.c.envelope).order_by(instructions.c.version.desc()).limit(1)
        command = decode_command(decode_envelope(connection.scalar(query) or b"").payload)
    assert command.action is Action.SHOW_CODE
    return shown_code(key, command.challenge, "a1", command.ticket)


def arrive(world: World, who: str = "Anne Martin", step: Step = Step.ARRIVE, **more: Any) -> str:
    """Let a person act and return the refusal, or how the ticket knows of the arrival."""
    request = StepRequest(step=step, who=who, door=Door.API, **more)
    with world.database.write() as connection:
        found = take(connection, RULES, 1, request, world.clock.at_us)
    return found.ticket.on_site_proof if isinstance(found, Taken) else found.key


def code(text: str) -> ShownPresence:
    return ShownPresence(code=text)


def wrong(right: str) -> str:
    return f"{(int(right) + 1) % 1_000_000:06d}"


def test_the_code_that_the_gateway_shows_proves_it(azay_lost: World) -> None:
    shown = asked(azay_lost)
    azay_lost.clock.at_us += 2 * MINUTE
    assert arrive(azay_lost, presence=code(f" {shown[:3]} {shown[3:]}")) == "code"
    assert azay_lost.ticket().on_site_by == "Anne Martin"


def test_it_proves_nothing_about_the_time_before_it_was_asked_for(azay_lost: World) -> None:
    asked_at, earlier = azay_lost.clock.at_us, azay_lost.clock.at_us - MINUTE
    assert arrive(azay_lost, presence=code(asked(azay_lost)), at_us=earlier) == "code"
    assert azay_lost.ticket().on_site_at_us == asked_at


def test_who_does_not_stand_there_computes_no_code(azay_lost: World) -> None:
    shown = asked(azay_lost)
    thief = ec.derive_private_key(8, CURVE)
    assert on_the_screen(azay_lost, thief) != shown
    azay_lost.database.close()
    stored = b"".join(path.read_bytes() for path in azay_lost.folder.glob("fleet.db*"))
    assert shown.encode() not in stored


@pytest.mark.parametrize(
    ("shown", "kind"),
    [
        (ShownPresence(label=site_token(SECRET, 1)), "label"),
        (ShownPresence(lat=47.35, lon=0.8457), "position 0 m"),
        (None, "declared"),
    ],
)
def test_what_can_be_copied_or_said_is_declared(
    azay_lost: World, shown: ShownPresence | None, kind: str
) -> None:
    assert arrive(azay_lost, presence=shown) == kind
    assert proof_words("fr", kind).startswith("déclaré")
    assert arrivals_table([azay_lost.ticket()]).note.startswith(
        "Arrivées prouvées par le code de la passerelle : 0 sur 1"
    )


@pytest.mark.parametrize("late_us", [-SECOND, 0, SECOND])
def test_a_code_ends(azay_lost: World, late_us: int) -> None:
    shown = asked(azay_lost)
    azay_lost.clock.at_us += CODE_LIFE_US + late_us
    assert arrive(azay_lost, presence=code(shown)) == ("code" if late_us < 0 else "presence.wrong_code")


def test_a_newer_question_ends_the_code_before(azay_lost: World) -> None:
    first = asked(azay_lost)
    azay_lost.clock.at_us += MINUTE
    second = asked(azay_lost, "Bruno Petit")
    if first != second:
        assert arrive(azay_lost, presence=code(first)) == "presence.wrong_code"
    assert arrive(azay_lost, presence=code(second)) == "code"


def test_wrong_codes_are_throttled_by_ticket_and_person(azay_lost: World) -> None:
    shown = asked(azay_lost)
    for _ in range(TRIES_LIMIT):
        assert arrive(azay_lost, presence=code(wrong(shown))) == "presence.wrong_code"
    assert arrive(azay_lost, presence=code(shown)) == "presence.too_many_codes"
    azay_lost.clock.at_us += TRIES_WINDOW_US
    shown = asked(azay_lost)
    assert arrive(azay_lost, presence=code(shown)) == "code"


def test_another_person_is_not_throttled_with_them(azay_lost: World) -> None:
    shown = asked(azay_lost)
    for _ in range(TRIES_LIMIT):
        arrive(azay_lost, presence=code(wrong(shown)))
    assert arrive(azay_lost, "Bruno Petit", presence=code(shown)) == "code"


def test_questions_are_limited(azay_lost: World) -> None:
    for _ in range(ASKED_LIMIT):
        assert asked(azay_lost)
        azay_lost.clock.at_us += SECOND
    assert asked(azay_lost) == ""
    azay_lost.clock.at_us += ASKED_WINDOW_US
    assert asked(azay_lost)


def test_a_dark_gateway_is_declared_and_proved_once_it_is_back(azay_lost: World) -> None:
    assert arrive(azay_lost) == "declared"
    assert arrive(azay_lost) == "ticket.refused.already_on_site"
    azay_lost.clock.at_us += HOUR
    assert arrive(azay_lost, presence=code(asked(azay_lost))) == "code afterwards"
    assert arrive(azay_lost, presence=code(asked(azay_lost))) == "ticket.refused.already_on_site"


@pytest.mark.parametrize(("after_us", "late"), [(15 * MINUTE, False), (15 * MINUTE + 1, True)])
def test_what_a_phone_sends_late_keeps_its_time_and_is_declared(
    azay_lost: World, after_us: int, late: bool
) -> None:
    typed_at, shown = azay_lost.clock.at_us, asked(azay_lost)
    azay_lost.clock.at_us += after_us
    assert arrive(azay_lost, presence=code(shown), at_us=typed_at) == "declared"
    ticket = azay_lost.ticket()
    assert (ticket.on_site_at_us, ticket.on_site_entered_at_us) == (typed_at, azay_lost.clock.at_us)
    assert ticket.on_site_late is late


def test_a_late_arrival_counts_when_a_second_person_confirms_it(azay_lost: World) -> None:
    arrived = azay_lost.clock.at_us
    azay_lost.pass_time(5 * HOUR)
    arrive(azay_lost, at_us=arrived)
    assert azay_lost.open()[0].ticket.intervention.verdict is ClockVerdict.MISSED
    row = arrivals_table([azay_lost.ticket()]).rows[0]
    assert (row[2], row[3], row[4], row[-1]) == (arrived, azay_lost.clock.at_us, "Anne Martin", False)
    assert arrive(azay_lost, step=Step.CONFIRM, text="j'y étais") == "ticket.refused.own_arrival"
    assert arrive(azay_lost, "Bruno Petit", Step.CONFIRM) == "ticket.refused.missing.confirmation"
    assert arrive(azay_lost, "Bruno Petit", Step.CONFIRM, text="photo de l'armoire") == "declared"
    assert azay_lost.open()[0].ticket.intervention.verdict is ClockVerdict.MET
    assert arrivals_table([azay_lost.ticket()]).rows[0][6:] == ("Bruno Petit", azay_lost.clock.at_us, True)
    assert arrive(azay_lost, "Carole", Step.CONFIRM, text="x") == "ticket.refused.already_confirmed"


def test_nobody_is_there_to_be_confirmed(azay_lost: World) -> None:
    assert arrive(azay_lost, "Bruno Petit", Step.CONFIRM, text="x") == "ticket.refused.not_on_site"


def test_the_code_is_asked_for_and_typed_over_the_api(azay_lost: World) -> None:
    client: TestClient = client_of(azay_lost)
    answer = client.post("/api/v1/tickets/1/code")
    assert (answer.status_code, answer.json()["gateways"]) == (201, ["a1"])
    typed = {"step": "arrive", "presence": {"code": on_the_screen(azay_lost)}}
    assert client.post("/api/v1/tickets/1/steps", json=typed).json()["state"] == "on_site"
    assert azay_lost.ticket().on_site_proof == "code"


def test_a_ticket_without_an_enrolled_gateway_says_so(azay: World) -> None:
    azay.lose("a1")
    azay.pass_time(3 * MINUTE)
    answer = client_of(azay).post("/api/v1/tickets/1/code")
    assert (answer.status_code, answer.headers["X-Refusal"]) == (409, "presence.no_gateway")

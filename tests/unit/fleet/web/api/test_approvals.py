"""Who approves types the password again, in the act; wrong ones wait like logins."""

import pytest
from sqlalchemy import select

from fleet.approvals import store as approvals
from fleet.approvals.model import DEFAULT_RULES, RequestKind, RequestState, key_of
from fleet.identity import people
from fleet.identity.attempts import FREE_TRIES
from fleet.identity.tables import sessions
from fleet.identity.totp import STEP_US, Vault, code, new_secret
from fleet.web.process_parts import SESSION_COOKIE
from tests.unit.fleet.web.api.site import PASSWORD, Site

EUI = "0016c001f1370001"


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path, open_access=False)
    made.person("bruno", "operator")
    for number in range(2):
        with made.database.write() as connection:
            approvals.ask(
                connection,
                key_of(made.keys.signing),
                DEFAULT_RULES,
                kind=RequestKind.PUSH,
                subject=EUI,
                content={"changes": {"connectors.0.host": f"lns{number}.example.fr"}},
                needs_second=True,
                author="anne",
                reason="essai",
                now_us=made.clock.now,
            )
    return made


def log_in(site, given=""):
    form = {"name": "bruno", "password": PASSWORD, "code": given}
    assert site.client.post("/connexion", data=form).headers["location"] == "/"
    with site.database.read() as connection:
        newest = select(sessions.c.csrf_token).order_by(sessions.c.created_at_us.desc())
        return {"X-CSRF-Token": connection.scalar(newest)}


def decide(site, token, number=1, **typed):
    return site.client.post(f"/api/v1/approvals/{number}", json={"choice": "approve"} | typed, headers=token)


def request(site, number=1):
    with site.database.read() as connection:
        return approvals.get(connection, number)


def test_a_session_alone_approves_nothing(site):
    token = log_in(site)
    for typed in ({}, {"password": "wrong"}):
        assert decide(site, token, **typed).status_code == 403
    form = site.client.post("/deploiements/demandes/1/approuver", data={"csrf_token": token["X-CSRF-Token"]})
    assert (form.status_code, request(site).state) == (403, RequestState.WAITING)
    answer = decide(site, token, password=PASSWORD)
    assert (answer.status_code, answer.json()["decided_proof"]) == (200, "password")
    assert "decided_session" not in answer.json()
    key = site.client.cookies[SESSION_COOKIE]
    assert request(site).decided_session == Vault(site.folder / "keys").digest(key)


def test_wrong_passwords_wait_and_refusing_needs_none(site):
    token = log_in(site)
    for _ in range(FREE_TRIES):
        assert decide(site, token, password="wrong").status_code == 403
    answer = decide(site, token, password=PASSWORD)
    assert (answer.status_code, "Réessayez" in answer.json()["detail"]) == (429, True)
    refused = site.client.post(
        "/api/v1/approvals/1", json={"choice": "refuse", "reason": "non"}, headers=token
    )
    assert refused.status_code == 200


def test_where_there_is_a_second_factor_it_is_part_of_the_proof(site):
    secret = new_secret()
    with site.database.write() as connection:
        sealed = Vault(site.folder / "keys").seal(secret)
        people.set_totp(connection, "bruno", sealed, who="test", now_us=site.clock.now)
    step = site.clock.now // STEP_US
    token = log_in(site, code(secret, step))
    assert decide(site, token, password=PASSWORD).status_code == 403
    assert decide(site, token, password=PASSWORD, code=code(secret, step)).status_code == 403, "once"
    answer = decide(site, token, password=PASSWORD, code=code(secret, step + 1))
    assert answer.json()["decided_proof"] == "password and code"


def test_the_card_asks_for_the_password(site):
    log_in(site)
    page = site.client.get("/deploiements").text
    assert 'name="password" type="password"' in page

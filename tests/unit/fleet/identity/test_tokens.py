"""Tokens of machines: scoped, hashed, expiring, revocable, audited; and how often somebody may try."""

import contextlib

import pytest
from sqlalchemy import select

from fleet.cli.main import main
from fleet.durations import SECOND_US
from fleet.identity import passwords, tokens
from fleet.identity.passwords import AT_ONCE_LIMIT, WAITING_LIMIT
from fleet.identity.people import PersonError, Scope
from fleet.identity.rate import Limiter
from fleet.identity.tables import api_tokens, audit_log
from fleet.objects.tables import object_months
from fleet.web.login import BROWSER_COOKIE
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.web.api.site import PASSWORD, Site

EVENT = {"deviceInfo": {"devEui": "70b3d57ed0001234"}}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path, open_access=False)


def made(site, *scopes, **more):
    with site.database.write() as connection:
        name = f"t{len(tokens.load(connection))}"
        return tokens.create(connection, name=name, scopes=scopes, who="test", now_us=site.clock.now, **more)


def ask(site, token, path="/api/v1/gateways"):
    return site.client.get(path, headers={"Authorization": f"Bearer {token}"})


def test_a_token_reads_and_never_acts(site):
    token = made(site, "read")
    assert ask(site, token).status_code == 200
    assert ask(site, token + "x").status_code == 401
    refused = site.client.post("/deconnexion", headers={"Authorization": f"Bearer {token}"})
    assert refused.status_code == 403
    assert ask(site, token, "/api/v1/reports/opendata/2026-11.csv").json()["field"] == "scope"


def test_a_scope_opens_nothing_else(site):
    token = made(site, "opendata")
    assert ask(site, token, "/api/v1/reports/opendata/2026-11.csv").status_code == 200
    for path in ("/api/v1/gateways", "/api/v1/reports/deployment.csv", "/api/v1/availability"):
        assert ask(site, token, path).status_code == 403


def test_the_lns_hands_in_its_events_over_http(site):
    token = made(site, "uplinks")
    headers = {"Authorization": f"Bearer {token}"}
    assert site.client.post("/api/v1/uplinks?event=up", json=EVENT, headers=headers).status_code == 204
    assert site.client.post("/api/v1/uplinks?event=join", json={}, headers=headers).status_code == 204
    assert site.client.post("/api/v1/uplinks", json={}, headers=headers).status_code == 422
    assert site.client.post("/api/v1/uplinks", json=EVENT).status_code == 401
    with site.database.read() as connection:
        (row,) = connection.execute(select(object_months)).all()
    assert row.dev_eui == "70b3d57ed0001234"


def test_a_persons_cookie_hands_in_nothing(tmp_path):
    open_site = Site(tmp_path, open_access=True)
    assert open_site.client.post("/api/v1/uplinks", json=EVENT).status_code == 403


def test_the_token_itself_is_not_kept_and_everything_is_audited(site):
    token = made(site, "read", territories=["37"])
    with site.database.write() as connection:
        assert token not in str(connection.execute(select(api_tokens)).all())
        assert tokens.revoke(connection, "t0", who="anne", now_us=site.clock.now)
        assert not tokens.revoke(connection, "t0", who="anne", now_us=site.clock.now)
        actions = connection.execute(select(audit_log.c.action, audit_log.c.who)).all()
    assert [tuple(one) for one in actions][-2:] == [("token.create", "test"), ("token.revoke", "anne")]
    assert ask(site, token).status_code == 401


def test_a_token_expires_and_its_use_is_seen(site):
    token = made(site, "read", days=1)
    site.clock.now += tokens.DAY_US - 1
    assert ask(site, token).status_code == 200
    with site.database.read() as connection:
        assert tokens.load(connection)[0].used_at_us == site.clock.now
    site.clock.now += 1
    assert ask(site, token).status_code == 401


def test_a_territory_bounds_what_is_read(site):
    token = made(site, "read", territories=["37281"])
    rows = ask(site, token).json()["items"]
    assert [row["eui"] for row in rows] == [EUIS[0]]
    assert ask(site, token, f"/api/v1/gateways/{EUIS[1]}").status_code == 404
    assert [row["insee"] for row in ask(site, token, "/api/v1/communes").json()["items"]] == ["37281"]
    told = ask(site, token, "/api/v1/availability?by=commune").json()
    assert [row["insee"] for row in told["items"]] == ["37281"]
    gateways = ask(site, token, "/api/v1/availability?by=gateway").json()["items"]
    assert [row["eui"] for row in gateways] == [EUIS[0]]
    everywhere = made(site, "read", territories=["CCTEV"])
    assert len(ask(site, everywhere).json()["items"]) == 3


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["all"]}, {"scopes": []}, {"days": 0}, {"days": 731}, {"name": " "}, {"name": "t0"}]
)
def test_nonsense_is_refused(site, wrong):
    made(site, "read")
    told = {"name": "n", "scopes": ["read"], "who": "t", "now_us": 0} | wrong
    with pytest.raises(PersonError), site.database.write() as connection:
        tokens.create(connection, **told)


def test_on_the_command_line(site, capsys):
    data = ["--data", str(site.folder)]
    assert main(["token", "create", *data, "--name", "grafana", "--scope", "read"]) == 0
    token = capsys.readouterr().out.strip()
    assert token.startswith(tokens.PREFIX)
    assert main(["token", "list", *data]) == 0
    listed = capsys.readouterr().out
    assert "grafana  en vigueur  read  partout" in listed
    assert token not in listed
    assert main(["token", "revoke", *data, "--name", "grafana"]) == 0
    assert main(["token", "revoke", *data, "--name", "grafana"]) == 2
    assert main(["token", "create", *data, "--name", "x", "--scope", "all"]) == 2
    assert ", ".join(Scope) in capsys.readouterr().err


def audited(site, action):
    with site.database.read() as connection:
        rows = connection.execute(select(audit_log).where(audit_log.c.action == action)).mappings().all()
    return [(row["who"], row["after"]) for row in rows]


def log_in(site, password=PASSWORD, name="anne"):
    return site.client.post("/connexion", data={"name": name, "password": password})


def test_who_guesses_must_wait_and_others_need_not(site):
    site.person("anne", "viewer")
    site.person("victor", "viewer")
    for _ in range(5):
        assert log_in(site, "wrong").headers["location"] == "/connexion?error=1"
    for _ in range(2):
        refused = log_in(site)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
        assert "Trop d’essais. Réessayez dans 30\u202fs." in refused.text
    assert audited(site, "login.throttled") == [("anne", {"wait_s": 30, "counted": "pair"})]
    assert log_in(site, name="victor").headers["location"] == "/"
    site.clock.now += 30 * SECOND_US
    assert log_in(site).headers["location"] == "/"
    assert len(audited(site, "login.refused")) == 5


def test_a_name_that_nobody_has_is_not_written_down(site):
    for _ in range(6):
        log_in(site, name="my-password-in-the-wrong-field")
    assert audited(site, "login.throttled") == [("unknown", {"wait_s": 30, "counted": "pair"})]


def test_a_browser_that_logged_in_before_waits_for_nobody(site):
    site.person("anne", "viewer")
    site.person("victor", "viewer")
    assert log_in(site).headers["location"] == "/"
    (known,) = (one for one in site.client.cookies.jar if one.name.startswith(BROWSER_COOKIE))
    assert (known.path, known.has_nonstandard_attr("HttpOnly")) == ("/connexion", True)
    kept = dict(site.client.cookies)
    site.client.cookies.clear()
    for _ in range(6):
        last = log_in(site, "wrong")
    assert last.status_code == 429
    site.client.cookies.update(kept)
    assert log_in(site).headers["location"] == "/"
    forged = {known.name: known.value[:-1] + ("0" if known.value[-1] != "0" else "1")}
    site.client.cookies.clear()
    site.client.cookies.update(forged)
    assert log_in(site).status_code == 429


def test_too_many_passwords_at_once_count_for_nobody(site):
    site.person("anne", "viewer")
    with contextlib.ExitStack() as held:
        for _ in range(AT_ONCE_LIMIT + WAITING_LIMIT):
            held.callback(passwords._admitted.release)
            passwords._admitted.acquire()
        for _ in range(10):
            busy = log_in(site)
            assert (busy.status_code, busy.headers["retry-after"]) == (429, "5")
        assert "Beaucoup de connexions" in busy.text
    assert log_in(site).headers["location"] == "/"


def test_enrolments_of_one_address_are_bounded(site):
    body = {"eui": EUIS[0], "csr_pem": "x", "proof": "y"}
    answers = [site.client.post("/api/v1/enrolments", json=body).status_code for _ in range(61)]
    assert answers[:60] == [422] * 60
    last = site.client.post("/api/v1/enrolments", json=body)
    assert (last.status_code, last.headers["retry-after"]) == (429, "1")
    site.clock.now += 1_000_000
    assert site.client.post("/api/v1/enrolments", json=body).status_code == 422


def test_a_bucket_fills_again_evenly_and_forgets_the_oldest():
    limiter = Limiter(2, 10, keys=2)
    assert [limiter.wait_us("a", 0), limiter.tried("a", 0), limiter.wait_us("a", 0)] == [0, None, 0]
    limiter.tried("a", 0)
    assert (limiter.wait_us("a", 0), limiter.wait_us("a", 4), limiter.wait_us("a", 5)) == (5, 1, 0)
    assert limiter.refused == 2
    limiter.tried("b", 0)
    limiter.tried("c", 0)
    assert limiter.wait_us("a", 0) == 0

import pytest
from fastapi import Depends
from sqlalchemy import select

from fleet.identity.tables import audit_log, sessions
from fleet.identity.totp import Vault
from fleet.web.access import CSRF_HEADER, form_guard, operator
from fleet.web.process_parts import SESSION_COOKIE
from tests.unit.fleet.web.api.site import PASSWORD, Site

GUARDED = "/api/v1/guarded"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), open_access=False)
    for name, role in (("anne", "operator"), ("victor", "viewer")):
        site.person(name, role)

    @site.app.post(GUARDED, dependencies=[Depends(form_guard), Depends(operator)])
    def guarded() -> dict[str, bool]:
        return {"done": True}

    return site


@pytest.fixture
def client(site):
    site.client.cookies.clear()
    return site.client


def log_in(client, name="anne", password=PASSWORD, **fields):
    return client.post("/connexion", data={"name": name, "password": password} | fields)


def test_a_page_leads_to_the_login_and_the_api_says_401(client):
    assert client.get("/api/v1/gateways").status_code == 401
    assert client.get("/passerelles").headers["location"] == "/connexion?back=/passerelles"


def test_a_login_opens_and_a_logout_closes(client, site):
    answer = log_in(client, back="/incidents")
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert client.get("/api/v1/gateways").status_code == 200
    with site.database.read() as connection:
        token = connection.scalar(select(sessions.c.csrf_token).order_by(sessions.c.expires_at_us.desc()))
    assert client.post("/deconnexion", data={"csrf_token": token}).status_code == 303
    assert client.get("/api/v1/gateways").status_code == 401


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example", "/\\evil.example"])
def test_a_login_never_leads_to_another_site(client, back):
    assert log_in(client, back=back).headers["location"] == "/"


def test_a_wrong_password_is_refused_and_audited(client, site):
    answer = log_in(client, password="wrong")
    assert SESSION_COOKIE not in client.cookies
    assert answer.headers["location"].startswith("/connexion?error=")
    with site.database.read() as connection:
        assert "login.refused" in set(connection.scalars(select(audit_log.c.action)))


def session_token(site, client):
    digest = Vault(site.folder / "keys").digest(client.cookies[SESSION_COOKIE])
    with site.database.read() as connection:
        return connection.scalar(select(sessions.c.csrf_token).where(sessions.c.key_sha256 == digest))


def test_a_write_needs_the_sessions_token(client, site):
    log_in(client)
    token = session_token(site, client)
    assert client.post(GUARDED).status_code == 403
    assert client.post(GUARDED, data={"csrf_token": "wrong"}).json()["field"] == "csrf_token"
    assert client.post(GUARDED, data={"csrf_token": token}).status_code == 200
    assert client.post(GUARDED, headers={CSRF_HEADER: token}).status_code == 200


def test_a_write_from_another_site_is_refused_even_with_the_token(client, site):
    log_in(client)
    headers = {CSRF_HEADER: session_token(site, client), "Origin": "https://evil.example"}
    answer = client.post(GUARDED, headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (403, "origin")


def test_a_viewer_may_not_write(client, site):
    log_in(client, name="victor")
    answer = client.post(GUARDED, headers={CSRF_HEADER: session_token(site, client)})
    assert (answer.status_code, answer.json()["field"]) == (403, "role")


def test_a_form_may_come_from_the_public_address_whatever_the_proxy_makes_of_the_host(client, site):
    log_in(client)
    token = session_token(site, client)
    for origin, status in (("http://testserver", 200), ("http://evil.example", 403)):
        headers = {CSRF_HEADER: token, "Host": "10.0.0.7:8080", "Origin": origin}
        assert client.post(GUARDED, headers=headers).status_code == status

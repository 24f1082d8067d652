"""A proxy before us: the whole table of faults, whose headers are believed, and what people then read."""

import asyncio

import httpx
import pytest
from starlette.middleware import Middleware

from fleet.errors import SettingsError
from fleet.web.proxies import Forwarded, ProxyFault, TrustedProxies, fault_of, parse_proxies
from tests.unit.fleet.web.api.site import PASSWORD, Site

PUBLIC = "https://supervision.exemple.fr"
NAME = "supervision.exemple.fr"
PROXY, STRANGER, CLIENT = "127.0.0.1", "203.0.113.9", "198.51.100.7"


def forwarded(trusted, addresses, scheme, host, origin=""):
    peer = PROXY if trusted else STRANGER
    return Forwarded(peer=peer, trusted=trusted, addresses=addresses, scheme=scheme, host=host, origin=origin)


@pytest.mark.parametrize(
    ("arrived", "fault"),
    [
        (forwarded(False, CLIENT, "https", NAME), ProxyFault.UNTRUSTED),
        (forwarded(False, CLIENT, "", "elsewhere"), ProxyFault.UNTRUSTED),
        (forwarded(False, "", "", NAME), None),
        (forwarded(True, "", "", NAME), ProxyFault.NO_ADDRESS),
        (forwarded(True, "", "https", NAME), ProxyFault.NO_ADDRESS),
        (forwarded(True, "", "", "127.0.0.1:8080"), None),
        (forwarded(True, "", "", "127.0.0.1:8080", PUBLIC), ProxyFault.NO_ADDRESS),
        (forwarded(True, "", "", "127.0.0.1:8080", "https://evil.example"), None),
        (forwarded(True, CLIENT, "", NAME), ProxyFault.NO_SCHEME),
        (forwarded(True, CLIENT, "http", NAME), ProxyFault.PLAIN),
        (forwarded(True, CLIENT, "https", "127.0.0.1:8080"), ProxyFault.OTHER_HOST),
        (forwarded(True, CLIENT, "https", NAME), None),
    ],
)
def test_the_table(arrived, fault):
    assert fault_of(arrived, PUBLIC) == fault


@pytest.mark.parametrize("public", ["http://127.0.0.1:8080", "http://localhost:8080"])
def test_a_fleet_without_a_proxy_has_no_fault(public):
    assert fault_of(forwarded(True, "", "", public.removeprefix("http://")), public) is None


def test_a_proxy_of_a_fleet_that_is_not_https_needs_no_scheme():
    assert fault_of(forwarded(True, CLIENT, "", "fleet.lan"), "http://fleet.lan") is None


@pytest.mark.parametrize("wrong", ["*", "nginx", "0.0.0.0/0", "::/0", ""])
def test_nobody_is_believed_who_can_be_anybody(wrong):
    with pytest.raises(SettingsError, match="proxies"):
        parse_proxies([wrong])


def asked(peer, headers, *, proxies=("127.0.0.1", "10.0.0.0/24"), public=PUBLIC):
    """Return what the application sees of a request, and what was counted."""
    seen = {}

    async def application(scope, receive, send):
        seen.update(client=scope["client"][0], scheme=scope["scheme"], state=scope.get("state", {}))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    layer = TrustedProxies(application, proxies, public)

    async def ask():
        transport = httpx.ASGITransport(layer, client=(peer, 40000))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            await client.get("/", headers=headers)

    asyncio.run(ask())
    return seen, layer.counts


GOOD = {"Host": NAME, "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}


@pytest.mark.parametrize("peer", [PROXY, "10.0.0.7"])
def test_a_trusted_proxy_is_believed(peer):
    seen, counts = asked(peer, GOOD)
    assert (seen["client"], seen["scheme"], counts) == (CLIENT, "https", {})


def test_nobody_else_is_believed():
    seen, counts = asked(STRANGER, GOOD)
    assert (seen["client"], seen["scheme"]) == (STRANGER, "http")
    assert counts == {ProxyFault.UNTRUSTED: 1}


def test_what_a_client_writes_itself_before_its_own_address_does_not_count():
    seen, _ = asked(PROXY, GOOD | {"X-Forwarded-For": f"192.0.2.66, {CLIENT}"})
    assert seen["client"] == CLIENT


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("site"), open_access=False)
    made.person("anne", "viewer")
    made.app.user_middleware.insert(
        0, Middleware(TrustedProxies, proxies=("10.0.0.1",), public_url="http://testserver")
    )
    return made


def test_a_form_through_a_proxy_that_is_not_known_reads_which_setting(site):
    headers = {"X-Forwarded-For": CLIENT, "Origin": "https://supervision.exemple.fr"}
    answer = site.client.post("/connexion", data={"name": "anne", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "Ce formulaire semble venir d’un autre site." in answer.text
    assert "passerelle-fleet settings set" in answer.text
    assert "proxies=127.0.0.1 ::1 testclient" in answer.text


def test_a_form_of_another_address_reads_which_setting(site):
    headers = {"Origin": "https://supervision.exemple.fr"}
    answer = site.client.post("/connexion", data={"name": "anne", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 403
    assert "passerelle-fleet settings set public_url=https://supervision.exemple.fr" in answer.text
    assert "passerelle-fleet proxy-config nginx" in answer.text


def test_the_login_form_says_what_is_wrong_with_the_proxy(site):
    assert "proxy-config" not in site.client.get("/connexion").text
    shown = site.client.get("/connexion", headers={"X-Forwarded-For": CLIENT}).text
    assert "Le mandataire testclient transmet des demandes" in shown

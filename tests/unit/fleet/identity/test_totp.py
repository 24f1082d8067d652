"""The second factor: the vectors of RFC 6238, good once, sealed at rest."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from fleet.cli.main import main
from fleet.identity.people import PersonError, set_totp
from fleet.identity.tables import users
from fleet.identity.totp import STEP_US, TotpError, Vault, code, matching_step, new_secret, uri
from tests.unit.fleet.web.api.site import PASSWORD, Site

RFC_SECRET = b"12345678901234567890"


@pytest.mark.parametrize(
    ("second", "expected"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_vectors_of_the_rfc(second, expected):
    # RFC 6238 Appendix B, the last six of eight digits
    assert code(RFC_SECRET, second // 30) == expected


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_phone_may_be_half_a_minute_off(steps, good):
    now_us = 1_000 * STEP_US
    found = matching_step(RFC_SECRET, code(RFC_SECRET, 1_000 + steps), now_us, None)
    assert (found is not None) is good


def test_a_code_is_good_once():
    given, now_us = code(RFC_SECRET, 1_000), 1_000 * STEP_US
    assert matching_step(RFC_SECRET, f" {given[:3]} {given[3:]}", now_us, 999) == 1_000
    assert matching_step(RFC_SECRET, given, now_us, 1_000) is None
    assert matching_step(RFC_SECRET, "", now_us, None) is None


def test_another_key_opens_nothing(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "session.key").write_bytes(folder.encode() * 32)
    sealed = Vault(tmp_path / "a").seal(RFC_SECRET)
    assert Vault(tmp_path / "a").open(sealed) == RFC_SECRET
    with pytest.raises(TotpError, match="not the key"):
        Vault(tmp_path / "b").open(sealed)


def test_an_account_with_a_second_factor_needs_it(tmp_path, capsys):
    site = Site(tmp_path, open_access=False)
    site.person("anne", "operator")
    assert main(["account", "totp", "--data", str(tmp_path), "--name", "anne"]) == 0
    told = re.search(r"otpauth://\S+", capsys.readouterr().out).group()
    import base64

    secret = base64.b32decode(parse_qs(urlsplit(told).query)["secret"][0])
    assert told == uri(secret, "anne")

    def log_in(given):
        form = {"name": "anne", "password": PASSWORD, "code": given}
        return site.client.post("/connexion", data=form).headers["location"]

    step = site.clock.now // STEP_US
    assert log_in("") == "/connexion?error=1"
    assert log_in(code(secret, step)) == "/"
    assert log_in(code(secret, step)) == "/connexion?error=1"
    with site.database.read() as connection:
        assert secret.hex() not in str(connection.execute(select(users)).all())
    assert main(["account", "totp", "--data", str(tmp_path), "--name", "anne", "--off"]) == 0
    assert log_in("") == "/"
    assert main(["account", "totp", "--data", str(tmp_path), "--name", "nobody"]) == 2


def test_a_territory_of_an_account_bounds_what_it_reads(tmp_path):
    site = Site(tmp_path, open_access=False)
    site.person("anne", "viewer")
    told = ["account", "territory", "--data", str(tmp_path), "--name"]
    assert main([*told, "anne", "--only", "37281"]) == 0
    site.client.post("/connexion", data={"name": "anne", "password": PASSWORD})
    assert [one["insee"] for one in site.client.get("/api/v1/communes").json()["items"]] == ["37281"]
    assert main([*told, "anne"]) == 0
    assert len(site.client.get("/api/v1/communes").json()["items"]) == 2
    assert main([*told, "nobody"]) == 2


def test_nobody_has_no_second_factor(tmp_path):
    site = Site(tmp_path, open_access=False)
    with pytest.raises(PersonError), site.database.write() as connection:
        set_totp(connection, "nobody", Vault(site.folder / "keys").seal(new_secret()), who="t", now_us=0)

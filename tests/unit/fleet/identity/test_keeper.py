"""What the keeper writes down beside credentials: stores of the broker that were damaged."""

import pytest
from sqlalchemy import select

from fleet.broker.store_trial import ASIDE
from fleet.durations import DAY_US
from fleet.identity.authority import SERVER_DAYS
from fleet.identity.keeper import STORE_ASIDE, Keeper
from fleet.identity.tables import audit_log
from tests.unit.fleet.founded import NOW_US, StandingClock
from tests.unit.fleet.web.api.site import PASSWORD, Site


def noted(site):
    with site.database.read() as connection:
        query = select(audit_log.c.subject).where(audit_log.c.action == STORE_ASIDE)
        return list(connection.scalars(query))


def test_a_store_that_was_set_aside_is_written_down_once_and_shown(tmp_path):
    site = Site(tmp_path, open_access=False)
    keeper = site.app.state.parts.keeper
    keeper.round()
    assert (noted(site), keeper.stores_set_aside) == ([], ())
    names = [f"{ASIDE}2026113{number}T000000Z" for number in range(2)]
    for name in names:
        (keeper.door.files.data / name).write_bytes(b"damaged")
        keeper.round()
    assert noted(site) == names
    keeper.stores_set_aside = ()
    keeper.round()
    assert noted(site) == names
    assert site.client.get("/healthz").json()["broker_stores_set_aside"] == names[::-1]
    site.person("anne", "administrator")
    site.client.post("/connexion", data={"name": "anne", "password": PASSWORD})
    assert "magasin abîmé du courtier mis de côté" in site.client.get("/journal").text


def test_an_end_that_cannot_be_read_keeps_no_renewed_certificate_from_use(tmp_path):
    site, renewed = Site(tmp_path, open_access=False), []

    def damaged():
        raise ValueError("7.targets.json is damaged")

    keeper = Keeper(
        site.database,
        site.app.state.parts.keeper.door,
        StandingClock(NOW_US + SERVER_DAYS * DAY_US // 2),
        renewed=lambda: renewed.append("fleet"),
        issued=damaged,
    )
    with pytest.raises(ValueError, match="damaged"):
        keeper._renew()
    assert renewed == ["fleet"]

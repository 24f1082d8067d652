import pytest

from fleet.evidence.timekeeping import ClockQuality
from fleet.web.api.paging import PAGE_LIMIT
from fleet.web.app import FROZEN_AFTER_US
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.web.api.site import Site


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"), open_access=True)


def test_gateways_come_in_pages(site):
    first = site.client.get("/api/v1/gateways?limit=2").json()
    assert [row["eui"] for row in first["items"]] == list(EUIS[:2])
    second = site.client.get(f"/api/v1/gateways?limit=2&after={first['next']}").json()
    assert [row["eui"] for row in second["items"]] == [EUIS[2]]
    assert second["next"] is None


def test_a_gateway_tells_its_site_and_no_access_notes(site):
    row = site.client.get(f"/api/v1/gateways/{EUIS[0]}").json()
    assert row["site"]["name"] == "Mairie de Vouvray"
    assert "access_notes" not in str(row)
    assert (row["state"], row["radio"], row["config"]) == (None, None, None)


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/api/v1/gateways/0016c001f1999999", 404, "eui"),
        ("/api/v1/gateways/zz16c001f1999999", 422, "eui"),
    ],
)
def test_a_problem_names_its_field(site, path, status, field):
    answer = site.client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["field"] == field


@pytest.mark.parametrize(("limit", "status"), [(0, 422), (1, 200), (PAGE_LIMIT, 200), (PAGE_LIMIT + 1, 422)])
def test_a_page_has_limits(site, limit, status):
    assert site.client.get(f"/api/v1/gateways?limit={limit}").status_code == status


@pytest.mark.parametrize(
    "path", ["/api/v1/gateways", "/api/v1/communes", "/api/v1/availability?month=2026-10"]
)
def test_what_did_not_change_is_not_sent_again(site, path):
    first = site.client.get(path)
    again = site.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code, again.content) == (200, 304, b"")


@pytest.mark.parametrize("by", ["whole", "commune", "gateway", "epci", "departement"])
def test_availability_of_a_month(site, by):
    told = site.client.get(f"/api/v1/availability?month=2026-11&by={by}").json()
    assert told["by"] == by
    assert told["provisional"] is True
    assert told["whole"]["availability_percent"] == "0.0000"
    counts = {"whole": 0, "commune": 2, "gateway": 2, "epci": 1, "departement": 1}
    assert len(told["items"]) == counts[by]


@pytest.mark.parametrize("query", ["month=2026-13", "month=x", "by=moon"])
def test_another_month_or_grouping_is_refused(site, query):
    answer = site.client.get(f"/api/v1/availability?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("query.")


def test_health_says_what_is_wrong(site):
    assert site.client.get("/healthz").status_code == 503
    site.engine.health.last_cycle_monotonic_us = site.clock.now
    assert site.client.get("/healthz").json()["ok"] is True
    for age_us in (FROZEN_AFTER_US + 1, -1):
        site.engine.health.last_cycle_monotonic_us = site.clock.now - age_us
        assert "no cycle since" in site.client.get("/healthz").json()["wrong"][0]
    site.engine.health.last_cycle_monotonic_us = site.clock.now
    site.engine.health.clock = ClockQuality.CONTRADICTED
    assert site.client.get("/healthz").json()["wrong"][0].startswith("clock: ")
    site.engine.health.clock = ClockQuality.HELD
    site.link.connected = False
    answer = site.client.get("/healthz")
    site.link.connected = True
    assert (answer.status_code, answer.json()["wrong"]) == (503, ["broker: not connected; "])


def test_the_openapi_document_is_served(site):
    paths = site.client.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/gateways", "/api/v1/communes", "/api/v1/enrolments", "/api/v1/availability"} <= set(
        paths
    )


ANSWERS = ("/", "/connexion", "/api/v1/gateways", "/api/v1/openapi.json", "/healthz", "/nowhere", "/sw.js")


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_has_the_security_headers(site, path):
    headers = site.client.get(path).headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/api/docs", "/docs/oauth2-redirect"])
def test_no_page_loads_scripts_from_elsewhere(site, path):
    answer = site.client.get(path)
    assert answer.status_code == 404
    assert "cdn" not in answer.text

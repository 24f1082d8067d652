"""``GET /api/v1/ok-to-stop``: the oracle over HTTP, within the asker's territory."""

import pytest

from fleet.live.model import NetworkNow
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.safety.networks import SERVING, view_of
from tests.unit.fleet.web.api.site import Site

A, B, C = EUIS


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    found = Site(tmp_path_factory.mktemp("site"), open_access=True)
    network = view_of(dict.fromkeys(EUIS, SERVING), {"37281": (A,), "37015": (B, C)}).network
    found.feed.publish(
        NetworkNow(at_us=found.clock.now, gateways=network.gateways, communes=network.communes)
    )
    return found


@pytest.mark.parametrize(
    ("query", "ok", "kinds", "along"),
    [
        (f"eui={A}", False, ["commune"], []),
        (f"eui={B}", True, [], []),
        (f"eui={B}&eui={C}", False, ["commune", "commune"], []),
        (f"eui={B}&max=5", True, [], []),
        ("eui=0016c001f1999999", False, ["not_registered"], []),
    ],
)
def test_yes_or_no_with_reasons(site, query, ok, kinds, along):
    told = site.client.get(f"/api/v1/ok-to-stop?{query}").json()
    assert (told["ok"], [one["kind"] for one in told["refusals"]], told["with"]) == (ok, kinds, along)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "eui"),
        ("eui=zz", "eui"),
        (f"eui={A}&max=-1", "max"),
        (f"eui={A}&from_us=10&until_us=5", "until_us"),
        (f"eui={A}&from_us=99999999999999999999", "from_us"),
    ],
)
def test_a_question_that_is_none_names_its_field(site, query, field):
    answer = site.client.get(f"/api/v1/ok-to-stop?{query}")
    assert answer.status_code == 422
    told = answer.json()
    assert told.get("field") == field or told["errors"][0]["field"].split(".")[1] == field

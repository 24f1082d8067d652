"""What the OpenAPI document promises is what is answered, for requests that nobody thought of."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.unit.fleet.api.site import Site

OURS = r"^/api/v1/(gateways|communes|availability|enrolments|renewals)"
EXAMPLES = 8


@pytest.fixture(scope="module")
def operations(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), open_access=True)
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.app).include(path_regex=OURS)
    return [result.ok() for result in schema.get_all_operations()]


@pytest.mark.slow
@pytest.mark.parametrize("index", range(6))
def test_every_answer_is_one_that_is_documented(operations, index):
    assert len(operations) == 6
    operation = operations[index]

    @given(operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def asked(case):
        checks = (not_a_server_error, status_code_conformance, content_type_conformance)
        case.call_and_validate(checks=checks)

    asked()


def test_every_route_of_ours_has_an_example(tmp_path):
    document = Site(tmp_path, open_access=True).client.get("/api/v1/openapi.json").json()
    for path in ("/api/v1/gateways", "/api/v1/gateways/{eui}", "/api/v1/communes", "/api/v1/availability"):
        content = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
        assert content["example"], path

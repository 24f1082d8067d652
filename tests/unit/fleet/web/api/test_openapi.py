"""What the OpenAPI document promises is what is answered, for requests that nobody thought of."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from fleet.web.api.documented import EXAMPLES, METHODS, without_example
from tests.unit.fleet.web.api.site import Site

OURS = r"^/api/v1/(gateways|communes|availability|connectivity|uplinks|enrolments|renewals)"
EXAMPLES_EACH = 3
EXAMPLES_OF_OTHERS = 1
"""Operations that other features bring."""
ANSWER_LIMIT_S = 120
"""A month's workbook on a busy machine; schemathesis itself gives ten seconds."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return Site(tmp_path_factory.mktemp("site"), open_access=True)


@pytest.fixture(scope="module")
def document(site):
    return site.client.get("/api/v1/openapi.json").json()


def checked(site, pattern, examples, *, others=False):
    whole = schemathesis.openapi.from_asgi("/api/v1/openapi.json", site.app)
    chosen = whole.include(path_regex=r"^/api/v1/").exclude(path_regex=pattern) if others else whole
    schema = chosen if others else chosen.include(path_regex=pattern)
    for result in schema.get_all_operations():
        operation = result.ok()

        @given(operation.as_strategy())
        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        def asked(case):
            checks = (not_a_server_error, status_code_conformance, content_type_conformance)
            case.call_and_validate(checks=checks, timeout=ANSWER_LIMIT_S)

        asked()


@pytest.mark.slow
def test_every_answer_is_one_that_is_documented(site):
    checked(site, OURS, EXAMPLES_EACH)


@pytest.mark.slow
def test_so_are_the_answers_of_every_other_feature(site):
    checked(site, OURS, EXAMPLES_OF_OTHERS, others=True)


def test_every_operation_has_an_example_and_its_refusals(document):
    assert without_example(document) == []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if path.startswith("/api/") and method in METHODS:
                assert {"401", "403", "404", "405", "422", "429", "500"} <= set(operation["responses"]), path


def test_no_example_is_of_an_operation_that_went(document):
    assert [key for key in EXAMPLES if key[0] not in document["paths"].get(key[1], {})] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "/api/v1/nothing", 404),
        ("delete", "/api/v1/gateways", 405),
        ("get", "/api/v1/tickets/99999999999999999999", 422),
        ("get", "/api/v1/availability?month=9999-12", 422),
    ],
)
def test_every_error_is_a_problem(site, method, path, status):
    answer = getattr(site.client, method)(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status


def test_our_own_mistake_is_a_problem_that_tells_nothing(tmp_path):
    from fastapi.testclient import TestClient

    site = Site(tmp_path, open_access=True)

    @site.app.get("/api/v1/broken")
    def broken():
        raise RuntimeError("a secret")

    answer = TestClient(site.app, raise_server_exceptions=False).get("/api/v1/broken")
    assert (answer.status_code, answer.json()["title"]) == (500, "Our mistake")
    assert "secret" not in answer.text

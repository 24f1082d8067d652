import copy

import msgspec
import pytest

from fleet.registry.document import PROBLEMS_LIMIT, Known, read_document
from tests.unit.fleet.founded import DOCUMENT


def problems_of(document) -> list[str]:
    return [str(one) for one in read_document(msgspec.json.encode(document), Known()).problems]


def test_a_good_document_has_no_problems():
    assert problems_of(DOCUMENT) == []


@pytest.mark.parametrize(
    ("section", "index", "field", "value", "problem"),
    [
        ("communes", 0, "insee", "3728", "communes[0].insee: not of the expected form"),
        ("communes", 1, "population", -1, "communes[1].population: at least 0"),
        ("communes", 0, "surface", 1, "communes[0].surface: this field is unknown"),
        ("sites", 0, "kind", "castle", "sites[0].kind: 'castle' is not admitted"),
        ("sites", 0, "lat", 91, "sites[0].lat: at most 90"),
        ("sites", 1, "commune_insee", "99999", "sites[1].commune_insee: no commune 99999"),
        ("sites", 1, "key", "vouvray-mairie", "sites[1]: vouvray-mairie stands in the document twice"),
        ("gateways", 0, "eui", "12", "gateways[0]: eui: '12' is not 16 hexadecimal digits"),
        ("gateways", 0, "site_key", "x", "gateways[0].site_key: no site x"),
        ("gateways", 0, "planned_on", "demain", "gateways[0].planned_on: not of the expected form"),
        ("memberships", 0, "eui", "0016c001f1999999", "memberships[0].eui: no gateway 0016c001f1999999"),
        (
            "memberships",
            0,
            "valid_from",
            "2026-11-01T00:00:00",
            "memberships[0]: valid_from: needs a time zone",
        ),
    ],
)
def test_each_problem_is_named_by_its_path(section, index, field, value, problem):
    document = copy.deepcopy(DOCUMENT)
    document[section][index][field] = value
    found = problems_of(document)
    assert any(one.startswith(problem) for one in found), found


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ([], "document: must be an object"),
        ({"communes": {}}, "communes: must be a list"),
        ({"stations": []}, "stations: not a section"),
        ({"technicians": [1]}, "technicians[0]: must be an object"),
    ],
)
def test_another_shape_is_refused(document, problem):
    assert problems_of(document)[0].startswith(problem)


def test_what_is_not_json_is_refused():
    assert read_document(b"\xff{", Known()).problems[0].text.startswith("not JSON")


def test_keys_that_are_known_need_not_be_in_the_document():
    known = Known(communes=frozenset({"37281"}))
    document = {"sites": [{"key": "a", "name": "A", "commune_insee": "37281"}]}
    assert read_document(msgspec.json.encode(document), known).problems == []


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_problems_are_listed_up_to_the_limit_and_all_counted(extra):
    document = {"communes": [{}] * (PROBLEMS_LIMIT + extra)}
    read = read_document(msgspec.json.encode(document), Known())
    assert read.problem_count == PROBLEMS_LIMIT + extra
    assert len(read.problems) == min(PROBLEMS_LIMIT, PROBLEMS_LIMIT + extra)

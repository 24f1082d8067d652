"""The month as NDJSON: round trip, schema, and every way to get it wrong named by line and field."""

import json
from pathlib import Path

import jsonschema_rs
import pytest

from fleet.availability import document, result
from fleet.availability.reckoning import reckon
from fleet.cli.facts import compute
from fleet.simulation.network import network_month

MONTH = network_month(gateways=4, communes=2, troubles=20, month="2026-02").given
LINES = list(document.write(MONTH))


def test_a_round_trip_gives_the_same_figures_and_hash():
    again = document.read(LINES)
    assert document.digest(again) == document.digest(MONTH)
    assert result.document(again, reckon(again)) == result.document(MONTH, reckon(MONTH))
    assert list(document.write(again)) == LINES


def test_another_fact_is_another_hash():
    assert document.digest(document.read([*LINES[:-2], LINES[-1]])) != document.digest(MONTH)


def test_every_line_is_of_a_type_that_the_schema_names():
    schema = document.schema()
    titles = {choice["title"] for choice in schema["oneOf"]}
    assert titles == {"header", *document.TYPES}
    for line in LINES:
        fields = json.loads(line)
        name = {"header": "Header"}.get(fields["type"]) or document.TYPES[fields["type"]].__name__
        assert set(fields) <= set(schema["$defs"][name]["properties"])
        assert set(schema["$defs"][name].get("required", ())) <= set(fields)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ([], "line 1: the document is empty"),
        (LINES[1:], "line 1: type: .* comes before the header"),
        ([LINES[0]], "settings: the document has no line of this type"),
        ([LINES[0], b"nonsense\n"], "line 2: not JSON"),
        ([LINES[0], b"[]\n"], "line 2: type: a line is an object"),
        ([LINES[0], b'{"type":"sensor"}\n'], "line 2: type: 'sensor' is none of"),
        ([LINES[0], b'{"type":"run","colour":1}\n'], "line 2: colour: no such field in HeartbeatRun"),
        ([LINES[0], b'{"type":"membership","eui":1}\n'], "line 2: .*"),
        (
            [b'{"type":"header","format":"x","version":1,"month":"2026-10","as_of_us":1,"code":""}\n'],
            "this reads",
        ),
        ([LINES[0], b'{"type":"settings","objective_global_ppm":2000000}\n'], "line 2: objective_global_ppm"),
        ([b" " * (document.LINE_LIMIT_BYTES + 1) + b"{}"], "at most 1048576"),
    ],
)
def test_what_cannot_be_read_is_named(lines, complaint):
    with pytest.raises(document.DocumentError, match=complaint):
        document.read(lines)


def test_the_command_needs_nothing_but_the_file(tmp_path, capsys):
    file = tmp_path / "facts.ndjson"
    file.write_bytes(b"".join(LINES))
    compute(file, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["hash"] == document.digest(MONTH)
    compute(file)
    assert told["hash"][:16] in capsys.readouterr().out


def test_the_schema_in_the_docs_is_the_one_of_the_code_and_every_line_holds_it():
    told = json.loads((Path(__file__).parents[4] / "docs" / "facts.schema.json").read_text("utf-8"))
    assert told == document.schema(), "write it anew: passerelle fleet facts schema > docs/facts.schema.json"
    validator = jsonschema_rs.validator_for(told)
    for line in LINES:
        validator.validate(json.loads(line))

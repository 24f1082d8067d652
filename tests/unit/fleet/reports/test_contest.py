"""The bundle « contester »: one territory, its own figures, and nothing of anyone else."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from fleet.availability import document, result
from fleet.availability.reckoning import reckon
from fleet.availability.sensors import Coverage
from fleet.facts.settings import Serving
from fleet.reports import contest
from tests.unit.fleet.reports.small_months import EUIS, small_month

UNTIL = "Jusqu’au 4 mai 2026 inclus."
NAMES = {EUIS[0]: "Église"}


def inside(given, epci):
    return {card.insee for card in given.communes if card.epci == epci}


def made(given, epci):
    part = contest.territory(given, inside(given, epci))
    content = contest.bundle(
        part, name=epci, version="version 1", digest="0" * 64, contest=UNTIL, gateways=NAMES
    )
    archive = zipfile.ZipFile(io.BytesIO(content))
    return content, {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("epci", ["A", "B"])
def test_a_territory_has_the_figures_that_it_has_in_the_whole_month(seed, epci):
    given = small_month(seed)
    whole = json.loads(json.dumps(result.document(given, reckon(given))))
    part = contest.territory(given, inside(given, epci))
    alone = json.loads(json.dumps(result.document(part, reckon(part))))
    told = {one["insee"]: one for one in whole["communes"]}
    assert {one["insee"] for one in alone["communes"]} == inside(given, epci)
    assert all(one == told[one["insee"]] for one in alone["communes"])
    boxes = {one["eui"]: one for one in whole["gateways"]}
    assert all(one == boxes[one["eui"]] for one in alone["gateways"])


def test_sensors_of_a_territory_have_the_same_figures():
    given = small_month(0)
    card = given.communes[0]
    members = [one.eui for one in given.facts.memberships if one.commune_insee == card.insee]
    far = next(eui for eui in EUIS if eui not in members)
    given = replace(
        given,
        settings=replace(given.settings, serving=Serving.SENSORS),
        coverages=(Coverage(insee=card.insee, euis=tuple(sorted((members[0], far))), sensors=3),),
    )
    part = contest.territory(given, inside(given, card.epci))
    assert reckon(part).commune_figures[card.insee] == reckon(given).commune_figures[card.insee]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_of_anyone_else_is_in_it(seed):
    given = small_month(seed)
    _, files = made(given, "B")
    mine = {one.eui for one in given.facts.memberships if one.commune_insee in inside(given, "B")}
    everything = b"".join(files.values()).decode()
    assert [eui for eui in EUIS if eui not in mine and eui in everything] == []
    others = inside(given, "A")
    assert {one["insee"] for one in json.loads(files["registre.json"])["communes"]}.isdisjoint(others)
    assert mine
    assert len(mine) < len(EUIS)


def test_the_bundle_recomputes_itself(tmp_path):
    given = small_month(3)
    _, files = made(given, "A")
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    told = subprocess.run(
        [sys.executable, "-I", "-S", "recompute.py", "faits.ndjson"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    theirs, ours = json.loads(told.stdout), json.loads(files["chiffres.json"])
    assert theirs["hash"] == ours["hash"]
    assert theirs["hash"] in files["LISEZMOI.txt"].decode()
    for one, other in zip(theirs["communes"], ours["communes"], strict=True):
        assert one == {name: other[name] for name in one}


def test_every_file_has_its_hash_and_equal_bundles_are_equal_bytes():
    given = small_month(1)
    content, files = made(given, "A")
    prints = dict(line.split("  ", 1)[::-1] for line in files["empreintes.txt"].decode().splitlines())
    for name, inner in files.items():
        if name != "empreintes.txt":
            assert prints[name] == hashlib.sha256(inner).hexdigest()
    assert prints["mois entier (version 1)"] == "0" * 64
    assert UNTIL in files["LISEZMOI.txt"].decode()
    assert content == made(given, "A")[0]


def test_the_reader_in_the_package_is_the_one_of_the_docs():
    docs = Path(__file__).parents[4] / "docs"
    assert contest.reader() == (docs / "recompute" / "recompute.py").read_bytes()
    given = small_month(2)
    _, files = made(given, "A")
    assert json.loads(files["facts.schema.json"]) == document.schema()
    settings = json.loads(files["reglages.json"])
    assert settings["maintenance_cap_us"] == given.settings.maintenance_cap_us

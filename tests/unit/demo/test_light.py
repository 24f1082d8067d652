"""The light twin: every commune gets gateways, causes can be cut, a file that is none is named."""

import json
from pathlib import Path

import pytest

from agent.wire.eui import parse_eui
from demo.light import load_communes, plan_light


def test_sixteen_hundred_gateways_over_five_hundred_communes() -> None:
    network = plan_light(1604, load_communes(None, 1604))
    assert len({gateway.eui for gateway in network.gateways}) == 1604
    assert all(parse_eui(gateway.eui) == gateway.eui for gateway in network.gateways)
    covered = {row["commune_insee"] for row in network.document["memberships"]}
    assert covered == {row["insee"] for row in network.document["communes"]}


def test_a_cut_feeder_silences_what_hangs_on_it() -> None:
    network = plan_light(30, load_communes(None, 30))
    feeder = network.gateways[0].feeder
    assert feeder in network.causes()
    network.cut.add(feeder)
    silent = {gateway.eui for gateway in network.gateways if network.silent(gateway)}
    assert silent == {gateway.eui for gateway in network.gateways if gateway.feeder == feeder}


def test_communes_from_a_file(tmp_path: Path) -> None:
    row = {"insee": "37015", "name": "A", "departement": "37", "population": 1, "lat": 47.0, "lon": 0.8}
    file = tmp_path / "communes.json"
    file.write_text(json.dumps([row]))
    assert load_communes(file, 5)[0]["epci"] == ""
    file.write_text(json.dumps([{"insee": "37015"}]))
    with pytest.raises(ValueError, match="name"):
        load_communes(file, 5)

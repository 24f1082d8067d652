"""The eleven gateways are those of the convention."""

import json
from collections import Counter
from pathlib import Path

import demo

NETWORK = json.loads((Path(demo.__file__).parent / "data" / "touraine_est_vallees.json").read_text())


def test_gateways_per_commune_as_in_the_convention() -> None:
    """MISSION, the deployment: CONV annexes 1-2, all three years."""
    names = {commune["insee"]: commune["name"] for commune in NETWORK["communes"]}
    sites = {site["key"]: names[site["commune_insee"]] for site in NETWORK["sites"]}
    counts = Counter(sites[gateway["site_key"]] for gateway in NETWORK["gateways"])
    assert counts == {
        "Azay-sur-Cher": 3,
        "Chançay": 1,
        "La Ville-aux-Dames": 1,
        "Larçay": 1,
        "Monnaie": 1,
        "Montlouis-sur-Loire": 1,
        "Reugny": 1,
        "Vernou-sur-Brenne": 1,
        "Vouvray": 1,
    }


def test_veretz_is_covered_by_neighbours_only() -> None:
    at_home = {
        gateway["eui"]
        for gateway in NETWORK["gateways"]
        for site in NETWORK["sites"]
        if site["key"] == gateway["site_key"] and site["commune_insee"] == "37267"
    }
    members = [row["eui"] for row in NETWORK["memberships"] if row["commune_insee"] == "37267"]
    assert not at_home
    assert len(members) == 3

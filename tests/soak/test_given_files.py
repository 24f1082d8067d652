"""Files that stay outside the project for their licence or size: played where somebody gives them.

``PASSERELLE_FRAMES``: NDJSON of real receptions, such as CampusIoT's tourperret_helium (ODbL,
doi:10.18709/perscido.2023.06.ds395).  ``PASSERELLE_TERRITORY``: GeoJSON of the communes of two départements.
"""

import os
from pathlib import Path

import pytest

from fleet.territory.geojson import read
from tests.e2e.test_frames import replay

pytestmark = pytest.mark.soak
LINES = 1_500


def given(variable: str) -> Path:
    name = os.environ.get(variable)
    if not name:
        pytest.skip(f"{variable} names no file: what it would show is NOT shown")
    return Path(name)


def test_real_frames_arrive_once_and_whole() -> None:
    status, report = replay(given("PASSERELLE_FRAMES"), "--limit", str(LINES))
    assert (status, report["lost"], report["altered"], report["refused_lines"]) == (0, 0, 0, 0)
    assert report["lines"] == report["sent"] == report["received"] == report["delivered"] == LINES


def test_a_real_territory_is_read_without_a_refusal() -> None:
    territory = read(given("PASSERELLE_TERRITORY").read_bytes())
    assert territory.communes
    assert territory.refused == ()

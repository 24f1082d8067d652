"""Connectivity over HTTP and on the command line: the same document."""

import json

from sqlalchemy import insert

from fleet.cli.main import main
from fleet.evidence.tables import heard
from fleet.objects.store import store_days
from fleet.objects.tables import objects
from tests.unit.fleet.founded import EUIS
from tests.unit.fleet.objects.counted import OBJECT
from tests.unit.fleet.web.api.site import Site

A, B = "70b3d57ed000000a", "70b3d57ed000000b"


def filled(folder):
    site = Site(folder, open_access=True)
    sketch = {"hours": 1, "frames": 1, "best_rssi_dbm": -100, "best_snr_db": 1.0, "lowest_sf": 7}
    sketch |= {"day": "2026-10-02", "recorded_at_us": 0}
    seen = [(EUIS[0], "26011f22"), (EUIS[1], "26011f22"), (EUIS[0], "26011f23"), (EUIS[0], A)]
    with site.database.write() as connection:
        connection.execute(insert(objects), [OBJECT | {"dev_eui": eui} for eui in (A, B)])
        store_days(connection, [{"day": "2026-10-02", "dev_eui": A, "heard_at_us": 0}], {})
        connection.execute(insert(heard), [sketch | {"eui": eui, "address": one} for eui, one in seen])
    return site


def test_the_month_is_told(tmp_path, capsys):
    site = filled(tmp_path)
    told = site.client.get("/api/v1/connectivity?month=2026-10").json()
    assert (told["objects"], told["daily_percent"], told["daily_met"]) == (2, "1.6666", False)
    assert (told["monthly_percent"], told["monthly_met"]) == ("50.0000", False)
    second = told["days"][1]
    assert (second["addresses"], second["addresses_redundant"]) == (2, 1)
    assert second["addresses_by_gateways"] == {"1": 1, "2": 1}
    assert main(["objects", "connectivity", "--data", str(tmp_path), "--month", "2026-10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == told
    assert main(["objects", "connectivity", "--data", str(tmp_path), "--month", "2026-10"]) == 0
    assert "2026-10-02  heard 1  in 14 days 1  addresses 2" in capsys.readouterr().out


def test_without_both_it_says_so(tmp_path, capsys):
    site = Site(tmp_path, open_access=True)
    told = site.client.get("/api/v1/connectivity?month=2026-10").json()
    assert (told["daily_percent"], told["fortnight_met"], told["days_counted"]) == (None, None, 0)
    assert main(["objects", "connectivity", "--data", str(tmp_path), "--month", "2026-10"]) == 0
    assert "daily      not verifiable" in capsys.readouterr().out

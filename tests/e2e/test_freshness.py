"""An open page is true again by itself, or says loudly that it is not; all cases are in ``make soak``."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.freshness import bad_gateway, table, tabs

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def test_a_proxy_that_answered_502_and_more_tabs_than_connections(chromium: Browser, tmp_path: Path) -> None:
    for name in ("502", "tabs"):
        (tmp_path / name).mkdir()
    found = {
        "502": bad_gateway(chromium, tmp_path / "502"),
        "8 tabs": tabs(chromium, tmp_path / "tabs", 8),
    }
    print(table(found))

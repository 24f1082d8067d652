"""An open page is true again by itself, or says loudly that it is not; all cases are in ``make soak``."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.freshness import bad_gateway, table, tabs

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


FEW_TABS = 3
SHORT_MS = 3_000
"""A 502 that is over before the page must say so; ``make soak`` waits until it does."""


def test_a_proxy_that_answered_502_and_tabs_that_share_a_stream(chromium: Browser, tmp_path: Path) -> None:
    for name in ("502", "tabs"):
        (tmp_path / name).mkdir()
    found = {
        "502": bad_gateway(chromium, tmp_path / "502", lambda page: page.wait_for_timeout(SHORT_MS)),
        "3 tabs": tabs(chromium, tmp_path / "tabs", FEW_TABS),
    }
    print(table(found))

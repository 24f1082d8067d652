"""Restart, 502, expiry, ten tabs, 250 viewers: seconds until an open page is true again, printed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.e2e.browser import CHROMIUM
from tests.e2e.freshness import CASES, table

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def test_every_page_is_true_again_by_itself(chromium: Browser, tmp_path: Path) -> None:
    found = {}
    for name, case in CASES.items():
        folder = tmp_path / name.replace(" ", "-")
        folder.mkdir()
        found[name] = case(chromium, folder)
    print("\n" + table(found))

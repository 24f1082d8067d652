"""The pictures of the documentation, taken anew by `pytest -m pictures`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import PHONE
from tests.e2e.served import served
from tests.unit.fleet.web.sample import eui_of

pytestmark = pytest.mark.pictures

DOCS = Path(__file__).parents[2] / "docs"
DESK = {"width": 1440, "height": 900}
WALL = {"width": 1920, "height": 1080}
PICTURES = {
    "overview": ("/", DESK, "light"),
    "mur": ("/mur", WALL, "dark"),
    "passerelle": (f"/passerelles/{eui_of(1)}", DESK, "light"),
    "passerelles-sombre": ("/passerelles", DESK, "dark"),
    "ticket-telephone": ("/tickets/1", PHONE, "light"),
    "registre": ("/registre", DESK, "light"),
    "statistiques": ("/statistiques", DESK, "light"),
}
MAILS = ("perte-commune", "retabli")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("sample")) as found:
        yield found


@pytest.mark.parametrize("name", PICTURES)
def test_a_page(address: str, chromium: Browser, name: str) -> None:
    path, size, theme = PICTURES[name]
    context = chromium.new_context(viewport=size, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address + path, wait_until="load")
    if name in ("overview", "mur"):
        page.locator(".map-label").first.wait_for()
    page.screenshot(path=DOCS / "images" / f"{name}.png")
    context.close()


@pytest.mark.parametrize("name", MAILS)
def test_a_mail(chromium: Browser, name: str) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.set_content((DOCS / "messages" / f"{name}.html").read_text(encoding="utf-8"))
    page.screenshot(path=DOCS / "images" / f"mail-{name}.png", full_page=True)
    context.close()

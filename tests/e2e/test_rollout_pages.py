"""Rollouts and layers in a real browser: a layer becomes a rollout at three widths; a phone asks offline."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.e2e.browser import PHONE, opened
from tests.e2e.served import served
from tests.unit.fleet.web.sample import eui_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WIDTHS: tuple[ViewportSize, ...] = (
    {"width": 1920, "height": 1080},
    {"width": 1366, "height": 768},
    PHONE,
)
PAGES = ("/deploiements", "/deploiements/1", "/deploiements/couches?couche=commune:37015")
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
ALONE = eui_of(2)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("rollouts")) as found:
        yield found


def begun(page: Page, address: str) -> None:
    """Change a layer by its form, and begin its rollout."""
    page.goto(f"{address}/deploiements/couches")
    for name, text in (("Couche", "commune:37015"), ("Réglage", "intervals.stat_s"), ("Valeur", "45")):
        page.get_by_label(name, exact=True).fill(text)
    page.get_by_label("Motif", exact=True).fill("essai")
    page.get_by_role("button", name="Voir ce qui changera").click()
    expect(page.locator("#layer-preview")).to_contain_text("3 passerelles changeraient")
    page.get_by_role("button", name="Enregistrer et commencer").click()
    expect(page.locator("h1")).to_contain_text("Déploiement n° 1")


def test_a_layer_becomes_a_rollout_that_every_width_shows_whole(
    address: str, chromium: Browser, tmp_path: Path
) -> None:
    with opened(chromium, address, viewport=WIDTHS[0]) as page:
        begun(page, address)
        for width in WIDTHS:
            page.set_viewport_size(width)
            for path in PAGES:
                page.goto(address + path)
                assert page.evaluate(OVERFLOW) <= 0, (path, width)
        picture = tmp_path / "deploiement.png"
        page.goto(address + PAGES[1])
        page.screenshot(path=picture, full_page=True)
        assert picture.stat().st_size > 10_000, "a picture of a page, not of nothing"


def test_a_phone_asks_whether_it_may_switch_off_and_says_when_nobody_can_know(
    address: str, chromium: Browser
) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(f"{address}/passerelles/{ALONE}")
    question = page.get_by_role("link", name="Puis-je la couper")
    question.click()
    answer = page.locator(f"#stop-{ALONE}")
    expect(answer).to_contain_text("Non, ne coupez pas")
    context.set_offline(True)
    question.click()
    expect(answer).to_contain_text("Sans réseau, on ne peut pas le savoir")
    expect(answer).not_to_contain_text("Non, ne coupez pas")
    context.close()

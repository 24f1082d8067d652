"""The pages in a real browser over a real `passerelle fleet serve`: live, by keys, on a phone, scriptless."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.browser import PHONE, opened, run
from tests.unit.fleet.web.sample import eui_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

WAITING = eui_of(1)
"""Installed, not accepted when the tests begin."""
KEY_PAGES = (
    "/",
    "/carte",
    "/communes",
    "/communes/37015",
    "/passerelles",
    f"/passerelles/{eui_of(0)}",
    "/incidents",
    "/deploiements",
    "/rapports",
    "/astreinte",
    "/travaux",
    "/deploiements/couches",
    "/journal",
    "/tickets/nouveau",
    "/guide",
)


def test_the_overview_says_whether_the_contract_holds_and_draws_the_map(
    fleet: tuple[str, Path], chromium: Browser
) -> None:
    with opened(chromium, fleet[0]) as page:
        expect(page.locator("#verdict")).to_contain_text("ne sont plus desservies")
        expect(page.locator(".commune-shape")).to_have_count(10)
        expect(page.locator(".map-mark")).to_have_count(11)
        expect(page.locator("#freshness")).to_contain_text("données à jour il y a")
        expect(page.locator("#frozen")).to_be_hidden()


UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select, textarea, button, a')]
    .filter((one) => !(one.labels && one.labels.length) && !one.getAttribute('aria-label')
        && !one.textContent.trim() && !one.title).map((one) => one.outerHTML)"""
SILENT = """() => [...document.querySelectorAll('svg')].filter((one) => !one.closest('[aria-hidden]')
    && !one.querySelector('title') && !one.getAttribute('aria-label')
    && !one.closest('.leaflet-container')).map((one) => one.outerHTML)"""


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_phone_shows_every_key_page_whole_and_everything_has_a_name(
    fleet: tuple[str, Path], chromium: Browser, lang: str
) -> None:
    with opened(chromium, fleet[0], viewport=PHONE) as page:
        page.context.add_cookies([{"name": "langue", "value": lang, "url": fleet[0]}])
        too_wide = []
        for path in KEY_PAGES:
            page.goto(fleet[0] + path)
            assert page.locator("h1").count() == 1, path
            assert page.evaluate(UNNAMED) == [], path
            assert page.evaluate(SILENT) == [], path
            if page.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
                too_wide.append(path)
        assert too_wide == []


def test_keys_search_walk_and_explain(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, fleet[0]) as page:
        page.keyboard.press("/")
        page.keyboard.type("veretz")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Véretz")
        page.wait_for_load_state("load")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        page.wait_for_url(f"{fleet[0]}/passerelles")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{fleet[0]}/passerelles/*")


REFRESHED = """() => new Promise((shown) => {
    for (const section of document.querySelectorAll('[data-live]')) delete section.dataset.seen;
    document.addEventListener('live:refreshed', shown, { once: true });
    document.dispatchEvent(new Event('visibilitychange'));
})"""


def test_who_walks_the_rows_keeps_the_row_when_the_list_is_written_anew(
    fleet: tuple[str, Path], chromium: Browser
) -> None:
    with opened(chromium, f"{fleet[0]}/passerelles") as page:
        page.keyboard.press("j")
        page.keyboard.press("j")
        chosen = page.locator("tr.row-current").get_attribute("data-href")
        table = page.locator("[data-live] table").first.element_handle()
        page.evaluate(REFRESHED)
        page.wait_for_function("(node) => !node.isConnected", arg=table)
        assert page.locator("tr.row-current").get_attribute("data-href") == chosen
        page.keyboard.press("Enter")
        page.wait_for_url(f"{fleet[0]}{chosen}")


def test_an_acceptance_elsewhere_shows_without_reload(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/passerelles") as page:
        row = page.locator(f'tr[data-href="/passerelles/{WAITING}"]')
        expect(row).to_contain_text("Non déployée")
        page.evaluate("window.untouched = true")
        run("fleet", "accept", "--data", str(fleet[1]), "--eui", WAITING)
        expect(row).to_contain_text("Hors service")
        assert page.evaluate("window.untouched") is True


def test_a_configuration_is_pushed_after_one_question(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/deploiements?eui={eui_of(0)}") as page:
        page.get_by_label("Perte du câble (dB)").fill("1.5")
        page.get_by_role("button", name="Voir ce qui changera").click()
        expect(page.locator(".diff .after")).to_have_text("1.5")
        page.get_by_role("button", name="Envoyer à 1 passerelle").click()
        expect(page.locator(".toast")).to_have_text("Configuration envoyée à 1 passerelle.")
        row = page.locator(f'tr[data-href="/passerelles/{eui_of(0)}"]')
        expect(row.locator("td").first).to_have_text("2")


def test_a_new_address_waits_for_a_second_person(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/deploiements?eui={eui_of(0)}") as page:
        row = page.locator(f'tr[data-href="/passerelles/{eui_of(0)}"] td')
        before = row.first.inner_text()
        page.get_by_label("Cœur de réseau\u202f: hôte", exact=True).fill("lns.example.fr")
        page.get_by_label("Motif").fill("nouveau serveur")
        page.get_by_role("button", name="Voir ce qui changera").click()
        expect(page.locator(".diff .after")).to_have_text("lns.example.fr")
        expect(page.locator("p.notice")).to_contain_text("une seconde personne")
        page.get_by_role("button", name="Envoyer à 1 passerelle").click()
        expect(page.locator(".toast")).to_have_text(re.compile("^Demande n°.1.: une seconde personne doit"))
        expect(page.locator("#demande-1 .diff .after")).to_have_text("lns.example.fr")
        expect(page.get_by_role("button", name="Approuver")).to_have_count(0)
        expect(row.first).to_have_text(before)


def test_light_and_dark_are_the_persons_choice(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, fleet[0], color_scheme="dark") as page:
        ground = "getComputedStyle(document.body.parentElement).backgroundColor"
        assert page.evaluate(ground) == "rgb(20, 23, 26)"
        page.locator("details.person summary").click()
        with page.expect_navigation():
            page.locator("#theme").select_option("light")
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_without_scripts_the_pages_still_say_it(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/passerelles?etat=OUT", java_script_enabled=False) as page:
        assert page.locator("tbody tr").count() in (0, 1)
        page.goto(f"{fleet[0]}/communes")
        assert page.locator("tbody tr").count() == 10

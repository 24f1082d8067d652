"""The pages in a real browser over a real `passerelle fleet serve`: live, by keys, on a phone, scriptless."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from demo.ports import free_port
from tests.unit.fleet.web.sample import eui_of, registry_document

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
PASSERELLE = (sys.executable, "-m", "passerelle")
PHONE = {"width": 390, "height": 844}
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
    "/journal",
    "/tickets/nouveau",
    "/guide",
)


def run(*arguments: str) -> None:
    subprocess.run([*PASSERELLE, *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Address and data folder of a fleet manager with the eleven gateways in its registry."""
    data = tmp_path_factory.mktemp("pages") / "fleet"
    document = registry_document()
    document["gateways"][1]["status"] = "installed"
    (data.parent / "registry.json").write_text(json.dumps(document))
    run("fleet", "init", "--data", str(data), "--broker", f"127.0.0.1:{free_port()}")
    run("fleet", "import", "--data", str(data), str(data.parent / "registry.json"))
    order = str(data.parent / "order.json")
    run("fleet", "order", "--data", str(data), "--eui", eui_of(0), "--output", order)
    port = free_port()
    broker = ("/usr/sbin/mosquitto", "-c", str(data / "mosquitto" / "mosquitto.conf"))
    serve = [*PASSERELLE, "fleet", "serve", "--data", str(data), "--port", str(port), "--open-access"]
    with (
        (data.parent / "serve.log").open("w+") as said,
        subprocess.Popen(broker, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as mosquitto,
        subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            first = process.stdout.readline()
            assert first.startswith("Passerelle : "), (data.parent / "serve.log").read_text()
            yield f"http://127.0.0.1:{port}", data
        finally:
            process.terminate()
            process.wait(20)
            mosquitto.terminate()
            mosquitto.wait(20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(chromium: Browser, address: str, **options: object) -> Iterator[Page]:
    """Open a page and fail on any complaint of the browser: errors, blocked content, missing files."""
    complaints: list[str] = []
    context = chromium.new_context(**options)  # type: ignore[arg-type]
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert complaints == []


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
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("g")
        page.keyboard.press("p")
        expect(page).to_have_url(f"{fleet[0]}/passerelles")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{fleet[0]}/passerelles/*")


def test_an_acceptance_elsewhere_shows_without_reload(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/passerelles") as page:
        row = page.locator(f'tr[data-href="/passerelles/{WAITING}"]')
        expect(row).to_contain_text("Non déployée")
        page.evaluate("window.untouched = true")
        run("fleet", "accept", "--data", str(fleet[1]), "--eui", WAITING)
        expect(row).to_contain_text("Hors service", timeout=20_000)
        assert page.evaluate("window.untouched") is True


def test_a_configuration_is_pushed_after_one_question(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/deploiements?eui={eui_of(0)}") as page:
        page.get_by_label("Cœur de réseau\u202f: hôte").fill("lns.example.fr")
        page.get_by_role("button", name="Voir ce qui changera").click()
        expect(page.locator(".diff .after")).to_have_text("lns.example.fr")
        page.get_by_role("button", name="Envoyer à 1 passerelle").click()
        expect(page.locator(".toast")).to_have_text("Configuration envoyée à 1 passerelle.")
        row = page.locator(f'tr[data-href="/passerelles/{eui_of(0)}"]')
        expect(row.locator("td").first).to_have_text("2")


def test_light_and_dark_are_the_persons_choice(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, fleet[0], color_scheme="dark") as page:
        ground = "getComputedStyle(document.body.parentElement).backgroundColor"
        assert page.evaluate(ground) == "rgb(20, 23, 26)"
        page.locator("details.person summary").click()
        page.locator("#theme").select_option("light")
        page.wait_for_load_state()
        expect(page.locator("html")).to_have_attribute("data-theme", "light")
        assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_without_scripts_the_pages_still_say_it(fleet: tuple[str, Path], chromium: Browser) -> None:
    with opened(chromium, f"{fleet[0]}/passerelles?etat=OUT", java_script_enabled=False) as page:
        assert page.locator("tbody tr").count() in (0, 1)
        page.goto(f"{fleet[0]}/communes")
        assert page.locator("tbody tr").count() == 10


def test_steps_taken_without_coverage_keep_their_time_and_leave_by_themselves(
    fleet: tuple[str, Path], chromium: Browser
) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(f"{fleet[0]}/tickets/nouveau")
    page.locator("#commune").select_option(label="Monnaie")
    page.locator("#text").fill("plus aucun relevé")
    page.get_by_role("button", name="Ouvrir le ticket").click()
    page.wait_for_url(f"{fleet[0]}/tickets/*")
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    context.set_offline(True)
    page.get_by_role("button", name="En route").click()
    expect(page.locator("#offline")).to_contain_text("gardée(s) sur ce téléphone")
    page.reload()
    expect(page.locator("#offline")).to_contain_text("1 étape(s)")
    expect(page.locator(".steps li[data-done]")).to_have_count(1)
    context.set_offline(False)
    expect(page.locator(".steps li[data-done]")).to_have_count(3, timeout=30_000)
    expect(page.locator("#offline")).to_be_hidden()
    context.close()

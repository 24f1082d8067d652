"""From a work order to a gateway that counts, as an installer does it with a phone: with and without network.

The tests of this module tell one story, in order, on one fleet: the first site has no network until its end.
"""

import hashlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from agent.wire.order import WorkOrder
from tests.e2e.browser import PASSERELLE, PHONE, opened
from tests.e2e.sites import Sites
from tests.e2e.test_phone import photo

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
OFFLINE, ONLINE, LAPTOP = 2, 3, 4
Installed = tuple[WorkOrder, str]
"""The order of a gateway that runs, and the address of its local page."""


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sites]:
    with Sites(tmp_path_factory.mktemp("sites")) as world:
        yield world


def installed(sites: Sites, index: int) -> Installed:
    order, local = sites.order(index)
    sites.install(index)
    sites.wait("the local page", lambda: answers(local))
    return order, local


@pytest.fixture(scope="module")
def offline(sites: Sites) -> Installed:
    """A gateway whose servers do not answer."""
    sites.lns.silent = True
    return installed(sites, OFFLINE)


@pytest.fixture(scope="module")
def served(sites: Sites) -> Sites:
    """The same world once every server answers."""
    sites.lns.silent = False
    sites.start_fleet()
    return sites


@pytest.fixture(scope="module")
def laptop(served: Sites) -> Installed:
    return installed(served, LAPTOP)


@pytest.fixture(scope="module")
def online(served: Sites) -> Installed:
    return installed(served, ONLINE)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def accept(page: Page, code: str, conclusion: str) -> None:
    """Do what an installer does on the phone, from the code to the signature."""
    page.locator("#code").fill(f"{code[:4]} {code[4:]}")
    page.get_by_role("button", name="Commencer la recette").click()
    expect(page.locator(".answer")).to_contain_text(conclusion)
    page.locator("#photo").set_input_files(photo())
    expect(page.locator(".photos img")).to_have_count(1)
    page.locator("#name").fill("Anne Installatrice")
    page.locator("#board").scroll_into_view_if_needed()
    box = page.locator("#board").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 20, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 200, box["y"] + 90, steps=5)
    page.mouse.up()
    page.get_by_role("button", name="Signer le procès-verbal").click()
    expect(page.locator(".answer")).to_contain_text("Procès-verbal signé")


def test_without_network_the_statement_is_signed_and_waits(offline: Installed, chromium: Browser) -> None:
    order, local = offline
    with opened(chromium, local, viewport=PHONE, locale="fr-FR") as page:
        accept(page, order.code, "avec les réserves")
        expect(page.locator(".answer")).to_have_attribute("data-state", "kept")
        expect(page.locator("[data-check=backhaul]")).to_contain_text("pas de réseau ici")


def test_it_leaves_by_itself_and_counts_from_its_arrival(offline: Installed, served: Sites) -> None:
    found = served.serving(OFFLINE)
    record = json.loads(served.read("/recettes/1/faits.json"))
    assert record["eui"] == offline[0].eui
    assert record["conclusion"] == "with_reserves"
    assert record["installer"] == "Anne Installatrice"
    assert found["accepted_at_us"] > record["signed_at_us"]


def test_with_network_the_fleet_counts_from_the_signature(
    online: Installed, served: Sites, chromium: Browser
) -> None:
    order, local = online
    with opened(chromium, local, viewport=PHONE, locale="fr-FR") as page:
        accept(page, order.code, "vous pouvez signer")
        found = served.serving(ONLINE)
        page.reload()
        expect(page.locator(".answer")).to_have_attribute("data-state", "taken")
    record = json.loads(served.read("/recettes/2/faits.json"))
    assert record["conclusion"] == "accepted"
    trusted = record["time_quality"] > 0
    assert (found["accepted_at_us"] == record["signed_at_us"]) is trusted
    assert served.read("/recettes/2/proces-verbal.pdf").startswith(b"%PDF-")


def ran(command: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)


def test_a_laptop_accepts_like_a_phone_and_a_wrong_code_signs_nothing(
    served: Sites, laptop: Installed
) -> None:
    order, local = laptop
    asked = (*PASSERELLE, "provision", "accept", "--url", local, "--name", "Bertrand", "--json")
    wrong = ran([*asked, "--code", "00000000"])
    assert wrong.returncode == 2
    assert "vérifiez la feuille" in wrong.stderr
    done = ran([*asked, "--code", order.code])
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    signed = json.loads(done.stdout.splitlines()[-1])
    assert signed["event"] == "signed"
    served.serving(LAPTOP)
    found = served.read("/recettes/3/faits.json")
    assert hashlib.sha256(found).hexdigest() == signed["sha256"]

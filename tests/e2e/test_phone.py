"""A technician's phone in a real browser: without coverage nothing is lost, and every step keeps its time."""

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, expect

from fleet.db.connect import Database
from fleet.settings import read_settings
from fleet.tickets import actions, links
from fleet.tickets.links import SECRET_NAME
from fleet.tickets.model import Restore
from fleet.tickets.presence import site_token
from tests.e2e.browser import PHONE

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

Fleet = tuple[str, Path]
READY_MS = 90_000
KEPT = """() => Promise.all(
    [location.pathname, ...[...document.querySelectorAll('link[rel=stylesheet], script[src]')]
        .map((one) => one.href || one.src)].map((one) => caches.match(one))
).then((found) => found.every(Boolean))"""
"""The phone has the page and every file that it needs."""
ANSWERED_MS = "performance.getEntriesByType('navigation')[0].responseStart"
"""The phone learns the server's time to within the time that its page took to come."""


@contextmanager
def phone(chromium: Browser, fleet: Fleet, commune: str) -> Iterator[tuple[BrowserContext, Page, str]]:
    """A phone that opened a new ticket of a commune once, with coverage; its address comes third."""
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    page.goto(f"{fleet[0]}/tickets/nouveau")
    page.locator("#commune").select_option(label=commune)
    page.locator("#text").fill("plus aucun relevé")
    page.get_by_role("button", name="Ouvrir le ticket").click()
    page.wait_for_url(f"{fleet[0]}/tickets/*")
    page.wait_for_function(KEPT, timeout=READY_MS)
    yield context, page, page.url
    context.close()


def queue(page: Page) -> Any:
    return page.locator("#offline li")


def ticket_of(page: Page, address: str) -> dict[str, Any]:
    number = address.rpartition("/")[2]
    found: dict[str, Any] = page.request.get(
        f"{address[: address.index('/tickets')]}/api/v1/tickets/{number}"
    ).json()
    return found


def photo() -> FilePayload:
    file = io.BytesIO()
    picture = Image.effect_noise((2400, 1800), 60)
    picture.convert("RGB").save(file, "JPEG", quality=95, comment=b"SECRET PLACE")
    return {"name": "coffret.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def restore(fleet: Fleet, number: int, at_us: int) -> None:
    """Let telemetry say that the service is back."""
    with closing(Database(read_settings(fleet[1]).database_url)) as database, database.write() as connection:
        event = Restore(who="telemetry", via="telemetry", at_us=at_us)
        actions.act(connection, number, event, at_us)


def test_everything_done_without_coverage_keeps_its_time_and_leaves_by_itself(
    fleet: Fleet, chromium: Browser
) -> None:
    with phone(chromium, fleet, "Monnaie") as (context, page, address):
        context.set_offline(True)
        apart_ms = page.evaluate(ANSWERED_MS)
        before = page.evaluate("Date.now()") - apart_ms
        work(page)
        after = page.evaluate("Date.now()") + apart_ms
        expect(page.locator("#offline")).to_contain_text("pas de réseau")
        page.close()

        later = context.new_page()
        later.goto(address)
        expect(queue(later)).to_have_count(6)
        assert later.evaluate("document.documentElement.dataset.kept") == ""
        context.set_offline(False)
        expect(queue(later)).to_have_count(1, timeout=READY_MS)
        expect(later.locator("#offline")).to_contain_text("attend que la télémesure")
        expect(later.locator(".steps li[data-done]")).to_have_count(4, timeout=READY_MS)

        found = ticket_of(later, address)
        events = {one["kind"]: one for one in found["events"]}
        for kind in ("Depart", "Arrive", "Note", "Attach"):
            assert before <= events[kind]["at_us"] / 1000 <= after, kind
            assert events[kind]["recorded_at_us"] > events[kind]["at_us"], kind
        assert [one["kind"] for one in found["events"]].count("Depart") == 1

        number = found["shown"]["ticket"]["id"]
        picture = later.request.get(f"{fleet[0]}/api/v1/tickets/{number}/photos/1").body()
        assert b"SECRET" not in picture
        assert Image.open(io.BytesIO(picture)).size == (1600, 1200)

        restore(fleet, number, events["Attach"]["recorded_at_us"] + 1)
        later.evaluate("dispatchEvent(new Event('online'))")
        expect(later.locator("#offline")).to_be_hidden(timeout=READY_MS)
        report = {"cause": "disjoncteur", "action": "réarmé, 231 V", "parts": ["fusible 10 A", "gaine"]}
        assert ticket_of(later, address)["shown"]["ticket"]["report"].items() >= report.items()


def work(page: Page) -> None:
    """Do what a technician does, « en route » twice."""
    page.get_by_role("button", name="En route").click()
    expect(queue(page)).to_have_count(1)
    page.get_by_role("button", name="En route").click()
    expect(queue(page)).to_have_count(2)
    page.get_by_role("button", name="Sur site", exact=True).click()
    expect(queue(page)).to_have_count(3)
    page.locator("#text").fill("disjoncteur tombé")
    page.get_by_role("button", name="Noter").click()
    page.locator("#file").set_input_files(photo())
    page.get_by_role("button", name="Joindre").click()
    expect(queue(page)).to_have_count(5)
    page.locator("#close-form summary").click()
    page.locator("#cause").fill("disjoncteur")
    page.locator("#action").fill("réarmé, 231 V")
    page.locator("#parts").fill("fusible 10 A, gaine")
    page.get_by_role("button", name="Clore", exact=True).click()
    expect(queue(page)).to_have_count(6)


CLOCK_HOURS_LATER = "() => { const real = Date.now; Date.now = () => real() + 3 * 3600e3; }"


def test_a_page_kept_for_hours_does_not_date_steps_to_when_it_was_kept(
    fleet: Fleet, chromium: Browser
) -> None:
    with phone(chromium, fleet, "Reugny") as (context, page, address):
        context.set_offline(True)
        page.close()
        context.add_init_script(f"({CLOCK_HOURS_LATER})()")
        later = context.new_page()
        later.goto(address)
        later.get_by_role("button", name="En route").click()
        expect(queue(later)).to_have_count(1)
        steps = (
            "() => new Promise((done) => { indexedDB.open('passerelle').onsuccess = (one) => {"
            " one.target.result.transaction('steps').objectStore('steps').getAll().onsuccess = (all) =>"
            " done(all.target.result[0].body.at_us / 1000 - Date.now()); }; })"
        )
        assert abs(later.evaluate(steps)) < 60_000


def test_a_label_read_without_coverage_is_offered_on_the_ticket_and_a_wrong_one_is_told(
    fleet: Fleet, chromium: Browser
) -> None:
    secret = links.read_secret(read_settings(fleet[1]).keys / SECRET_NAME)
    with phone(chromium, fleet, "Vouvray") as (context, page, address):
        context.set_offline(True)
        page.goto(f"{fleet[0]}/s/{site_token(secret, 1)}")
        page.wait_for_url(f"{address}#etiquette={site_token(secret, 1)}")
        page.get_by_role("button", name="Sur site, étiquette lue").click()
        expect(queue(page)).to_have_count(1)
        context.set_offline(False)
        expect(page.locator("#offline")).to_contain_text(
            "n’est pas celle d’un site de ce ticket", timeout=READY_MS
        )
        page.get_by_role("button", name="Effacer").click()
        expect(page.locator("#offline")).to_be_hidden()


FIRST_BYTES, AGAIN_BYTES = 50_000, 7_000
"""On a 2G link of 40 kbit/s: ten seconds and four requests at first; 1.4 seconds and one request after.

The ticket of one commune is 5.6 kB; 90 s after the start nobody was heard and it is that of ten, 6.3 kB.
"""


def test_a_ticket_is_light_enough_for_2g(fleet: Fleet, chromium: Browser) -> None:
    with phone(chromium, fleet, "Larçay") as (_, page, address):
        fresh = chromium.new_context(viewport=PHONE)
        count, requests = weigh(fresh, address)
        html = page.request.get(address, headers={"Accept-Encoding": "gzip"})
        again = int(html.headers["content-length"])
        fresh.close()
    print(f"a ticket on a phone: {count} bytes in {requests} requests at first, {again} bytes in 1 after")
    assert html.headers["content-encoding"] == "gzip"
    assert count <= FIRST_BYTES
    assert requests <= 5
    assert again <= AGAIN_BYTES


def weigh(context: BrowserContext, address: str) -> tuple[int, int]:
    """Return bytes on the wire and requests until a ticket can be read."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    page.goto(address, wait_until="load")
    page.close()
    return sum(sizes), len(sizes)

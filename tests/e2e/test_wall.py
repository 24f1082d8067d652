"""The wallboard hangs for months on a token; what somebody typed and filtered survives a login."""

import time
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from fleet.identity import tokens
from fleet.identity.people import Scope
from fleet.tickets import actions
from fleet.tickets.model import Acknowledge
from tests.e2e.freshness import NAME, PATIENCE_MS, Fleet, log_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

OLD: ViewportSize = {"width": 1366, "height": 768}
FITS = "(({scrollHeight, scrollWidth}) => scrollHeight <= innerHeight && scrollWidth <= innerWidth)"
FITS += "(document.documentElement)"


def test_a_wall_opens_by_a_token_names_nobody_fits_and_turns(chromium: Browser, tmp_path: Path) -> None:
    with Fleet(tmp_path, open_access=False) as fleet:
        now_us = fleet.clock.now_us()
        with fleet.parts.database.write() as connection:
            token = tokens.create(
                connection, name="mur", scopes=[Scope.WALL], days=365, who="test", now_us=now_us
            )
            actions.act(connection, 1, Acknowledge(who=NAME, via="page", at_us=now_us), now_us)
        context = chromium.new_context(viewport=OLD)
        page = context.new_page()
        page.clock.install()
        page.goto(f"{fleet.address}/mur")
        page.locator("#token").fill("psl_wrong")
        page.locator("button.primary").click()
        expect(page.locator("[role=alert]")).to_be_visible()
        page.locator("#token").fill(token)
        page.locator("button.primary").click()
        expect(page.locator("#open-incidents")).to_be_visible(timeout=PATIENCE_MS)
        assert NAME not in page.content()
        assert page.evaluate(FITS)
        page.clock.fast_forward("00:21")
        expect(page.locator(".wall-view[data-shown] #open-incidents")).to_be_hidden(timeout=PATIENCE_MS)
        assert page.evaluate(FITS)
        (cookie,) = context.cookies(f"{fleet.address}/mur")
        assert cookie["expires"] - time.time() > 300 * 86_400
        page.goto(f"{fleet.address}/incidents")
        expect(page.locator("#password")).to_be_visible()
        context.close()


def test_filters_and_typed_text_survive_a_session_that_ends(chromium: Browser, tmp_path: Path) -> None:
    with Fleet(tmp_path, open_access=False) as fleet:
        fleet.hire()
        page = chromium.new_page()
        page.goto(f"{fleet.address}/passerelles?etat=DOWN&tri=-name")
        log_in(page)
        page.wait_for_url(f"{fleet.address}/passerelles?etat=DOWN&tri=-name", timeout=PATIENCE_MS)
        page.goto(f"{fleet.address}/main-courante")
        page.locator("#text").fill("le transformateur de Reugny fume")
        fleet.end_sessions()
        page.locator("form:has(#text) button").first.click()
        log_in(page)
        page.wait_for_url(f"{fleet.address}/main-courante*", timeout=PATIENCE_MS)
        expect(page.locator("#text")).to_have_value("le transformateur de Reugny fume")
        page.close()

"""Every page before axe-core: WCAG 2.1 AA, which RGAA takes over, in light and dark; and by keys alone."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from fleet.web.rendering import FOLDER
from tests.e2e.browser import PHONE
from tests.e2e.served import served
from tests.unit.fleet.web.test_pages import PAGES

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
RULES = "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"
RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
KEY_PAGES = ("/", "/carte", "/tickets/1", "/passerelles", "/sites/2")
LEAN = [page for page in PAGES if page not in ("/carte", "/mur", "/incidents?tous=1")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(tmp_path_factory.mktemp("sample")) as found:
        yield found


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip(f"{AXE} is not installed: npm ci in {FOLDER}")
    return AXE.read_text(encoding="utf-8")


def violations(page: Page, axe: str) -> list[str]:
    """Return what axe finds, by rule and place."""
    page.evaluate(axe)
    found: dict[str, Any] = page.evaluate(RUN, list(RULES))
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:160]}"
        for one in found["violations"]
        for node in one["nodes"][:3]
    ]


@pytest.mark.parametrize(
    ("theme", "pages"),
    [
        ("light", ["/", "/tickets/1", "/registre", "/communes/37015", "/radio"]),
        ("dark", ["/passerelles"]),
        pytest.param("light", LEAN, marks=pytest.mark.soak),
        pytest.param("dark", LEAN, marks=pytest.mark.soak),
    ],
    ids=["light", "dark", "every page, light", "every page, dark"],
)
def test_axe_finds_nothing(address: str, chromium: Browser, axe: str, theme: str, pages: list[str]) -> None:
    context = chromium.new_context(color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    found = {}
    for path in pages:
        page.goto(address + path, wait_until="domcontentloaded")
        if told := violations(page, axe):
            found[path] = told
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert violations(page, axe), "axe judges nothing"
    context.close()
    assert found == {}


def test_axe_finds_nothing_on_a_phone(address: str, chromium: Browser, axe: str) -> None:
    context = chromium.new_context(viewport=PHONE)
    page = context.new_page()
    found = {}
    for path in ("/", "/tickets/1", "/tickets/1/passerelles"):
        page.goto(address + path, wait_until="domcontentloaded")
        found[path] = violations(page, axe)
    context.close()
    assert {path: complaints for path, complaints in found.items() if complaints} == {}


def test_a_ticket_is_worked_by_keys_alone(address: str, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{address}/tickets/1")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim()"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none", seen[-1]
        if seen[-1] == "Prendre en charge":
            break
    assert seen[-1] == "Prendre en charge"
    page.keyboard.press("Enter")
    expect(page.locator(".steps li[data-done]")).to_have_count(2)
    context.close()


def test_motion_is_left_out_when_asked(address: str, chromium: Browser) -> None:
    context = chromium.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(address)
    moving = """() => [...document.querySelectorAll('*')].filter((one) => {
        const style = getComputedStyle(one);
        return parseFloat(style.transitionDuration) > 0.001 || parseFloat(style.animationDuration) > 0.001;
    }).map((one) => one.className)"""
    assert page.evaluate(moving) == []
    context.close()


def test_nothing_is_asked_of_another_host(address: str, chromium: Browser) -> None:
    context = chromium.new_context()
    page = context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in KEY_PAGES:
        page.goto(address + path, wait_until="domcontentloaded")
    context.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []

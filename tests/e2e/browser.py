"""A real browser over a real `passerelle fleet serve`: what the tests of the pages share."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, ViewportSize

PASSERELLE = (sys.executable, "-m", "passerelle")
CHROMIUM = Path("/usr/bin/chromium")
PHONE: ViewportSize = {"width": 390, "height": 844}


def run(*arguments: str) -> None:
    subprocess.run([*PASSERELLE, *arguments], check=True, capture_output=True, timeout=120)


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

"""A fleet manager that serves, and a browser, for the tests of one file."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from demo.ports import free_port
from tests.e2e.browser import CHROMIUM, PASSERELLE, run
from tests.unit.fleet.web.sample import eui_of, registry_document

SHOWN_LIMIT_MS = 90_000
"""For what a page must come to show; the machine may be busy with other tests."""
expect.set_options(timeout=SHOWN_LIMIT_MS)


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
            process.wait(90)
            mosquitto.terminate()
            mosquitto.wait(90)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed: apt install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()

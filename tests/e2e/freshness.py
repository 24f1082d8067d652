"""How long until an open page is true again, after each thing that makes pages lie: a table of seconds.

The sample network is served in this process by an engine's stand-in that publishes a cycle a second, behind a
proxy that can be made to answer 502.  What is true changes in the database; the page must show it by itself.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec
import uvicorn
from playwright.sync_api import Browser, Page, expect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from demo.ports import free_port
from fleet.identity import people, sessions
from fleet.identity.foundation import write_session_secret
from fleet.lang.i18n import t
from fleet.tickets import actions
from fleet.tickets import store as tickets
from fleet.tickets.model import Note, Regrade
from fleet.web.process_parts import Parts, share
from tests.unit.fleet.web.network import make_app, network_of
from tests.unit.fleet.web.sample import NOW_US

PATIENCE_MS = 90_000
"""For a page to be true again; the machine may be busy with other tests."""
CYCLE_S = 1.0
VIEWERS = 250
TABS = 10
NAME, PASSWORD = "Anne Martin", "correct horse battery staple"


class RunningClock:
    """The sample's instant, going on at the pace of this machine."""

    def __init__(self) -> None:
        self._began_us = time.monotonic_ns() // 1000

    def now_us(self) -> int:
        return NOW_US + self.monotonic_us()

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000 - self._began_us


class BadProxy:
    """Answers 502 while it is ``bad``, and ends what streams."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.bad = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.bad:
            await PlainTextResponse("bad gateway", 502)(scope, receive, send)
            return

        async def through(message: Message) -> None:
            if self.bad:
                raise ConnectionError("cut by the proxy")
            await send(message)

        with suppress(ConnectionError):
            await self._app(scope, receive, through)


@dataclass
class Fleet:
    """One address that is served, stopped and served again over one folder."""

    folder: Path
    open_access: bool = True

    def __post_init__(self) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.clock = RunningClock()
        app = make_app(self.folder, clock=self.clock)
        settings = msgspec.structs.replace(
            app.state.parts.settings, public_url=self.address, open_access=self.open_access
        )
        self.parts: Parts = replace(app.state.parts, settings=settings)
        write_session_secret(settings.keys)
        share(app, self.parts)
        self._application = app
        self._changes = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Serve, with a feed of its own as a new process has."""
        self.parts = replace(self.parts, feed=type(self.parts.feed)())
        share(self._application, self.parts)
        self.proxy = BadProxy(self._application)
        self._stopping = threading.Event()
        started = threading.Event()
        self._publish()

        class Announced(uvicorn.Server):
            async def startup(self, sockets: Any = None) -> None:
                await super().startup(sockets)
                started.set()

        config = uvicorn.Config(self.proxy, port=self.port, log_level="critical", timeout_graceful_shutdown=1)
        self._server = Announced(config)
        self._threads = [
            threading.Thread(target=self._server.run, daemon=True),
            threading.Thread(target=self._cycles, daemon=True),
        ]
        for thread in self._threads:
            thread.start()
        assert started.wait(90), "the sample does not serve"

    def stop(self) -> None:
        self._stopping.set()
        self.parts.feed.close()
        self._server.should_exit = True
        for thread in self._threads:
            thread.join(60)

    def _cycles(self) -> None:
        while not self._stopping.wait(CYCLE_S):
            self._publish()

    def _publish(self) -> None:
        self.parts.feed.publish(network_of(self.parts.database, self.clock.now_us()))

    def hire(self) -> None:
        """Give somebody an account."""
        account = people.account_of(name=NAME, role="operator", password=PASSWORD)
        with self.parts.database.write() as connection:
            people.set_user(connection, account, who="test", now_us=self.clock.now_us())

    def end_sessions(self) -> None:
        """End every session of that account."""
        with self.parts.database.write() as connection:
            sessions.end(connection, NAME, who="test", now_us=self.clock.now_us())

    def change(self) -> str:
        """Change what is true; return the words that a true overview shows from now on."""
        self._changes += 1
        now_us = self.clock.now_us()
        with self.parts.database.write() as connection:
            before = tickets.get(connection, 1)
            graver = {"MINOR": "MAJOR", "MAJOR": "CRITICAL", "CRITICAL": "MINOR"}[before.criticality.value]
            by = {"who": NAME, "via": "page", "at_us": now_us}
            event = Regrade(**by, criticality=type(before.criticality)(graver), reason="grade.gateway")
            actions.act(connection, 1, event, now_us)
            actions.act(connection, 1, Note(**by, text=f"change {self._changes}"), now_us)
        return t("fr", f"criticality.{graver}")


def _true(page: Page, words: str) -> None:
    expect(page.locator("#open-incidents")).to_contain_text(words, timeout=PATIENCE_MS)


def _loud(page: Page) -> None:
    expect(page.locator("#frozen")).to_be_visible(timeout=PATIENCE_MS)


def _calm(page: Page) -> None:
    expect(page.locator("#frozen")).to_be_hidden(timeout=PATIENCE_MS)


@contextmanager
def _page(chromium: Browser, fleet: Fleet) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(fleet.address)
    page.wait_for_timeout(2_500)
    yield page
    context.close()


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def restart(chromium: Browser, folder: Path) -> float:
    """A server that stops, and starts again a while later."""
    with Fleet(folder) as fleet, _page(chromium, fleet) as page:
        fleet.stop()
        _loud(page)
        words = fleet.change()
        page.wait_for_timeout(20_000)  # long enough for the waits between attempts to grow
        began = time.monotonic()
        fleet.start()
        _true(page, words)
        _calm(page)
        return _since(began)


def bad_gateway(chromium: Browser, folder: Path, until: Callable[[Page], None] = _loud) -> float:
    """A proxy that answers 502 to everything for a while, the stream included."""
    with Fleet(folder) as fleet, _page(chromium, fleet) as page:
        fleet.proxy.bad = True
        words = fleet.change()
        until(page)
        fleet.proxy.bad = False
        began = time.monotonic()
        _true(page, words)
        _calm(page)
        return _since(began)


def log_in(page: Page) -> None:
    page.locator("#name").fill(NAME)
    page.locator("#password").fill(PASSWORD)
    page.locator("button.primary").click()


def expiry(chromium: Browser, folder: Path) -> float:
    """A session that ends under an open page; somebody logs in again in another tab of the browser."""
    with Fleet(folder, open_access=False) as fleet:
        fleet.hire()
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"{fleet.address}/")
        log_in(page)
        expect(page.locator("#open-incidents")).to_be_visible(timeout=PATIENCE_MS)
        page.wait_for_timeout(2_500)
        fleet.end_sessions()
        words = fleet.change()
        expect(page.locator("#frozen a")).to_be_visible(timeout=PATIENCE_MS)
        other = context.new_page()
        other.goto(f"{fleet.address}/incidents?tous=1")
        log_in(other)
        other.wait_for_url(f"{fleet.address}/incidents?tous=1", timeout=PATIENCE_MS)
        began = time.monotonic()
        page.bring_to_front()
        _true(page, words)
        _calm(page)
        context.close()
        return _since(began)


def tabs(chromium: Browser, folder: Path, count: int = TABS) -> float:
    """More tabs of one browser than it opens connections; they share one stream."""
    with Fleet(folder) as fleet:
        context = chromium.new_context()
        pages = [context.new_page() for _ in range(count)]
        for page in pages:
            page.goto(fleet.address)
            expect(page.locator("#open-incidents")).to_be_visible(timeout=PATIENCE_MS)
        pages[-1].wait_for_timeout(3_000)
        words = fleet.change()
        began = time.monotonic()
        for page in pages:
            page.bring_to_front()
            _true(page, words)
            _calm(page)
        seconds = _since(began)
        while fleet.parts.feed.clients != 1:
            pages[-1].wait_for_timeout(100)
        context.close()
        return seconds


@contextmanager
def _viewers(fleet: Fleet, count: int) -> Iterator[list[int]]:
    """Hold so many streams open; give the status that each got."""
    statuses: list[int] = []
    everybody, enough = threading.Event(), threading.Event()

    async def one(client: httpx.AsyncClient, over: asyncio.Event) -> None:
        async with client.stream("GET", f"{fleet.address}/vivant") as answer:
            statuses.append(answer.status_code)
            if len(statuses) == count:
                everybody.set()
            await over.wait()

    async def all_of_them() -> None:
        over = asyncio.Event()
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client, asyncio.TaskGroup() as tasks:
            for _ in range(count):
                tasks.create_task(one(client, over))
            await asyncio.to_thread(enough.wait)
            over.set()

    thread = threading.Thread(target=lambda: asyncio.run(all_of_them()), daemon=True)
    thread.start()
    assert everybody.wait(90), f"{len(statuses)} of {count} viewers have their answer"
    yield statuses
    enough.set()
    thread.join(60)


def viewers(chromium: Browser, folder: Path, count: int = VIEWERS) -> float:
    """More viewers than the server streams to: the last ones ask by themselves."""
    with Fleet(folder) as fleet, _viewers(fleet, count) as statuses:
        assert statuses.count(503) == count - 200
        with _page(chromium, fleet) as page:
            words = fleet.change()
            began = time.monotonic()
            _true(page, words)
            _calm(page)
            return _since(began)


CASES: dict[str, Callable[[Browser, Path], float]] = {
    "restart": restart,
    "502": bad_gateway,
    "expiry": expiry,
    "ten tabs": tabs,
    "250 viewers": viewers,
}


def table(found: dict[str, float]) -> str:
    """Return the table that the issue asks for."""
    lines = [f"{name:<12} {seconds:>6.1f} s" for name, seconds in found.items()]
    return "\n".join(["until true again", *lines])

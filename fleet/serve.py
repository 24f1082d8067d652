"""`passerelle fleet serve`: ingest, engine, pages, API and outbox in one process, until SIGTERM.

    main thread    uvicorn's event loop: pages, API, live feed, the outbox worker
    engine thread  messages and cycles
    objects        the LNS's uplink events, if there are any (two threads)
    closer thread  months that are due
    keeper thread  revoked gateways are out, proved at the broker
    watchdog       ends the process when engine or event loop stand still
    MQTT thread    the broker link
Stopping: the link leaves the broker, the engine stores what it has, pages are let go, then the process ends.
"""

import asyncio
import contextlib
import ipaddress
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import structlog
import uvicorn
from anyio import to_thread

from fleet import outbox_worker as worker
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.clock import FleetClock, SystemClock
from fleet.db.connect import Database
from fleet.db.migrate import upgrade
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.engine.watchdog import Ticks, Watchdog
from fleet.errors import SettingsError
from fleet.identity.foundation import broker_files, read_keys
from fleet.identity.keeper import Keeper
from fleet.identity.revocation import BrokerDoor
from fleet.live.feed import Feed
from fleet.months.closer import Closer
from fleet.objects.uplinks import EventsBroker, Uplinks, parse_events_url
from fleet.settings import Settings, read_settings
from fleet.web.app import make_app
from fleet.web.connections import BoundedConnection
from fleet.web.process_parts import Parts

STOP_LIMIT_S = 10
"""For requests and for the engine's last batch each."""

STOP_HARD_S = 25
"""Then a page that still computes is cut off; below the 90 s of systemd's own patience."""

PAGE_THREADS = 8
"""Pages, forms and files that are worked on at once; the engine shares the interpreter with them."""

log = structlog.get_logger("fleet")


class _Server(uvicorn.Server):
    """Leaves signals to us, so that the other parts stop in good order too."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def run(data: Path, *, host: str, port: int, open_access: bool) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: no fleet in ``data``, or open access on an address that others reach.
    """
    if open_access and not is_loopback(host):
        raise SettingsError(f"--open-access: only with --host 127.0.0.1, {host} is reachable by others")
    settings = msgspec.structs.replace(read_settings(data), host=host, port=port, open_access=open_access)
    worker.check(settings)
    events = parse_events_url(settings.lns_events_url) if settings.lns_events_url else None
    _log_to_stderr()
    asyncio.run(_serve(settings, _listen(host, port), events))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("0.0.0.0")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError(f"--port: cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def assemble(settings: Settings) -> Parts:
    """Return the parts of one process, none of them started."""
    database = Database(settings.database_url)
    upgrade(database)
    clock, inbox, feed = FleetClock(SystemClock()), Inbox(), Feed()
    keys = read_keys(settings.data)
    link = BrokerLink(settings.broker, settings.keys, inbox, clock)
    engine = Engine(
        database=database,
        link=link,
        inbox=inbox,
        feed=feed,
        clock=clock,
        terms=Terms(
            signing=keys.signing,
            contract=settings.contract,
            retention=settings.retention,
            escalation=settings.escalation,
        ),
    )
    return Parts(
        settings=settings,
        database=database,
        feed=feed,
        clock=clock,
        keys=keys,
        engine=engine,
        link=link,
        inbox=inbox,
        keeper=Keeper(
            database,
            BrokerDoor(broker=settings.broker, files=broker_files(settings.data), authority=keys.authority),
            clock,
        ),
    )


async def _serve(settings: Settings, listener: socket.socket, events: EventsBroker | None) -> None:
    to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
    parts = assemble(settings)
    server = _server(parts)
    loop = asyncio.get_running_loop()
    closer = _closer(parts)
    ticks = Ticks()
    watchdog = Watchdog({"engine": parts.engine.progress, "pages": lambda: ticks.count})

    def stop() -> None:
        _end_at_last()
        parts.feed.close()
        for part in (watchdog, parts.engine, closer, parts.keeper):
            part.stop()
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    thread = threading.Thread(target=parts.engine.run, name="engine", daemon=True)
    thread.start()
    ticking = asyncio.create_task(ticks.run())
    watchdog.start()
    for name, run_ in (("closer", closer.run), ("keeper", parts.keeper.run)):
        threading.Thread(target=run_, name=name, daemon=True).start()
    parts.link.start()
    uplinks = Uplinks(parts.database, parts.clock)
    if events is not None:
        uplinks.start(events)
    outbox = asyncio.create_task(worker.run(parts.database, settings, parts.clock))
    outbox.add_done_callback(_tell_end)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    _tell_address(settings, None if serving.done() else listener)
    watchdog.ready()
    await serving
    watchdog.stop()
    outbox.cancel()
    ticking.cancel()
    parts.link.stop()
    await asyncio.to_thread(uplinks.stop)
    parts.inbox.close()
    await asyncio.to_thread(thread.join, STOP_LIMIT_S)
    parts.database.close()
    log.info("stopped", cycles=parts.engine.health.cycles)


def _server(parts: Parts) -> _Server:
    app = make_app(parts)
    return _Server(
        uvicorn.Config(
            app,
            http=BoundedConnection,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_LIMIT_S,
        )
    )


def _closer(parts: Parts) -> Closer:
    return Closer(
        database=parts.database,
        clock=parts.clock,
        in_flight=lambda: parts.inbox.waiting,
        clock_is_sure=lambda: parts.engine.health.clock.is_sure,
        settings=parts.settings.contract,
    )


def _tell_address(settings: Settings, listener: socket.socket | None) -> None:
    host, port = (settings.host, settings.port) if listener is None else listener.getsockname()[:2]
    print(f"Passerelle : http://{host}:{port}/", flush=True)


def _end_at_last() -> None:
    """Let nothing hold the process for longer than ``STOP_HARD_S``: what was acknowledged is committed."""
    watchdog = threading.Timer(STOP_HARD_S, os._exit, (1,))
    watchdog.daemon = True
    watchdog.start()


def _tell_end(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("outbox_ended", error=str(task.exception()))


def _log_to_stderr() -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )

"""`passerelle fleet serve`: ingest, engine, pages, API and outbox in one process, until SIGTERM.

    main thread    uvicorn's event loop: pages, API, live feed, the outbox worker
    engine thread  messages and cycles
    objects        the LNS's uplink events, if there are any (two threads)
    closer thread  months that are due
    a child        one month or report at a time, in a process of its own (``fleet.child``)
    keeper thread  revoked gateways are out, proved at the broker
    leadership     the lock of the database server still holds
    watchdog       ends the process when engine or event loop stand still
    MQTT thread    the broker link
Starting: the port answers at once, 503 and what is waited for (``fleet.web.gate``): the database, or another
`fleet serve` that leads.  Nothing is written before, and there is no last try.
Stopping: the link leaves the broker, the engine stores what it has, pages are let go, then the process ends.
"""

import asyncio
import os
import signal
import socket
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import msgspec
import structlog
from anyio import to_thread
from sqlalchemy.exc import SQLAlchemyError

from agent.wire.log_limit import LogLimit, never_failing
from fleet import outbox_worker as worker
from fleet.broker.inbox import Inbox
from fleet.broker.link import BrokerLink
from fleet.child.process import Child
from fleet.clock import FleetClock, SystemClock
from fleet.configurations.certificates import issued_ends
from fleet.db.connect import CommitUnsure, Database, first_line
from fleet.db.leadership import Leadership, NoLongerLeader, StandBy
from fleet.engine.cycle import Terms
from fleet.engine.engine import Engine
from fleet.engine.watchdog import Ticks, Watchdog
from fleet.errors import SettingsError
from fleet.evidence import restarts
from fleet.identity.foundation import broker_files, read_keys
from fleet.identity.keeper import Keeper
from fleet.identity.revocation import BrokerDoor
from fleet.identity.seal_keys import found
from fleet.identity.seal_watch import SealWatch
from fleet.lang.i18n import t
from fleet.live.feed import Feed
from fleet.months.closer import Closer
from fleet.months.stamping import Stamper
from fleet.months.timestamp import read_authority
from fleet.objects.uplinks import EventsBroker, Uplinks, parse_events_url
from fleet.paging import plan_gaps
from fleet.settings import Settings, read_settings
from fleet.trust.repository import Repository
from fleet.web.app import make_app
from fleet.web.connections import is_loopback, listen, make_server
from fleet.web.gate import Gate, WaitsFor
from fleet.web.process_parts import Parts
from fleet.web.proxies import TrustedProxies, parse_proxies

STOP_LIMIT_S = 10
"""For requests and for the engine's last batch each."""

STOP_HARD_S = 25
"""Then a page that still computes is cut off; below the 90 s of systemd's own patience."""

KEEP_EVERY_S = 5.0
"""Between two looks at the lock of the database server."""
PRIVATE_UMASK = 0o077
"""The database and whatever else is written is for our own user alone, started by a unit or by hand."""

PAGE_THREADS = 8
"""Pages, forms and files that are worked on at once; the engine shares the interpreter with them."""

log = structlog.get_logger("fleet")


class Stoppable(Protocol):
    """A part that ends when it is told to."""

    def stop(self) -> None: ...


def run(data: Path, *, host: str, port: int, open_access: bool) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        SettingsError: no fleet in ``data``, or open access on an address that others reach.
    """
    if open_access and not is_loopback(host):
        raise SettingsError(f"--open-access: only with --host 127.0.0.1, {host} is reachable by others")
    settings = msgspec.structs.replace(read_settings(data), host=host, port=port, open_access=open_access)
    os.umask(PRIVATE_UMASK)
    worker.check(settings)
    parse_proxies(settings.proxies)
    read_authority(settings.timestamp_url, settings.timestamp_ca)
    events = parse_events_url(settings.lns_events_url) if settings.lns_events_url else None
    _log_to_stderr()
    if settings.public_url.startswith("https://") and not is_loopback(host):
        log.warning("reachable_without_proxy", host=host, what=t("fr", "proxy.open", host=host))
    asyncio.run(_serve(settings, listen(host, port), events))


class _Process:
    """One `fleet serve`: it waits until it may lead, then runs every part until it is stopped."""

    def __init__(self, settings: Settings, events: EventsBroker | None) -> None:
        self.gate = Gate()
        self.proxies = TrustedProxies(self.gate, settings.proxies, settings.public_url)
        self.server = make_server(self.proxies, STOP_LIMIT_S)
        self.parts: Parts | None = None
        self.ticks = Ticks()
        self._settings, self._events = settings, events
        self._database = Database(settings.database_url, settings.seals)
        self._leadership = Leadership(self._database, settings.data)
        self._stopping = threading.Event()
        self._told_to_stop = asyncio.Event()
        self.watchdog = Watchdog({"engine": self._progress, "pages": lambda: self.ticks.count})
        self._to_stop: list[Stoppable] = []

    def _progress(self) -> object:
        """Return what moves while the engine works; while we wait, the event loop."""
        return self.ticks.count if self.parts is None else self.parts.engine.progress()

    def stop(self) -> None:
        """End in good order."""
        _end_at_last()
        self._stopping.set()
        self._told_to_stop.set()
        for part in (self.watchdog, *self._to_stop):
            part.stop()
        if self.parts is not None:
            self.parts.feed.close()
        self.server.should_exit = True

    def wait_to_lead(self) -> bool:
        """Return once nobody else leads and the database is as we need it; False: stopped before."""
        found = self._leadership.wait(self._stopping, self._waits)
        if found:
            log.info("leads", database=self._database.dialect)
        return found

    def _waits(self, error: Exception) -> None:
        reason = WaitsFor.LEADER if isinstance(error, StandBy) else WaitsFor.DATABASE
        detail = first_line(error)
        if self.gate.waiting(reason, detail):
            log.warning("waits", waits_for=reason.value, detail=detail)

    def keep_leading(self) -> None:
        """Look after the lock until stopped; stop the process when another leads."""
        while not self._stopping.wait(KEEP_EVERY_S):
            try:
                self._leadership.keep()
            except (StandBy, NoLongerLeader) as other:
                log.error("leads_no_longer", reason=str(other))
                os.kill(os.getpid(), signal.SIGTERM)
                return

    async def lead(self) -> None:
        """Run every part until the server ends."""
        parts = assemble(self._settings, self._database)
        parts = self.parts = replace(parts, proxy_faults=self.proxies.counts)
        closer = _closer(parts)
        self._to_stop += [parts.engine, closer, parts.keeper, parts.child]
        engine = threading.Thread(target=parts.engine.run, name="engine", daemon=True)
        engine.start()
        works = {"closer": closer.run, "keeper": parts.keeper.run, "leadership": self.keep_leading}
        for name, run_ in works.items():
            threading.Thread(target=run_, name=name, daemon=True).start()
        parts.link.start()
        uplinks = Uplinks(parts.database, parts.clock, parts.engine.outgoing.neighbours.recent)
        if self._events is not None:
            uplinks.start(self._events)
        outbox = asyncio.create_task(worker.run(parts.database, self._settings, parts.clock))
        outbox.add_done_callback(_tell_end)
        self.gate.open(make_app(parts))
        await self._told_to_stop.wait()
        outbox.cancel()
        parts.link.stop()
        await asyncio.to_thread(uplinks.stop)
        parts.inbox.close()
        await asyncio.to_thread(engine.join, STOP_LIMIT_S)
        _note_stop(parts)
        log.info("stopped", cycles=parts.engine.health.cycles)

    def close(self) -> None:
        """Let another process lead, once nothing writes any more."""
        self._leadership.release()
        self._database.close()


def assemble(settings: Settings, database: Database) -> Parts:
    """Return the parts of one process, none of them started."""
    clock, inbox, feed = FleetClock(SystemClock()), Inbox(), Feed()
    with database.write() as connection:
        if restarts.note_start(connection, clock.now_us()):
            log.warning("ended_unasked", before="the process before this did not stop in good order")
    keys = read_keys(settings.data)
    if sealed := found(database, settings.seals):
        log.warning("rows_sealed", tables=",".join(sealed))
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
            quarantine=settings.quarantine,
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
        child=Child(settings.database_url, settings.contract),
        keeper=Keeper(
            database,
            BrokerDoor(broker=settings.broker, files=broker_files(settings.data), authority=keys.authority),
            clock,
            renewed=link.use_renewed,
            clock_is_sure=lambda: engine.health.clock.is_sure,
            declared=settings.ends.credentials(),
            issued=lambda: (*issued_ends(database), *Repository(settings.data).ends()),
            tell=lambda soon: plan_gaps.write_ends(database, soon, clock.now_us()),
            seals=SealWatch(database, settings.seals, clock),
        ),
    )


async def _serve(settings: Settings, listener: socket.socket, events: EventsBroker | None) -> None:
    to_thread.current_default_thread_limiter().total_tokens = PAGE_THREADS
    process = _Process(settings, events)
    loop, server = asyncio.get_running_loop(), process.server
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, process.stop)
    ticking = asyncio.create_task(process.ticks.run())
    process.watchdog.start()
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    process.watchdog.ready()
    try:
        if await asyncio.to_thread(process.wait_to_lead):
            leading = asyncio.create_task(process.lead())
            await process.gate.opened.wait()
            _tell_address(settings, None if serving.done() else listener)
            await leading
    finally:
        server.should_exit = True
        await serving
        process.watchdog.stop()
        ticking.cancel()
        process.close()


def _note_stop(parts: Parts) -> None:
    """Note that this was an orderly stop; without a database the next start counts a crash."""
    try:
        with parts.database.write() as connection:
            restarts.note_stop(connection, parts.clock.now_us())
    except (SQLAlchemyError, CommitUnsure) as error:
        log.warning("stop_not_noted", error=str(error))


def _closer(parts: Parts) -> Closer:
    authority = read_authority(parts.settings.timestamp_url, parts.settings.timestamp_ca)
    return Closer(
        database=parts.database,
        clock=parts.clock,
        inbox=parts.inbox,
        clock_is_sure=lambda: parts.engine.health.clock.is_sure,
        settings=parts.settings.contract,
        reckoner=parts.child,
        stamper=None if authority is None else Stamper(parts.database, parts.clock, authority),
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
            LogLimit(SystemClock().monotonic_us, structlog.DropEvent),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        logger_factory=structlog.WriteLoggerFactory(never_failing(sys.stderr)),
    )

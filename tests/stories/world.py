"""A small fleet whose time the story moves: the real tables, rules, cycle, outbox and pages; no network.

``Village`` builds communes and gateways; ``world.lose(…)``, ``world.restore(…)`` say what telemetry shows,
``world.pass_time(…)`` runs the cycle as the engine does, once a second where something is due.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import Connection, insert, select

from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.facts.settings import DEFAULTS, ContractSettings
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.incidents.rules import STABLE_US
from fleet.lang.paris import PARIS
from fleet.live.feed import Feed, LiveUpdate
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.notify import outbox
from fleet.notify.model import Channel, NotSent, Outgoing
from fleet.notify.tables import outbox as outbox_table
from fleet.oncall import store as oncall
from fleet.outbox_worker import Worker
from fleet.registry import tables as registry
from fleet.response import cycle
from fleet.tickets import actions
from fleet.tickets import store as tickets
from fleet.tickets.model import Event, StepRefused, Ticket
from fleet.tickets.tables import timers as timer_table
from fleet.web import incident_views as views
from fleet.web.process_parts import Parts
from tests.unit.fleet.web.process import parts_over, settings_of

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


def paris(text: str) -> int:
    """Return the instant of a Paris wall-clock time such as ``2026-11-22 02:13:48``."""
    from datetime import datetime

    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp()) * SECOND


@dataclass
class Clock:
    """The story's clock."""

    at_us: int

    def now_us(self) -> int:
        return self.at_us

    def monotonic_us(self) -> int:
        return self.at_us


@dataclass
class Postman:
    """Takes every message; refuses those whose address is in ``refusing``."""

    taken: list[Outgoing] = field(default_factory=list)
    refusing: dict[str, NotSent] = field(default_factory=dict)

    def __call__(self, message: Outgoing, now_us: int) -> str:
        if message.address in self.refusing:
            raise self.refusing[message.address]
        self.taken.append(message)
        return f"provider-{len(self.taken)}"


@dataclass
class World:
    """One fleet in one story."""

    database: Database
    clock: Clock
    postman: Postman
    folder: Path
    settings: ContractSettings = DEFAULTS
    gateways: dict[str, GatewayNow] = field(default_factory=dict)
    communes: dict[str, CommuneNow] = field(default_factory=dict)
    proved: dict[str, Cause] = field(default_factory=dict)
    """What the last loss of a gateway turned out to be, by EUI."""

    # --- what exists -----------------------------------------------------------------------------
    def commune(
        self, insee: str, name: str, *euis: str, epci: str = "Touraine-Est Vallées", **box: str
    ) -> None:
        """Add a commune with one gateway an EUI, each on a site of its own."""
        with self.database.write() as connection:
            connection.execute(insert(registry.communes).values(insee=insee, name=name, epci=epci))
            for eui in euis:
                site_id = self._site(connection, insee, name, eui)
                self.gateways[eui] = GatewayNow(
                    eui=eui,
                    name=f"{name} {eui}",
                    site_id=site_id,
                    commune_insee=insee,
                    state=GatewayState.SERVING,
                    since_us=self.clock.at_us - DAY,
                    proved=True,
                    config_version=1,
                    **box,
                )
        self.communes[insee] = CommuneNow(
            insee=insee,
            name=name,
            epci=epci,
            population=1000,
            state=CommuneState.SERVED,
            since_us=self.clock.at_us - DAY,
            members=tuple(euis),
            serving=tuple(euis),
        )

    def _site(self, connection: Connection, insee: str, name: str, eui: str) -> int:
        values = {
            "key": f"site-{eui}",
            "name": f"Église {eui}",
            "commune_insee": insee,
            "kind": "church",
            "address": f"1 place de l'Église, {name}",
            "lat": 47.35,
            "lon": 0.8457,
            "access_notes": "Clé à la mairie, code 4711",
        }
        statement = insert(registry.sites).values(**values).returning(registry.sites.c.id)
        site_id = int(connection.execute(statement).scalar_one())
        connection.execute(insert(registry.gateways).values(eui=eui, name=f"{name} {eui}", site_id=site_id))
        return site_id

    def needs(self, eui: str, *needs: str) -> None:
        """Say what an intervention on a gateway's site takes."""
        with self.database.write() as connection:
            mine = registry.sites.c.key == f"site-{eui}"
            connection.execute(registry.sites.update().where(mine).values(needs=list(needs)))

    def people(self, *names: str, **more: object) -> None:
        """Add technicians, each with a mail address of their first name."""
        rows = [{"name": name, "email": f"{name.split()[0].lower()}@example.fr"} | more for name in names]
        with self.database.write() as connection:
            oncall.import_people(connection, rows)

    def duty(self, *rows: dict[str, object]) -> None:
        """Add spans and rotations."""
        with self.database.write() as connection:
            oncall.import_on_call(connection, rows)

    # --- what telemetry shows --------------------------------------------------------------------
    def set(
        self, euis: Iterable[str], state: GatewayState, since_us: int | None = None, **values: object
    ) -> None:
        """Put gateways in a state since an instant (now, if none)."""
        for eui in euis:
            since = self.clock.at_us if since_us is None else since_us
            self.gateways[eui] = replace(self.gateways[eui], state=state, since_us=since, **values)
        self._communes()

    def lose(self, *euis: str, cause: Cause = Cause.UNKNOWN, since_us: int | None = None) -> None:
        """Let gateways fall silent."""
        self.set(euis, GatewayState.DOWN, since_us, cause=cause, proved=False)

    def restore(self, *euis: str) -> None:
        """Let gateways serve again."""
        self.set(euis, GatewayState.SERVING, cause=Cause.NONE, proved=True)

    def _communes(self) -> None:
        for insee, commune in self.communes.items():
            states = {eui: self.gateways[eui].state for eui in commune.members}
            serving = tuple(eui for eui, state in states.items() if state is GatewayState.SERVING)
            state = CommuneState.SERVED if serving else CommuneState.LOST
            if not serving and GatewayState.UNKNOWN in states.values():
                state = CommuneState.UNKNOWN
            elif not serving and GatewayState.MAINTENANCE in states.values():
                state = CommuneState.EXCLUDED
            sinces = [self.gateways[eui].since_us for eui in commune.members]
            since_us = commune.since_us
            if state is not commune.state:
                since_us = max(sinces) if state is CommuneState.LOST else self.clock.at_us
            self.communes[insee] = replace(commune, state=state, serving=serving, since_us=since_us)

    def network(self) -> NetworkNow:
        """Return what the engine would hand to the cycle."""
        return NetworkNow(at_us=self.clock.at_us, gateways=dict(self.gateways), communes=dict(self.communes))

    # --- time ------------------------------------------------------------------------------------
    def cycle(self) -> None:
        """Run one cycle now and send what it wrote."""
        with self.database.write() as connection:
            cycle.run(
                connection,
                self.network(),
                self.clock.at_us,
                settings=self.settings,
                cause_of=lambda eui, _: self.proved.get(eui, Cause.NONE),
            )
        self.send()

    def pass_time(self, length_us: int, every_us: int | None = None) -> None:
        """Let time pass, with a cycle at each instant where something may be due, and a second later.

        With ``every_us``: at that pace instead, as the engine does with one second.
        """
        end_us = self.clock.at_us + length_us
        while self.clock.at_us < end_us:
            next_us = self.clock.at_us + every_us if every_us else self._next_due_us()
            for at_us in (next_us, next_us + SECOND):
                if self.clock.at_us < at_us <= end_us:
                    self.clock.at_us = at_us
                    self.cycle()
            if next_us > end_us:
                self.clock.at_us = end_us
                self.cycle()

    def _next_due_us(self) -> int:
        now_us = self.clock.at_us
        with self.reading() as connection:
            timers = connection.execute(
                select(timer_table.c.due_at_us).where(timer_table.c.done_at_us.is_(None))
            )
            waiting = connection.execute(
                select(outbox_table.c.due_at_us).where(outbox_table.c.state == "pending")
            )
            found = [*timers.scalars(), *waiting.scalars()]
        for gateway in self.gateways.values():
            found += [gateway.since_us + self.settings.silence_confirmed_us, gateway.since_us + STABLE_US]
        return min((at_us for at_us in found if at_us > now_us), default=now_us + 365 * DAY)

    def send(self) -> None:
        """Send what is due."""
        worker = self.worker()
        while claimed := worker.claim():
            for message in claimed:
                worker.deliver(message)

    def worker(self) -> Worker:
        """Return a worker whose messages the postman takes."""
        return Worker(
            database=self.database,
            clock=self.clock,
            public_url="https://passerelle.example",
            secret=b"s" * 32,
            senders=dict.fromkeys(Channel, self.postman),
        )

    def enable(self, *ways: Channel) -> None:
        """Set up more ways out than mail."""
        with self.database.write() as connection:
            outbox.enable_channels(connection, [Channel.MAIL, *ways], self.clock.at_us)

    def sms(self, address: str = "") -> list[str]:
        """Return the SMS that were sent, oldest first, with plain spaces."""
        found = [one for one in self.postman.taken if one.channel is Channel.SMS]
        return [plain(one.text) for one in found if not address or one.address == address]

    # --- what came of it -------------------------------------------------------------------------
    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a transaction to look with."""
        with self.database.read() as connection:
            yield connection

    def act(self, ticket_id: int, event: Event) -> Ticket | StepRefused:
        """Let somebody act on a ticket now."""
        with self.database.write() as connection:
            return actions.act(connection, ticket_id, event, self.clock.at_us)

    def incidents(self) -> tuple[views.IncidentLine, ...]:
        """Return all incidents, newest first."""
        with self.reading() as connection:
            return views.recent_incidents(connection, self.clock.at_us)

    def open(self) -> tuple[views.IncidentLine, ...]:
        """Return open incidents, most urgent first."""
        with self.reading() as connection:
            return views.open_incidents(connection, self.clock.at_us)

    def ticket(self, ticket_id: int = 1) -> Ticket:
        """Return one ticket."""
        with self.reading() as connection:
            return tickets.get(connection, ticket_id)

    def trail(self, ticket_id: int = 1) -> list[str]:
        """Return the kinds of the audit trail, oldest first."""
        with self.reading() as connection:
            return [event.kind for event in tickets.events(connection, ticket_id)]

    def mails(self, address: str = "") -> list[str]:
        """Return the subjects that were sent, oldest first, with plain spaces."""
        found = [one for one in self.postman.taken if one.channel is Channel.MAIL]
        return [plain(one.subject) for one in found if not address or one.address == address]

    def written(self) -> int:
        """Return how many messages the outbox holds, sent or not."""
        with self.reading() as connection:
            return len(connection.execute(select(outbox_table.c.id)).all())

    def notifications(self, ticket_id: int = 1):  # type: ignore[no-untyped-def]
        """Return the messages a ticket's page shows."""
        with self.reading() as connection:
            return outbox.of_ticket(connection, ticket_id)

    def link(self, address: str = "") -> str:
        """Return the token of the newest acknowledge link sent."""
        text = next(one.text for one in reversed(self.postman.taken) if not address or one.address == address)
        return text.split("/a/")[1].split()[0]

    def parts(self) -> Parts:
        """Return what the routes share."""
        world = self

        class WorldFeed(Feed):
            @property
            def latest(self) -> LiveUpdate:
                return LiveUpdate(cycle=1, network=world.network())

        settings = settings_of(self.folder, self.database, "https://passerelle.example")
        settings.keys.mkdir(exist_ok=True)
        (settings.keys / "links.key").write_bytes(b"s" * 32)
        return parts_over(settings, self.database, self.clock, feed=WorldFeed())


def plain(text: str) -> str:
    """Return the text with plain spaces and apostrophes, for reading in a test."""
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace("’", "'")


def new_world(folder: Path, at: str = "2026-11-22 02:13:48", url: str = "") -> World:
    """Return an empty fleet at a Paris time, on SQLite or where ``url`` says."""
    database = Database(url or sqlite_url(folder / "fleet.db"))
    create_schema(database)
    return World(database=database, clock=Clock(paris(at)), postman=Postman(), folder=folder)

"""Database, broker and fleet manager in any order, each restarted under load, and two managers by mistake.

Everything is a process of its own: PostgreSQL, Mosquitto, `passerelle fleet serve`.
"""

import signal
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import func, select

from agent.wire.messages import Change, JournalBatch, JournalRecord, TimeQuality, encode
from demo.ports import free_port
from fleet.broker.mosquitto import let_one_speak_for_many
from fleet.db.connect import Database
from fleet.db.migrate import upgrade
from fleet.evidence.tables import journal_progress, journal_records
from fleet.registry import document
from fleet.registry import store as registry
from tests.contract.fleet_process import STOP_LIMIT_S, FleetProcess, Served, until
from tests.postgresql import postgresql
from tests.unit.fleet.founded import DOCUMENT, EUIS, NOW_US

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[FleetProcess]:
    made = FleetProcess(tmp_path)
    yield made
    made.end()


def page(served: Served, path: str = "/") -> tuple[int, str, str | None]:
    """Return status, text and Retry-After of a page."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{served.port}{path}", timeout=60) as answer:
            return answer.status, answer.read().decode(), answer.headers.get("Retry-After")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers.get("Retry-After")


def wait_for(served: Served, what: str) -> dict[str, object]:
    """Return its health once it says that it waits for ``what``."""
    return dict(
        until(f"waits for {what}", lambda: served.health().get("waits_for") == what and served.health())
    )


class Relay:
    """A way to a server that can be cut: every connection ends, and none begins."""

    def __init__(self, target: str) -> None:
        self.port = free_port()
        self._target = target
        self._listener: socket.socket | None = None
        self._lines: list[socket.socket] = []

    def open(self) -> None:
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        self._lines.clear()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                ours, _ = listener.accept()
            except OSError:
                return
            theirs = socket.socket(socket.AF_UNIX)
            theirs.connect(self._target)
            self._lines += [ours, theirs]
            for source, sink in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for line in (source, sink):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def cycles(served: Served) -> int:
    return int(served.health().get("cycles", 0))


def test_the_broker_comes_late_and_is_restarted(fleet: FleetProcess) -> None:
    served = fleet.serve()
    until("cycles without a broker", lambda: cycles(served) >= 2)
    health = served.health()
    assert health["ok"] is False
    assert any(wrong.startswith("broker: ") for wrong in health["wrong"])
    broker = fleet.start_broker()
    served.until_well()
    epoch = served.health()["broker_epoch"]
    broker.kill()
    broker.wait()
    until("sees that it is away", lambda: not served.health()["broker_connected"])
    fleet.start_broker()
    assert served.until_well()["broker_epoch"] > epoch


def test_a_second_serve_stands_by_says_so_and_takes_over(fleet: FleetProcess) -> None:
    fleet.start_broker()
    first = fleet.serve()
    first.until_well()
    second = fleet.serve()
    health = wait_for(second, "leader")
    assert f"process {first.process.pid}" in str(health["detail"])
    status, text, retry = page(second)
    assert (status, retry) == (503, "5")
    assert text.index("est déjà en service") < text.index("is in service already")
    assert "waits_for='leader'" in second.log
    before = cycles(first)
    until("the first goes on", lambda: cycles(first) > before)
    assert page(second, "/api/v1/gateways")[0] == 503
    first.process.kill()
    first.process.wait()
    second.until_well()
    assert page(second)[0] == 200
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(STOP_LIMIT_S) == 0


def test_a_serve_that_waits_ends_on_sigterm(fleet: FleetProcess) -> None:
    fleet.start_broker()
    fleet.serve().until_well()
    second = fleet.serve()
    wait_for(second, "leader")
    second.process.send_signal(signal.SIGTERM)
    assert second.process.wait(STOP_LIMIT_S) == 0


class Load:
    """Journal records of one gateway, one after the other, over the broker until stopped."""

    def __init__(self, fleet: FleetProcess) -> None:
        keys = fleet.data / "keys"
        context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
        context.load_cert_chain(str(keys / "fleet.pem"), str(keys / "fleet.key"))
        self.sent = 0
        self._stopping = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="load", clean_session=False)
        self._client.tls_set_context(context)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", fleet.broker_port, 30)
        self._client.loop_start()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(0.05):
            self.sent += 1
            record = JournalRecord(
                7, self.sent, self.sent * 1000, NOW_US, TimeQuality.NTP, Change.RADIO, "radio", "OFF", ""
            )
            payload = encode(JournalBatch((record,)))
            self._last = self._client.publish(f"vdl/1/{EUIS[0]}/journal", payload, 1)

    def stop(self) -> int:
        """Return how many records were sent, once the broker has them."""
        self._stopping.set()
        self._thread.join()
        self._last.wait_for_publish(60)
        self._client.disconnect()
        self._client.loop_stop()
        return self.sent


def settled(database: Database) -> tuple[int, int]:
    """Return how many records are stored, and through which number the journal is settled."""
    with database.read() as connection:
        stored = connection.scalar(select(func.count()).select_from(journal_records)) or 0
        return stored, connection.scalar(select(journal_progress.c.through_seq)) or 0


def test_postgresql_comes_late_and_database_and_broker_are_lost_under_load(tmp_path: Path) -> None:
    with postgresql() as server, closing(Database(server.get_uri())) as database:
        upgrade(database)
        with database.write() as connection:
            read = document.read_document(msgspec.json.encode(DOCUMENT), registry.known_keys(connection))
            registry.apply_document(connection, read, who="test", now_us=NOW_US)
        relay = Relay(f"{server.pgdata}/.s.PGSQL.5432")
        address = f"postgresql+psycopg://postgres@127.0.0.1:{relay.port}/postgres"
        fleet = FleetProcess(tmp_path, database_url=address)
        let_one_speak_for_many(fleet.data / "mosquitto" / "mosquitto.conf")
        try:
            _late_and_lost(fleet, relay, database)
        finally:
            fleet.end()
            relay.cut()


def _late_and_lost(fleet: FleetProcess, relay: Relay, database: Database) -> None:
    served = fleet.serve()
    wait_for(served, "database")
    status, text, _ = page(served)
    assert status == 503
    assert text.index("attend la base de données") < text.index("waiting for the database")
    broker = fleet.start_broker()
    relay.open()
    served.until_well()
    load = Load(fleet)
    until("records come in", lambda: settled(database)[0] > 20)
    relay.cut()
    until("says so", lambda: any(one.startswith("database: ") for one in served.health().get("wrong", ())))
    assert served.health()["ok"] is False
    assert page(served)[0] == 503
    relay.open()
    served.until_well()
    broker.terminate()
    broker.wait()
    fleet.start_broker()
    served.until_well()
    sent = load.stop()
    until("every record", lambda: settled(database) == (sent, sent))
    assert served.process.poll() is None
    assert "leads_no_longer" not in served.log

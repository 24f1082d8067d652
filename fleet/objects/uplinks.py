"""Subscription to the LNS's uplink events: one MQTT thread in, one writer out, a bounded set between.

    MQTT thread → read_event (pure) → days in memory ── every FLUSH_S ──▶ table ``object_months``

An object is written once a flush, however often it reports.  A process that is killed loses at most
``FLUSH_S`` of events; each object has a whole day to be heard again.
"""

import threading
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy.exc import SQLAlchemyError

from fleet.broker.link import KEEPALIVE_S, RECONNECT_MAX_S, RECONNECT_MIN_S
from fleet.clock import Clock
from fleet.db.connect import Database
from fleet.errors import SettingsError
from fleet.objects.events import TOPIC, EventError, Report, minutes_heard, read_event
from fleet.objects.recent import RecentUplinks
from fleet.objects.store import store_days, store_heard
from fleet.tls import servers_of_others

VARIABLE = "PASSERELLE_LNS_EVENTS_URL"
SESSION = "passerelle-fleet-objects"
FLUSH_S = 5.0
PENDING_LIMIT = 400_000
"""Objects and days that wait to be written: 300,000 sensors promised for 2030 (AMI 1.2), at midnight."""
HEARD_LIMIT = 20_000
"""Gateways and hours that wait to be written: 1,615 gateways over twelve hours."""
WRITE_LIMIT_ROWS = 5_000
"""Rows of one transaction, so that the engine's cycle never waits for long."""

log = structlog.get_logger("fleet.objects")


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsBroker:
    """Where the LNS publishes its events."""

    host: str
    port: int
    tls: bool
    user: str = ""
    password: str = ""


def parse_events_url(url: str) -> EventsBroker:
    """Return the broker of ``mqtt[s]://[user:password@]host[:port]``; a password is never repeated.

    >>> parse_events_url("mqtt://chirpstack").port
    1883

    Raises:
        SettingsError: another scheme, or no host.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise SettingsError(f"{VARIABLE}: the port is not a number up to 65535") from None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise SettingsError(f"{VARIABLE}: not mqtts://user:password@host:port or mqtt://host:port")
    tls = parts.scheme == "mqtts"
    return EventsBroker(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        tls=tls,
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )


@dataclass(frozen=True, slots=True)
class _Heard:
    """What waits to be written of one object and day."""

    heard_at_us: int
    frames: int
    """Frames of which the LNS said which gateways heard them."""
    frames_redundant: int

    def joined(self, other: "_Heard | None") -> "_Heard":
        """Return both together."""
        if other is None:
            return self
        return _Heard(
            max(self.heard_at_us, other.heard_at_us),
            self.frames + other.frames,
            self.frames_redundant + other.frames_redundant,
        )


def _of(report: Report) -> _Heard:
    return _Heard(report.at_us, int(len(report.gateways) > 0), int(len(report.gateways) > 1))


class Uplinks:
    """Takes events in and writes days; counts what it cannot use."""

    def __init__(self, database: Database, clock: Clock, recent: RecentUplinks | None = None) -> None:
        self._database = database
        self._clock = clock
        self._recent = recent or RecentUplinks()
        self._lock = threading.Lock()
        self._pending: dict[tuple[str, str], _Heard] = {}
        self._counted: dict[str, int] = {}
        self._heard: dict[tuple[str, int], int] = {}
        """In which minutes of an hour, by gateway, until the next flush."""
        self._stopping = threading.Event()
        self._client: paho.Client | None = None
        self.last_refusal = ""
        """Why the newest refused event was refused."""

    def start(self, broker: EventsBroker) -> None:
        """Begin to connect and to write, each in a thread of its own."""
        self._client = self._connecting(broker)
        threading.Thread(target=self._write, name="objects", daemon=True).start()

    def stop(self) -> None:
        """Leave the broker and write what waits."""
        self._stopping.set()
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            try:
                self.flush()
            except SQLAlchemyError:
                log.exception("objects_not_written")

    def take(self, topic: str, payload: bytes) -> None:
        """Take one event; one that cannot be used, or one beyond the limit, is counted."""
        try:
            report = read_event(topic, payload, self._clock.now_us())
        except EventError as error:
            self.last_refusal = str(error)
            self._count("object_events_refused")
            return
        self._recent.take(report)
        key = (report.day, report.dev_eui)
        with self._lock:
            full = key not in self._pending and len(self._pending) >= PENDING_LIMIT
            if not full:
                self._pending[key] = _of(report).joined(self._pending.get(key))
            self._note_heard(report)
        self._count("object_events_dropped" if full else "object_events")

    def _note_heard(self, report: Report) -> None:
        """Note through which gateways an uplink came; strangers beyond the limit are left out."""
        for key, bit in minutes_heard(report).items():
            if key in self._heard or len(self._heard) < HEARD_LIMIT:
                self._heard[key] = self._heard.get(key, 0) | bit

    def _flush_heard(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, {}
        if not heard:
            return
        try:
            with self._database.write() as connection:
                store_heard(connection, heard)
        except SQLAlchemyError:
            with self._lock:
                for key, bits in heard.items():
                    self._heard[key] = self._heard.get(key, 0) | bits
            raise

    def flush(self) -> None:
        """Write what waits; what a failure leaves is written the next time."""
        self._flush_heard()
        with self._lock:
            waiting, counted = self._pending, self._counted
            self._pending, self._counted = {}, {}
        rows = [
            {"day": day, "dev_eui": dev_eui, **asdict(heard)} for (day, dev_eui), heard in waiting.items()
        ]
        written = 0
        try:
            while written < len(rows) or counted:
                some = rows[written : written + WRITE_LIMIT_ROWS]
                with self._database.write() as connection:
                    store_days(connection, some, counted)
                written, counted = written + len(some), {}
        finally:
            self._give_back(rows[written:], counted)

    def _give_back(self, rows: list[dict[str, Any]], counted: dict[str, int]) -> None:
        with self._lock:
            for row in rows:
                key = (row["day"], row["dev_eui"])
                heard = _Heard(row["heard_at_us"], row["frames"], row["frames_redundant"])
                self._pending[key] = heard.joined(self._pending.get(key))
            for name, number in counted.items():
                self._counted[name] = self._counted.get(name, 0) + number

    def _count(self, name: str) -> None:
        with self._lock:
            self._counted[name] = self._counted.get(name, 0) + 1

    def _write(self) -> None:
        while not self._stopping.wait(FLUSH_S):
            try:
                self.flush()
            except Exception:
                log.exception("objects_not_written")

    def _connecting(self, broker: EventsBroker) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id=SESSION, clean_session=False)
        client.reconnect_delay_set(RECONNECT_MIN_S, RECONNECT_MAX_S)
        if broker.tls:
            client.tls_set_context(servers_of_others())
        if broker.user:
            client.username_pw_set(broker.user, broker.password or None)
        client.on_connect = _subscribe
        client.on_message = self._on_message
        client.connect_async(broker.host, broker.port, keepalive=KEEPALIVE_S)
        client.loop_start()
        return client

    def _on_message(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        if not message.retain:
            self.take(message.topic, bytes(message.payload))


def _subscribe(client: paho.Client, _userdata: Any, _flags: Any, code: Any, _properties: Any) -> None:
    if code.is_failure:
        log.warning("lns_events_refused", reason=str(code))
        return
    client.subscribe(TOPIC, qos=1)
    log.info("lns_events_connected")

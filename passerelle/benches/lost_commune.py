"""Communes of one gateway each, which fall deaf under an attack: how soon their page is out.

Each attack has its own commune.  Its gateway says by heartbeat that its radio is deaf; the loss is confirmed
after ``CONFIRMED_S`` instead of the contract's 90 s, so that an attack may be short.  The page is the mail to
who is on call, as it arrives at a mail server of ours.
"""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select

from agent.wire import topics
from agent.wire.messages import ConnectorBeat, Heartbeat, Radio, TimeQuality, encode
from demo.servers import Mailbox
from fleet.cli import commands
from fleet.cli.exchange import import_file
from fleet.durations import SECOND_US
from fleet.incidents.tables import incident_gateways, incidents
from fleet.oncall.store import import_people
from fleet.settings import read_founded, write_settings
from passerelle.figures import Figure

CONFIRMED_S = 10
INTERVAL_S = 2
"""Between two heartbeats of a commune's gateway."""
PAGE_TARGET_S = 30.0
PAGE_LIMIT_S = 90.0
"""An attack goes on for so long at most until the page is out."""
ON_CALL = {"name": "Astreinte", "email": "astreinte@exemple.fr"}


class LostCommunes:
    """Gateways that serve until they are told to fall deaf, and who is written to then."""

    def __init__(self, folder: Path, count: int) -> None:
        self.mailbox = Mailbox(folder / "mails")
        self.euis = [f"{0x0016C00300000000 + number:016x}" for number in range(count)]
        self._deaf: set[str] = set()
        self._data = folder

    def found(self, data: Path) -> dict[str, str]:
        """Register communes and who is on call; return the environment of the fleet manager."""
        self._data = data
        path = self.mailbox.folder.parent / "communes.json"
        path.write_text(json.dumps(_document(self.euis)))
        import_file(data, path, dry_run=False)
        founded = read_founded(data)
        contract = replace(founded.contract, silence_confirmed_us=CONFIRMED_S * SECOND_US)
        write_settings(data, msgspec.structs.replace(founded, contract=contract))
        _, database = commands.open_fleet(data)
        with contextlib.closing(database), database.write() as connection:
            import_people(connection, [ON_CALL])
        return {"PASSERELLE_SMTP_URL": f"smtp://127.0.0.1:{self.mailbox.port}"}

    @contextlib.contextmanager
    def beating(self, broker_port: int) -> Iterator[None]:
        """Let the gateways beat, and mails arrive, until the end of the block."""
        ended = threading.Event()
        thread = threading.Thread(target=self._beat, args=(broker_port, ended))
        self.mailbox.open()
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self.mailbox.close()

    def lose(self, number: int) -> None:
        """Let the gateway of one commune fall deaf."""
        self._deaf.add(self.euis[number])

    def is_paged(self, number: int) -> bool:
        """Return whether the mail about one commune has arrived."""
        return any(_name(number) in f"{mail.subject} {mail.text}" for mail in self.mailbox.mails)

    def confirmed_at_us(self, number: int) -> int | None:
        """Return when the loss of one commune was confirmed: its incident was opened."""
        _, database = commands.open_fleet(self._data)
        mine = incident_gateways.c.eui == self.euis[number]
        query = select(incidents.c.opened_at_us).join(
            incident_gateways, incident_gateways.c.incident_id == incidents.c.id
        )
        with contextlib.closing(database), database.read() as connection:
            found: int | None = connection.scalar(query.where(mine).order_by(incidents.c.id))
        return found

    def figure(self, number: int, paged_us: int | None, name: str) -> Figure:
        """Return how long after its confirmation the page of one commune arrived; None: it did not."""
        confirmed_us = self.confirmed_at_us(number)
        late_s = None if None in (paged_us, confirmed_us) else ((paged_us or 0) - (confirmed_us or 0)) / 1e6
        title = f"page for a lost commune under {name}"
        how = "from the confirmation of its loss to the mail"
        return Figure(name=title, value=late_s, unit="s", target=PAGE_TARGET_S, how=how)

    def _beat(self, broker_port: int, ended: threading.Event) -> None:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id="communes")
        client.connect("127.0.0.1", broker_port)
        client.loop_start()
        began, began_us, seq = time.monotonic(), time.time_ns() // 1000, 0
        while not ended.wait(max(0.0, began + seq * INTERVAL_S - time.monotonic())):
            for eui in self.euis:
                radio = Radio.DEAF if eui in self._deaf else Radio.RECEIVING
                beat = encode(_beat(seq, began_us, radio))
                client.publish(topics.topic(eui, topics.HEALTH), beat, qos=1)
            seq += 1
        client.loop_stop()


def _beat(seq: int, began_us: int, radio: Radio) -> Heartbeat:
    return Heartbeat(
        boot=1,
        seq=seq + 1,
        uptime_ms=(seq + 1) * INTERVAL_S * 1000,
        journal_seq=0,
        at_us=began_us + seq * INTERVAL_S * SECOND_US,
        time_quality=TimeQuality.NTP,
        radio=radio,
        connectors=(ConnectorBeat("lns", True, 500),),
        spool_records=0,
        spool_accepting=True,
        received=0,
        delivered=0,
        dropped=0,
        config_version=1,
        interval_s=INTERVAL_S,
    )


def _name(number: int) -> str:
    return f"Essai-{'ABCDEFGHIJ'[number]}"


def _document(euis: list[str]) -> dict[str, list[dict[str, object]]]:
    numbered = [(f"{37101 + number}", _name(number), eui) for number, eui in enumerate(euis)]
    return {
        "communes": [
            {"insee": insee, "name": name, "epci": "E", "departement": "37", "population": 1000}
            for insee, name, _ in numbered
        ],
        "sites": [
            {"key": f"site-{name}", "name": f"Mairie de {name}", "commune_insee": insee}
            for insee, name, _ in numbered
        ],
        "gateways": [
            {"eui": eui, "name": name, "site_key": f"site-{name}", "status": "accepted"}
            for _, name, eui in numbered
        ],
        "memberships": [{"commune_insee": insee, "eui": eui} for insee, _, eui in numbered],
    }

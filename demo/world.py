"""The whole demo, founded, run and stopped: gateways, network server, broker, fleet manager, mailbox."""

import asyncio
import json
import shutil
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.status.status import ask_status
from demo.child import Child, ChildFailed, passerelle, run
from demo.field import Field
from demo.light import LightBeats, LightNetwork, load_communes, plan_light
from demo.lns.core import Lns
from demo.lns.server import LnsServer, open_lns
from demo.network import DOCUMENT, planned_gateways
from demo.options import Options
from demo.rig import Rig, Surroundings, build_rig
from demo.servers import BrokerPlan, Mail, Mailbox, broker_child, plan_broker
from fleet.broker.mosquitto import let_one_speak_for_many
from fleet.cli import commands
from fleet.lang.i18n import t

PREPARED_AT_ONCE = 2
"""Gateways flashed side by side; each takes a Python start, and two cores are common."""
LISTEN_LIMIT_S = 120.0
"""For a process to start; the machine may be busy with other work."""
POLL_S = 0.5

Say = Callable[[str], None]


class World:
    """Every part of one demo; ``open`` founds it, ``close`` ends it in good order."""

    def __init__(self, options: Options, say: Say) -> None:
        self.options = options
        self.lns = Lns(keep_deliveries=options.frames is not None)
        self.rigs: list[Rig] = []
        self.lns_silent = False
        self.field: Field | None = None
        self._say = say
        self._mailbox = Mailbox(options.folder / "mails")
        self._lns_server: LnsServer | None = None
        self._children: list[Child] = []
        self.light: LightNetwork | None = None
        self._light_beats: asyncio.Task[None] | None = None

    @property
    def fleet_url(self) -> str:
        """The address of the fleet manager's page."""
        return f"http://127.0.0.1:{self.options.port}"

    @property
    def mails(self) -> list[Mail]:
        """Every mail that the fleet manager has sent."""
        return self._mailbox.mails

    def gateways(self) -> list[Rig]:
        """Every gateway, in the order of the registry."""
        return self.rigs

    def delivered(self) -> int:
        """Frames that the network server has."""
        return sum(self.lns.deliveries.values())

    async def open(self) -> None:
        """Found the fleet, flash every gateway, start everything.

        Raises:
            ChildFailed: a command failed, or a part did not begin to listen in time.
        """
        folder = self.options.folder
        folder.mkdir(parents=True, exist_ok=True)
        fleet_data = folder / "fleet"
        self._mailbox.open()
        self._lns_server = await open_lns(self.lns)
        broker = plan_broker(without_mosquitto=self.options.without_mosquitto)
        if broker.program is None:
            self._say(t("fr", "demo.wheel"))
        await self._found(fleet_data, broker)
        around = Surroundings(
            fleet_data=fleet_data,
            fleet_url=self.fleet_url,
            broker=("127.0.0.1", broker.port),
            broker_tls=broker.tls,
            lns=("127.0.0.1", self._lns_server.port),
        )
        await self._open_light(fleet_data, broker)
        await self._prepare_gateways(around)

    async def _open_light(self, fleet_data: Path, broker: BrokerPlan) -> None:
        more = self.options.gateways - len(planned_gateways())
        if more <= 0:
            return
        self._say(t("fr", "demo.light", count=more))
        self.light = plan_light(more, load_communes(self.options.communes, more))
        document = self.options.folder / "light.json"
        document.write_text(json.dumps(self.light.document))
        await run(passerelle("fleet", "import", "--data", str(fleet_data), str(document)))
        beats = LightBeats(self.light, broker.port, fleet_data / "keys" if broker.tls else None)
        self._light_beats = asyncio.ensure_future(beats.run())
        euis = [gateway.eui for gateway in self.light.gateways]
        await asyncio.to_thread(commands.accept, fleet_data, euis)

    async def _found(self, fleet_data: Path, broker: BrokerPlan) -> None:
        self._say(t("fr", "demo.founding"))
        shutil.rmtree(fleet_data, ignore_errors=True)
        data = ("--data", str(fleet_data))
        broker_address = f"127.0.0.1:{broker.port}"
        await run(
            passerelle("fleet", "init", *data, "--public-url", self.fleet_url, "--broker", broker_address)
        )
        await run(passerelle("fleet", "import", *data, str(DOCUMENT)))
        logs = self.options.folder
        if self.options.gateways > len(planned_gateways()):
            let_one_speak_for_many(fleet_data / "mosquitto" / "mosquitto.conf")
        broker_process = broker_child(
            broker, fleet_data / "mosquitto" / "mosquitto.conf", logs / "broker.log"
        )
        fleet = Child(
            "fleet",
            passerelle("fleet", "serve", *data, "--port", str(self.options.port), "--open-access"),
            logs / "fleet.log",
            {
                "PASSERELLE_BROKER_URL": broker.url,
                "PASSERELLE_SMTP_URL": f"smtp://127.0.0.1:{self._mailbox.port}",
                "PASSERELLE_MAIL_FROM": "supervision@exemple.fr",
            },
        )
        for child, port in ((broker_process, broker.port), (fleet, self.options.port)):
            self._children.append(child)
            await child.start()
            await _listening(child, port)
        if not self.options.headless:
            self._say(t("fr", "demo.address", url=self.fleet_url + "/"))

    async def _prepare_gateways(self, around: Surroundings) -> None:
        plans = planned_gateways()
        self._say(t("fr", "demo.flashing", count=len(plans)))
        gate = asyncio.Semaphore(PREPARED_AT_ONCE)
        home = self.options.folder / "gateways"
        shutil.rmtree(home, ignore_errors=True)
        self.rigs = [build_rig(plan, home / plan.eui) for plan in plans]

        async def prepare(rig: Rig) -> None:
            async with gate:
                await rig.prepare(around)

        await asyncio.gather(*(prepare(rig) for rig in self.rigs))

    async def accept_as_they_serve(self) -> None:
        """Accept each gateway on site once it serves; return when all do."""
        waiting = {rig.eui for rig in self.rigs}
        while waiting:
            self.check_children()
            seen = {row["eui"]: row for row in await self.fleet_gateways()}
            ready = {eui for eui in waiting if seen.get(eui, {}).get("radio") == "RECEIVING"}
            if ready:
                await asyncio.to_thread(commands.accept, self.options.folder / "fleet", sorted(ready))
            waiting -= ready
            await asyncio.sleep(POLL_S)

    async def fleet_gateways(self) -> list[dict[str, Any]]:
        """Return the gateways as the fleet's HTTP API lists them."""
        rows = await asyncio.to_thread(_get, f"{self.fleet_url}/api/v1/gateways?limit=200")
        return list(rows["items"])

    def agent_counts(self) -> dict[str, tuple[int, int]]:
        """Return (received, spooled) as each agent tells, by EUI; agents that do not answer are left out."""
        told = {rig.eui: ask_status(rig.state) for rig in self.rigs}
        return {
            eui: (status.received, status.counters.get("spool.written", 0))
            for eui, status in told.items()
            if status is not None
        }

    def check_children(self) -> None:
        """Raise ChildFailed if broker, fleet or light twin has stopped by itself."""
        if self._light_beats is not None and self._light_beats.done():
            raise ChildFailed(f"light twin: {self._light_beats.exception()}")
        for child in self._children:
            if not child.running:
                raise ChildFailed(
                    t("fr", "demo.part_down", part=child.name, log=child.log) + "\n" + child.last_words()
                )

    def set_backhaul(self, eui: str, *, cut: bool) -> None:
        """Cut or mend the backhaul of one gateway."""
        self._rig(eui).link.cut = cut

    def set_radio(self, eui: str, *, deaf: bool) -> None:
        """Deafen or heal the radio of one gateway."""
        self._rig(eui).chip.faults.deaf = deaf

    def set_lns(self, *, silent: bool) -> None:
        """Let the network server fall silent, or wake it."""
        assert self._lns_server is not None
        self.lns_silent = self._lns_server.silent = silent

    async def set_power(self, feeder: str, *, on: bool) -> None:
        """Cut or restore a power feeder with all that hangs on it."""
        hanging = [rig for rig in self.rigs if rig.feeder == feeder]
        if not hanging:
            raise KeyError(feeder)
        await asyncio.gather(*(rig.power(on=on) for rig in hanging))

    def set_cause(self, cause: str, *, cut: bool) -> None:
        """Cut or mend an operator or a feeder of the light twin."""
        if self.light is None or cause not in self.light.causes():
            raise KeyError(cause)
        (self.light.cut.add if cut else self.light.cut.discard)(cause)

    def _rig(self, eui: str) -> Rig:
        rigs = {rig.eui: rig for rig in self.rigs}
        return rigs[eui]

    async def close(self) -> None:
        """Stop agents, fleet and broker in good order."""
        if self._light_beats is not None:
            self._light_beats.cancel()
        await asyncio.gather(*(rig.close() for rig in self.rigs))
        for child in reversed(self._children):
            await child.stop()
        if self._lns_server is not None:
            self._lns_server.close()
        self._mailbox.close()


async def _listening(child: Child, port: int) -> None:
    """Wait until ``port`` takes connections.

    Raises:
        ChildFailed: the process ended or does not listen within ``LISTEN_LIMIT_S``.
    """
    try:
        async with asyncio.timeout(LISTEN_LIMIT_S):
            while child.running:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.1)
                    continue
                writer.close()
                return
    except TimeoutError:
        pass
    raise ChildFailed(f"{child.name}: does not listen on port {port}\n{child.last_words()}")


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=LISTEN_LIMIT_S) as answer:  # noqa: S310 - our own loopback
        return json.load(answer)

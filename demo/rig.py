"""One gateway of the demo: a virtual chip and GNSS receiver, a backhaul of its own, an agent process."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from demo.child import Child, passerelle, run
from demo.network import PlannedGateway
from demo.relay import Link, UdpRelay, open_tcp_relay, open_udp_relay
from fleet.cli import orders
from hal.twin.chip import VirtualChip
from hal.twin.lines.gnss_line import GnssLine
from hal.twin.lines.gnss_receiver import AntennaSite, GnssReceiver
from hal.twin.lines.server import TwinServer
from hal.twin.rf_event import ReceptionVerdict

Address = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every rig reaches: the fleet's data folder and page, the broker, the network server."""

    fleet_data: Path
    fleet_url: str
    broker: Address
    broker_tls: bool
    lns: Address


@dataclass(slots=True)
class Rig:
    """One gateway; powered while its agent process is meant to live."""

    plan: PlannedGateway
    folder: Path
    chip: VirtualChip
    server: TwinServer
    gnss: GnssLine
    link: Link = field(default_factory=Link)
    powered: bool = True
    _agent: Child | None = None
    _relays: list[UdpRelay | asyncio.Server] = field(default_factory=list)

    @property
    def eui(self) -> str:
        """The EUI-64 that the gateway and the chip's OTP share, 16 hex digits."""
        return self.plan.eui

    @property
    def name(self) -> str:
        """The name of the gateway's site."""
        return self.plan.name

    @property
    def feeder(self) -> str:
        """The power feeder that it hangs on."""
        return self.plan.feeder

    @property
    def cut(self) -> bool:
        """Whether its backhaul is cut."""
        return self.link.cut

    @property
    def deaf(self) -> bool:
        """Whether its radio is."""
        return self.chip.faults.deaf

    @property
    def heard(self) -> int:
        """Frames that its chip has heard."""
        return self.chip.verdicts[ReceptionVerdict.HEARD]

    @property
    def state(self) -> Path:
        """The agent's state folder."""
        return self.folder / "state"

    @property
    def image(self) -> Path:
        """What was flashed for it."""
        return self.folder / "image.img"

    @property
    def agent(self) -> Child:
        """The agent's process."""
        assert self._agent is not None
        return self._agent

    async def prepare(self, around: Surroundings) -> None:
        """Order, flash and start: what an installer does for one gateway."""
        order = self.folder / "order.json"
        lns_relay, lns_port = await open_udp_relay(self.link, around.lns)
        broker_relay, broker_port = await open_tcp_relay(self.link, around.broker)
        self._relays = [lns_relay, broker_relay]
        options = orders.OrderOptions(
            bus=f"socket:{self.server.path}",
            lns=f"127.0.0.1:{lns_port}",
            broker=f"127.0.0.1:{broker_port}",
            enrol_url=around.fleet_url,
            tls=around.broker_tls,
            settings=(f"radio.gnss_device={self.gnss.path}", "radio.class_b_beacon=true"),
        )
        await asyncio.to_thread(orders.write_order, around.fleet_data, self.eui, order, options)
        await run(passerelle("provision", "flash", "--order", str(order), "--output", str(self.image)))
        order.unlink()  # it holds the token
        self._agent = Child(
            self.name,
            passerelle("agent", "run", "--state", str(self.state), "--image", str(self.image)),
            self.folder / "agent.log",
        )
        await self._agent.start()

    async def power(self, *, on: bool) -> None:
        """Cut or restore its power: the agent dies at once, the chip forgets everything."""
        self.powered = on
        if on and not self.agent.running:
            await self.agent.start()
        elif not on:
            await self.agent.kill()
            self.chip.reset()

    async def close(self) -> None:
        """Stop the agent in good order, then the chip and the relays."""
        if self._agent is not None:
            await self._agent.stop()
        self.gnss.close()
        self.server.close()
        for relay in self._relays:
            relay.close()


def build_rig(plan: PlannedGateway, folder: Path) -> Rig:
    """Return a gateway whose chip listens on a socket below ``folder``."""
    folder.mkdir(parents=True)
    chip = VirtualChip(name=plan.name, eui=plan.eui)
    server = TwinServer(chip, folder / "chip.sock")
    server.start()
    gnss = GnssLine(chip, GnssReceiver(AntennaSite(lat=plan.lat, lon=plan.lon)))
    return Rig(plan=plan, folder=folder, chip=chip, server=server, gnss=gnss)

"""The light twin of the whole network: thousands of gateways that only beat, for a fleet manager to watch.

No chip, no agent, no frame: one task publishes the heartbeats and presences of all, each at its own place in
the interval.  It speaks with the fleet's own certificate, which is why this is for demos only.
"""

import asyncio
import json
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec

from agent.clock import SystemClock
from agent.wire.messages import (
    HEARTBEAT_INTERVAL_S,
    ConnectorBeat,
    Heartbeat,
    Presence,
    Radio,
    TimeQuality,
    encode,
)
from agent.wire.topics import HEALTH, PRESENCE, topic

EUI_PREFIX = "0016c001f2"
OPERATORS = ("4G opérateur A", "4G opérateur B", "fibre")
COMMUNES_A_FEEDER = 4
SITE_KINDS = ("church", "town_hall", "water_tower")
BEAT = Heartbeat(
    boot=0,
    seq=0,
    uptime_ms=0,
    journal_seq=1,
    at_us=0,
    time_quality=TimeQuality.NTP,
    radio=Radio.RECEIVING,
    connectors=(ConnectorBeat(name="lns", up=True, answer_age_ms=1000),),
    spool_records=0,
    spool_accepting=True,
    received=0,
    delivered=0,
    dropped=0,
    config_version=1,
)


@dataclass(slots=True)
class LightGateway:
    """One gateway that only beats."""

    eui: str
    feeder: str
    operator: str
    boot: int
    began_us: int = 0
    seq: int = 0


@dataclass(slots=True)
class LightNetwork:
    """Gateways by EUI; ``cut`` holds the feeders and operators that are dark."""

    gateways: list[LightGateway]
    document: dict[str, Any]
    cut: set[str] = field(default_factory=set)

    def causes(self) -> list[str]:
        """Return what can be cut: operators first, then feeders."""
        feeders = sorted({gateway.feeder for gateway in self.gateways})
        return [*sorted({gateway.operator for gateway in self.gateways}), *feeders]

    def silent(self, gateway: LightGateway) -> bool:
        """Whether its power or its backhaul is cut."""
        return gateway.feeder in self.cut or gateway.operator in self.cut


def load_communes(file: Path | None, count: int) -> list[dict[str, Any]]:
    """Return the communes of ``file``, or made-up ones on a grid, about three gateways each.

    Raises:
        ValueError: the file is not a list of communes; names what is missing.
    """
    if file is None:
        return [_made_up(index) for index in range(max(1, count // 3))]
    rows = json.loads(file.read_text(encoding="utf-8"))
    try:
        return [
            {
                "insee": row["insee"],
                "name": row["name"],
                "epci": row.get("epci_name") or "",
                "departement": row["departement"],
                "population": row["population"],
                "lat": row["lat"],
                "lon": row["lon"],
            }
            for row in rows
        ]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{file}: a list of communes with {error} is needed") from error


def _made_up(index: int) -> dict[str, Any]:
    return {
        "insee": f"{99_000 + index}",
        "name": f"Commune {index + 1}",
        "epci": f"CC {index // 20 + 1}",
        "departement": "99",
        "population": 300 + 37 * (index * 7919 % 271),
        "lat": round(47.0 + 0.05 * (index % 24), 5),
        "lon": round(0.2 + 0.07 * (index // 24), 5),
    }


def plan_light(count: int, communes: list[dict[str, Any]]) -> LightNetwork:
    """Return ``count`` gateways dealt out over ``communes``, and their import document."""
    used = communes[:count]
    document: dict[str, Any] = {"communes": used, "sites": [], "gateways": [], "memberships": []}
    gateways = []
    for index in range(count):
        place, turn = index % len(used), index // len(used)
        commune = used[place]
        eui = f"{EUI_PREFIX}{index:06x}"
        feeder = f"Départ {place // COMMUNES_A_FEEDER + 1}"
        operator = OPERATORS[index % len(OPERATORS)]
        key, name = f"light-{index}", f"{commune['name']} {turn + 1}"
        document["sites"].append(
            {
                "key": key,
                "name": name,
                "commune_insee": commune["insee"],
                "kind": SITE_KINDS[index % len(SITE_KINDS)],
                "lat": round(commune["lat"] + 0.004 * turn, 5),
                "lon": round(commune["lon"] + 0.004 * turn, 5),
                "power_feeder": feeder,
            }
        )
        document["gateways"].append(
            {"eui": eui, "name": name, "site_key": key, "backhaul_operator": operator, "status": "installed"}
        )
        document["memberships"].append({"commune_insee": commune["insee"], "eui": eui})
        gateways.append(LightGateway(eui=eui, feeder=feeder, operator=operator, boot=index + 1))
    return LightNetwork(gateways=gateways, document=document)


class LightBeats:
    """Publishes for every gateway until cancelled."""

    def __init__(self, network: LightNetwork, port: int, keys: Path | None) -> None:
        self._network = network
        self._port = port
        self._tls = _tls(keys) if keys is not None else None
        self._clock = SystemClock()

    async def run(self) -> None:
        """Beat; each gateway keeps its own instant within the interval."""
        gateways = self._network.gateways
        step_s = HEARTBEAT_INTERVAL_S / len(gateways)
        loop = asyncio.get_running_loop()
        async with aiomqtt.Client(
            "127.0.0.1", self._port, identifier="light-twin", tls_context=self._tls
        ) as client:
            due_s = loop.time()
            while True:
                for gateway in gateways:
                    due_s += step_s
                    await asyncio.sleep(max(0.0, due_s - loop.time()))
                    await self._beat(client, gateway)

    async def _beat(self, client: aiomqtt.Client, gateway: LightGateway) -> None:
        now_us = self._clock.utc_us()
        if self._network.silent(gateway):
            if gateway.seq:  # what its last will would say
                await client.publish(
                    topic(gateway.eui, PRESENCE),
                    encode(Presence(online=False, boot=gateway.boot, at_us=now_us)),
                    qos=1,
                    retain=True,
                )
            gateway.seq = 0
            gateway.boot += len(self._network.gateways)
            return
        if gateway.seq == 0:
            gateway.began_us = now_us
            await client.publish(
                topic(gateway.eui, PRESENCE),
                encode(Presence(online=True, boot=gateway.boot, at_us=now_us)),
                qos=1,
                retain=True,
            )
        gateway.seq += 1
        uptime_ms = (gateway.seq - 1) * HEARTBEAT_INTERVAL_S * 1000
        await client.publish(topic(gateway.eui, HEALTH), encode(self._heartbeat(gateway, uptime_ms, now_us)))

    def _heartbeat(self, gateway: LightGateway, uptime_ms: int, now_us: int) -> Heartbeat:
        return msgspec.structs.replace(
            BEAT, boot=gateway.boot, seq=gateway.seq, uptime_ms=uptime_ms, at_us=now_us
        )


def _tls(keys: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(keys / "ca.pem"))
    context.load_cert_chain(str(keys / "fleet.pem"), str(keys / "fleet.key"))
    return context

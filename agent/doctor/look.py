"""Gather what the doctor judges; every look is bounded in time and none needs the agent to run."""

import contextlib
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from agent.certificate import validity_us
from agent.clock import Clock
from agent.configuration.slots import Slots, SlotUnreadable
from agent.doctor.judge import Endpoint, Facts
from agent.enrol.client import load_enrolment
from agent.enrol.settings import SettingsError, load_settings
from agent.fleet_key import FleetKey
from agent.host.kernel_clock import kernel_quality
from agent.status.status import ask_status
from agent.wire.configuration import Configuration
from agent.wire.messages import TimeQuality
from agent.wire.order import WorkOrder
from firmware import store
from hal.errors import HalError

CONNECT_WAIT_S = 4.0


def look(state: Path, clock: Clock) -> Facts:
    """Return the facts about the gateway whose state folder is ``state``."""
    order, error = _order(state)
    status = ask_status(state)
    key, certificate = state / "identity" / "key.pem", state / "identity" / "certificate.pem"
    return Facts(
        settings_error=error,
        key_mode=key.stat().st_mode & 0o777 if key.exists() else None,
        disk_free_bytes=psutil.disk_usage(str(state)).free,
        state_writable=os.access(state, os.W_OK),
        enrolment=load_enrolment(state).outcome,
        certificate_until_us=_until_us(certificate),
        now_us=clock.utc_us(),
        time_quality=kernel_quality() if status is None else TimeQuality(status.time_quality),
        bus=order.bus if order else "?",
        bus_there=order is not None and Path(order.bus.partition(":")[2]).exists(),
        images=_images(order),
        endpoints=_endpoints(state, order),
        status=status,
    )


def running_configuration(state: Path, order: WorkOrder) -> tuple[int, Configuration] | None:
    """Return (version, content) of the configuration that runs, from its slot, or None."""
    key = FleetKey(bytes.fromhex(order.fleet_public_key))
    slots = Slots(state / "configuration", device=order.eui, key=key)
    try:
        ledger = slots.ledger()
        return None if ledger is None else (ledger.runs.version, slots.load(ledger.runs))
    except SlotUnreadable:
        return None


def _order(state: Path) -> tuple[WorkOrder | None, str]:
    try:
        return load_settings(state, None), ""
    except SettingsError as error:
        return None, str(error)


def _until_us(certificate: Path) -> int | None:
    try:
        return validity_us(certificate.read_text(encoding="ascii"))[1]
    except (OSError, ValueError):
        return None


def _images(order: WorkOrder | None) -> str:
    if order is None or order.bus.startswith("socket:"):
        return ""
    try:
        store.load()
    except (HalError, OSError) as error:
        return str(error)
    return ""


def _endpoints(state: Path, order: WorkOrder | None) -> tuple[Endpoint, ...]:
    if order is None:
        return ()
    url = urlsplit(order.enrol_url)
    port = url.port or (443 if url.scheme == "https" else 80)
    endpoints = [_endpoint("Gestionnaire de flotte", url.hostname or "", port, tcp=True)]
    running = running_configuration(state, order)
    if running is not None:
        fleet = running[1].fleet
        endpoints.append(_endpoint("Courtier MQTT", fleet.host, fleet.port, tcp=True))
        endpoints += [
            _endpoint(
                f"Serveur LoRaWAN {connector.name}",
                connector.host,
                connector.port,
                tcp=connector.kind != "semtech_udp",
            )
            for connector in running[1].connectors
        ]
    return tuple(endpoints)


def _endpoint(what: str, host: str, port: int, *, tcp: bool) -> Endpoint:
    try:
        socket.getaddrinfo(host, port)
    except OSError:
        return Endpoint(what=what, host=host, port=port, resolved=False, reached=None)
    reached: bool | None = None
    if tcp:
        reached = False
        with contextlib.suppress(OSError), socket.create_connection((host, port), CONNECT_WAIT_S):
            reached = True
    return Endpoint(what=what, host=host, port=port, resolved=True, reached=reached)

"""A real ChirpStack and its broker, which the environment names, as tests see the small one of ours.

``PASSERELLE_CHIRPSTACK_URL``          address of its API, http:// or https://
``PASSERELLE_CHIRPSTACK_TOKEN_FILE``   file with an API key of an administrator, one line
``PASSERELLE_CHIRPSTACK_BROKER``       host:port of the broker that its gateways' backend uses, without TLS
``PASSERELLE_CHIRPSTACK_START``, ``…_STOP``, ``PASSERELLE_BROKER_START``, ``…_STOP``   commands that do so

It runs on this machine: its events come back over HTTP on the loopback.  What the judge registers there (an
application, a profile, devices, gateways of the EUIs of the tests) is found again by name and stays.
"""

import asyncio
import json
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
from chirpstack_api import api, common

from fleet.cli.chirpstack import ChirpStackApi
from fleet.registry.model import Status
from fleet.registry.store import Gateway
from tests.datapath.chirpstack import ChirpStack, Device
from tests.datapath.chirpstack_world import Broker

URL = "PASSERELLE_CHIRPSTACK_URL"
NAME = "Passerelle, juge"
COMMAND_LIMIT_S = 60
READY_LIMIT_S = 60
COMMANDS = (
    "PASSERELLE_CHIRPSTACK_START",
    "PASSERELLE_CHIRPSTACK_STOP",
    "PASSERELLE_BROKER_START",
    "PASSERELLE_BROKER_STOP",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the environment names."""

    url: str
    token: str
    broker_host: str
    broker_port: int
    commands: Mapping[str, str]

    @property
    def api(self) -> tuple[str, int]:
        """Host and port of the API."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 8080)


def named(environment: Mapping[str, str] = os.environ) -> Names | None:
    """Return what the environment names; None without an address.

    Raises:
        SystemExit: an address, and not all that goes with it.
    """
    url = environment.get(URL, "")
    if not url:
        return None
    wanted = ("PASSERELLE_CHIRPSTACK_TOKEN_FILE", "PASSERELLE_CHIRPSTACK_BROKER", *COMMANDS)
    absent = [name for name in wanted if not environment.get(name)]
    if absent:
        raise SystemExit(f"{URL} is set, {', '.join(absent)} not: see tests/judge/named.py")
    host, _, port = environment[wanted[1]].rpartition(":")
    return Names(
        url=url,
        token=Path(environment[wanted[0]]).read_text(encoding="utf-8").strip(),
        broker_host=host,
        broker_port=int(port),
        commands={name: environment[name] for name in COMMANDS},
    )


def _run(command: str) -> None:
    subprocess.run(shlex.split(command), check=True, timeout=COMMAND_LIMIT_S, stdin=subprocess.DEVNULL)


def _until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + READY_LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {READY_LIMIT_S} s")
        time.sleep(0.1)


def _listens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


class NamedBroker(Broker):
    """The broker of the environment, killed and started by its commands."""

    def __init__(self, names: Names) -> None:
        self._names, self.port = names, names.broker_port
        if not _listens(names.broker_host, names.broker_port):
            self.start()

    def start(self) -> None:
        _run(self._names.commands["PASSERELLE_BROKER_START"])
        _until(lambda: _listens(self._names.broker_host, self.port), "broker")

    def kill(self) -> None:
        _run(self._names.commands["PASSERELLE_BROKER_STOP"])


class NamedChirpStack(ChirpStack):
    """The ChirpStack of the environment: registered with devices, counted by its events, killed, started."""

    def __init__(self, names: Names, devices: Mapping[int, bytes], gateways: Iterable[str]) -> None:
        super().__init__(names.broker_port)
        self._names = names
        self.devices = {address: Device(key=key) for address, key in devices.items()}
        self._gateways = tuple(gateways)
        self._events = _Events(self._take)

    async def start(self) -> None:
        """Start it, if it does not run, register what the tests need, and begin every session anew."""
        first = not self._events.running
        await asyncio.to_thread(self._started)
        if first:
            self._events.start()
            await asyncio.to_thread(self._registered)

    async def stop(self) -> None:
        """Kill it, and return when its sockets are closed: until then the broker delivers to it."""
        await asyncio.to_thread(self._killed)

    def close(self) -> None:
        """Take its events no more."""
        self._events.stop()

    def _killed(self) -> None:
        _run(self._names.commands["PASSERELLE_CHIRPSTACK_STOP"])
        _until(lambda: not _listens(*self._names.api), "end of ChirpStack")

    def _started(self) -> None:
        if not _listens(*self._names.api):
            _run(self._names.commands["PASSERELLE_CHIRPSTACK_START"])
            _until(lambda: _listens(*self._names.api), "ChirpStack")

    def _take(self, kind: str, event: dict[str, Any]) -> None:
        self.events.append((kind, event))
        device = self.devices.get(int(event["deviceInfo"]["devEui"], 16))
        if device is None:
            return
        if kind == "up":
            device.published.append(event.get("fCnt", 0))
        elif kind == "log" and event.get("code", "").startswith("UPLINK_"):
            self.counts[event.get("code", "UNKNOWN")] += 1
            device.retransmissions += event.get("code") == "UPLINK_F_CNT_RETRANSMISSION"
            device.resets += event.get("code") == "UPLINK_F_CNT_RESET"

    def _registered(self) -> None:
        target = "{}:{}".format(*self._names.api)
        channel = (
            grpc.secure_channel(target, grpc.ssl_channel_credentials())
            if self._names.url.startswith("https:")
            else grpc.insecure_channel(target)
        )
        metadata = (("authorization", f"Bearer {self._names.token}"),)
        with channel:
            tenants = api.TenantServiceStub(channel).List(api.ListTenantsRequest(limit=1), metadata=metadata)
            registrar = _Registrar(channel, metadata, tenants.result[0].id)
            ours = ChirpStackApi(self._names.url, token=self._names.token, tenant=tenants.result[0].id)
            known = ours.gateways()
            for eui in self._gateways:
                if eui not in known:
                    ours.add_gateway(_gateway(eui))
            ours.close()
            application = registrar.application(self._events.url)
            profile = registrar.profile()
            for address, device in self.devices.items():
                registrar.device(application, profile, address, device.key, skip=self.skip_fcnt_check)


def _gateway(eui: str) -> Gateway:
    return Gateway(
        eui=eui,
        name=f"juge {eui[-4:]}",
        status=Status.ACCEPTED,
        site_id=0,
        site_key="",
        site_name="juge",
        site_kind="",
        commune_insee="",
        address="",
        lat=None,
        lon=None,
        access_notes="",
        backhaul_operator="",
        power_feeder="",
        accepted_at_us=None,
        withdrawn_at_us=None,
    )


class _Registrar:
    """What the judge needs beside gateways, made at the first call and found again by name."""

    def __init__(self, channel: grpc.Channel, metadata: Any, tenant: str) -> None:
        self._metadata, self._tenant = metadata, tenant
        self._applications = api.ApplicationServiceStub(channel)
        self._profiles = api.DeviceProfileServiceStub(channel)
        self._devices = api.DeviceServiceStub(channel)

    def _call(self, method: Any, request: Any) -> Any:
        return method(request, metadata=self._metadata, timeout=15)

    def application(self, events_url: str) -> str:
        """Return the application, whose events go to an address of ours and nowhere else."""
        asked = api.ListApplicationsRequest(tenant_id=self._tenant, limit=1000)
        found = [row.id for row in self._call(self._applications.List, asked).result if row.name == NAME]
        for old in found:
            self._call(self._applications.Delete, api.DeleteApplicationRequest(id=old))
        made = api.CreateApplicationRequest(application=api.Application(name=NAME, tenant_id=self._tenant))
        application = str(self._call(self._applications.Create, made).id)
        integration = api.HttpIntegration(
            application_id=application, encoding=api.Encoding.JSON, event_endpoint_url=events_url
        )
        asked_http = api.CreateHttpIntegrationRequest(integration=integration)
        self._call(self._applications.CreateHttpIntegration, asked_http)
        return application

    def profile(self) -> str:
        asked = api.ListDeviceProfilesRequest(tenant_id=self._tenant, limit=1000)
        found = [row.id for row in self._call(self._profiles.List, asked).result if row.name == NAME]
        if found:
            return str(found[0])
        profile = api.DeviceProfile(
            name=NAME,
            tenant_id=self._tenant,
            region=common.EU868,
            mac_version=common.LORAWAN_1_0_4,
            reg_params_revision=common.RP002_1_0_4,
            adr_algorithm_id="default",
            uplink_interval=3600,
            supports_otaa=False,
            abp_rx1_delay=1,
            abp_rx2_freq=869_525_000,
        )
        made = api.CreateDeviceProfileRequest(device_profile=profile)
        return str(self._call(self._profiles.Create, made).id)

    def device(self, application: str, profile: str, address: int, key: bytes, *, skip: bool) -> None:
        device = api.Device(
            dev_eui=f"{address:016x}",
            name=f"{address:08x}",
            application_id=application,
            device_profile_id=profile,
            skip_fcnt_check=skip,
        )
        self._call(self._devices.Create, api.CreateDeviceRequest(device=device))
        session = api.DeviceActivation(
            dev_eui=f"{address:016x}",
            dev_addr=f"{address:08x}",
            app_s_key=key.hex(),
            nwk_s_enc_key=key.hex(),
            s_nwk_s_int_key=key.hex(),
            f_nwk_s_int_key=key.hex(),
        )
        self._call(self._devices.Activate, api.ActivateDeviceRequest(device_activation=session))


class _Events:
    """Takes the events of the HTTP integration in, on the loopback."""

    def __init__(self, take: Callable[[str, dict[str, Any]], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kind = parse_qs(urlsplit(self.path).query).get("event", [""])[0]
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                take(kind, json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            request_queue_size = 256

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/"
        self.running = False

    def start(self) -> None:
        self.running = True
        threading.Thread(target=self._server.serve_forever, name="events", daemon=True).start()

    def stop(self) -> None:
        if self.running:
            self._server.shutdown()
        self._server.server_close()

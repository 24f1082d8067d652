"""`passerelle fleet balena`: what balena knows of the gateways that run its system, beside our registry.

A gateway in a balena container is known there by the tag ``eui`` of its device, else by the device's name.
balena is asked when somebody asks, and only read: no frame and no figure of the contract depends on it.

Sources: balena API v7, resources ``device``, ``device_tag`` and ``release``; balena-sdk 17.  The SDK waits
for ever for an answer, so it runs in a thread that is left behind after ``ANSWER_WAIT_S``.
"""

import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from threading import Thread
from typing import Annotated, Any

from typer import Argument

from fleet.cli.folder import Data
from fleet.errors import MistakeError
from fleet.registry.model import Status
from fleet.registry.store import Gateway, load_gateways

API_URL = "https://api.balena-cloud.com/"
URL_VARIABLE = "PASSERELLE_BALENA_URL"
TOKEN_VARIABLE = "PASSERELLE_BALENA_TOKEN"  # noqa: S105 the variable's name
ANSWER_WAIT_S = 60.0
DEVICES_LIMIT = 20_000
"""Devices of one balena fleet that are read; beyond it the command refuses to compare a part."""
EUI_TAG = "eui"
COMMIT_DIGITS = 7
_EUI = re.compile(r"[0-9a-f]{16}")
_OURS = (Status.ACCEPTED, Status.IN_SERVICE)
_OPTIONS = {
    "$select": ["uuid", "device_name", "is_online", "os_version", "supervisor_version"],
    "$expand": {
        "device_tag": {"$select": ["tag_key", "value"]},
        "is_running__release": {"$select": ["commit"]},
        "should_be_running__release": {"$select": ["commit"]},
    },
}


class BalenaError(OSError):
    """balena does not answer, or not as it should."""


class Finding(StrEnum):
    """Where balena and the registry differ."""

    UNKNOWN_DEVICE = "no gateway of the registry"
    TWICE = "the EUI of another device too"
    NOT_THERE = "no device at balena"
    OTHER_RELEASE = "does not run its release"
    OFFLINE = "balena does not reach it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device as balena knows it; ``eui`` empty where neither tag nor name says it."""

    uuid: str
    name: str
    eui: str = ""
    online: bool = False
    os_version: str = ""
    running: str = ""
    target: str = ""


def compare(devices: Iterable[Device], gateways: Iterable[Gateway]) -> list[tuple[str, Finding]]:
    """Return what differs, by EUI or, without one, by the device's name."""
    devices = sorted(devices, key=lambda device: (device.eui, device.name, device.uuid))
    times = Counter(device.eui for device in devices)
    known = {gateway.eui: gateway for gateway in gateways}
    found: list[tuple[str, Finding]] = []
    for device in devices:
        if device.eui not in known:
            found.append((device.eui or device.name, Finding.UNKNOWN_DEVICE))
            continue
        if times[device.eui] > 1:
            found.append((device.eui, Finding.TWICE))
        if device.target and device.running != device.target:
            found.append((device.eui, Finding.OTHER_RELEASE))
        if not device.online:
            found.append((device.eui, Finding.OFFLINE))
    absent = sorted(eui for eui, gateway in known.items() if gateway.status in _OURS and not times[eui])
    return [*found, *((eui, Finding.NOT_THERE) for eui in absent)]


def device_of(row: Mapping[str, Any]) -> Device:
    """Return one device of balena's answer.

    Raises:
        BalenaError: the row is not what the API documents.
    """
    try:
        tags = {tag["tag_key"]: str(tag["value"]) for tag in row["device_tag"]}
        named = tags.get(EUI_TAG) or row["device_name"] or ""
        eui = _EUI.search(named.lower().replace("-", "").replace(":", ""))
        return Device(
            uuid=row["uuid"],
            name=row["device_name"] or "",
            eui=eui.group() if eui else "",
            online=bool(row["is_online"]),
            os_version=row["os_version"] or "",
            running=_commit(row["is_running__release"]),
            target=_commit(row["should_be_running__release"]),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BalenaError(f"balena: a device is not as documented: {error!r}") from error


def _commit(releases: list[dict[str, str]]) -> str:
    return releases[0]["commit"][:COMMIT_DIGITS] if releases else ""


def load_devices(application: str, *, url: str, token: str, limit: int = DEVICES_LIMIT) -> list[Device]:
    """Return the devices of a balena fleet (``ORGANISATION/FLEET``).

    Raises:
        BalenaError: no answer in time, a refusal, no such fleet, or more devices than ``limit``.
    """
    answer: Future[list[dict[str, Any]]] = Future()
    question = (application, _OPTIONS | {"$top": limit + 1}, url, token, answer)
    Thread(target=_ask, args=question, name="balena", daemon=True).start()
    try:
        rows = answer.result(ANSWER_WAIT_S)
    except TimeoutError:
        raise BalenaError(f"balena: {url}: no answer within {ANSWER_WAIT_S:g} s") from None
    if len(rows) > limit:
        raise BalenaError(f"balena: {application} has more than {limit} devices")
    return [device_of(row) for row in rows]


def _ask(
    application: str, options: dict[str, Any], url: str, token: str, answer: Future[list[dict[str, Any]]]
) -> None:
    try:
        import balena
        from balena.models.device import Device as Devices
        from balena.pine import PineClient
        from balena.settings import Settings
    except ImportError as error:
        answer.set_exception(BalenaError(f"balena: {error.name} is missing; install passerelle[balena]"))
        return
    try:
        settings = Settings({"data_directory": False})
        settings.set("api_endpoint", url)
        settings.set("token", token)
        devices = Devices(PineClient(settings, balena.__version__), settings)
        answer.set_result(devices.get_all_by_application(application, options))
    except Exception as error:  # noqa: BLE001 the SDK raises the bare class
        said = getattr(error, "message", "") or str(error) or type(error).__name__
        answer.set_exception(BalenaError(f"balena: {url}: {said}"))


def balena(
    data: Data,
    application: Annotated[str, Argument(help="ORGANISATION/FLEET at balena.")],
) -> int:
    """Compare the devices of a balena fleet with the registry; 1 if they differ.

    PASSERELLE_BALENA_TOKEN is an API key that may read; PASSERELLE_BALENA_URL names your own openBalena.
    """
    from fleet.cli.commands import open_fleet

    token = os.environ.get(TOKEN_VARIABLE, "")
    if not token:
        raise MistakeError(f"{TOKEN_VARIABLE}: an API key of balena is needed")
    devices = load_devices(application, url=os.environ.get(URL_VARIABLE) or API_URL, token=token)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = compare(devices, load_gateways(connection))
    for name, finding in found:
        print(f"{name} {finding}")
    print(f"{len(devices)} devices of {application}, {len(found)} differences")
    return 1 if found else 0

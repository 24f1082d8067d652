"""The network of the benches: 1,615 gateways in 539 communes, two départements, three operators; made up."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import insert

from fleet.db.connect import Database, sqlite_url
from fleet.db.schema import create_schema
from fleet.durations import SECOND_US
from fleet.facts.settings import DEFAULTS
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.live.model import CommuneNow, GatewayNow, NetworkNow
from fleet.oncall.store import import_on_call, import_people
from fleet.registry import tables as registry

GATEWAYS = 1_615
COMMUNES = 539
PEOPLE = 6
NOON_US = 1_795_345_200_000_000
"""2026-11-22, 12:00 in Paris."""


def network(at_us: int) -> NetworkNow:
    """Return the network with every gateway serving."""
    gateways = {}
    members: dict[str, list[str]] = {}
    for number in range(GATEWAYS):
        insee, eui = f"{37000 + number % COMMUNES}", f"{number:016x}"
        members.setdefault(insee, []).append(eui)
        gateways[eui] = GatewayNow(
            eui=eui,
            name=f"Passerelle {number}",
            site_id=number + 1,
            commune_insee=insee,
            state=GatewayState.SERVING,
            since_us=at_us - 3_600 * SECOND_US,
            proved=True,
            backhaul_operator=("Orange", "SFR", "Bouygues")[number % 3],
            power_feeder=f"F{number % 400}",
            config_version=1,
        )
    communes = {
        insee: CommuneNow(
            insee=insee,
            name=f"Commune {insee}",
            epci=f"EPCI {int(insee) % 27}",
            population=500 + int(insee) % 4000,
            state=CommuneState.SERVED,
            since_us=at_us - 3_600 * SECOND_US,
            members=tuple(euis),
            serving=tuple(euis),
        )
        for insee, euis in members.items()
    }
    return NetworkNow(at_us=at_us, gateways=gateways, communes=communes)


def silenced(before: NetworkNow, at_us: int, since_us: int) -> NetworkNow:
    """Return the network after everything fell silent, as the live view shows it at an instant.

    Last words are spread over the 30 s before; a gateway is DOWN 90 s after its own.
    """
    gateways, serving = {}, set()
    for number, (eui, gateway) in enumerate(before.gateways.items()):
        last_us = since_us - (number * 7919 % 30_000) * 1_000
        if at_us - last_us < DEFAULTS.silence_confirmed_us:
            serving.add(eui)
            gateways[eui] = replace(gateway, last_word_us=last_us)
            continue
        gateways[eui] = replace(
            gateway,
            state=GatewayState.DOWN,
            since_us=last_us,
            last_word_us=last_us,
            proved=False,
            cause=Cause.UNKNOWN,
        )
    communes = {insee: _commune(one, serving, since_us) for insee, one in before.communes.items()}
    return NetworkNow(at_us=at_us, gateways=gateways, communes=communes)


def _commune(before: CommuneNow, serving: set[str], since_us: int) -> CommuneNow:
    left = tuple(eui for eui in before.members if eui in serving)
    if left:
        return replace(before, serving=left)
    return replace(before, state=CommuneState.LOST, serving=(), since_us=since_us)


@contextmanager
def database(url: str = "") -> Iterator[Database]:
    """Give a database with the territory and its people in it."""
    with TemporaryDirectory() as folder:
        made = Database(url or sqlite_url(Path(folder) / "fleet.db"))
        create_schema(made)
        try:
            yield made
        finally:
            made.close()


def fill(made: Database, found: NetworkNow) -> None:
    """Write communes, sites and people."""
    with made.write() as connection:
        rows = [{"insee": one.insee, "name": one.name, "epci": one.epci} for one in found.communes.values()]
        connection.execute(insert(registry.communes), rows)
        sites = [
            {"id": one.site_id, "key": one.eui, "name": one.name, "commune_insee": one.commune_insee}
            for one in found.gateways.values()
        ]
        connection.execute(insert(registry.sites), sites)
        import_people(
            connection,
            [{"name": f"Technicien {number}", "email": f"t{number}@example.fr"} for number in range(PEOPLE)],
        )
        import_on_call(
            connection,
            [
                {"person": f"t{number}@example.fr", "level": 1, "from": "2026-11-01", "until": "2026-12-01"}
                for number in range(PEOPLE)
            ],
        )

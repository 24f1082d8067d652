"""Gateways and communes as machines read them."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from agent.wire.eui import parse_eui
from agent.wire.messages import ConfigState
from fleet.configurations.status import ConfigurationStatus, statuses
from fleet.evidence.decoding import named
from fleet.facts.months import Window
from fleet.lang.reasons import in_words
from fleet.live.model import GatewayNow, NetworkNow
from fleet.registry.store import Gateway, load_communes, load_gateway, load_gateways_after
from fleet.rollouts.asking import EUIS_LIMIT, ask, document
from fleet.safety.absences import OUT_US
from fleet.web.access import viewer
from fleet.web.api.examples import COMMUNE, GATEWAY, NOT_MODIFIED, REFUSALS, shown
from fleet.web.api.paging import PAGE_DEFAULT, After, Limit, answer, first_of, page_of
from fleet.web.api.problems import Problem
from fleet.web.process_parts import Shared

router = APIRouter(
    prefix="/api/v1",
    dependencies=[Depends(viewer)],
    tags=["network"],
    responses=REFUSALS | NOT_MODIFIED,
)
Eui = Annotated[str, Path(min_length=16, max_length=23, examples=["0016c001f12a3b4c"])]
INSTANT_LIMIT_US = 4_102_444_800_000_000
"""2100-01-01."""
OK_TO_STOP: dict[str, Any] = {
    "ok": False,
    "refusals": [
        {
            "eui": "0016c001f12a3b4c",
            "kind": "commune",
            "insee": "37281",
            "commune": "Vouvray",
            "sensors": 0,
            "out": [],
            "absences": [],
        }
    ],
    "degraded": [],
    "with": [],
}


@router.get("/gateways", responses={200: shown("One page.", {"items": [GATEWAY], "next": None})})
def list_gateways(
    request: Request,
    parts: Shared,
    limit: Limit = PAGE_DEFAULT,
    after: After = "",
) -> Response:
    """Return gateways by EUI: registry, present state, last heartbeat, configuration."""
    with parts.database.read() as connection:
        found = load_gateways_after(connection, after, limit + 1)
        chosen, following = first_of(found, limit, lambda one: one.eui)
        told = statuses(connection, [one.eui for one in chosen])
    items = [gateway_row(parts.network, one, told.get(one.eui)) for one in chosen]
    return answer(request, {"items": items, "next": following})


@router.get("/gateways/{eui}", responses={200: shown("One gateway.", GATEWAY)})
def show_gateway(request: Request, parts: Shared, eui: Eui) -> Response:
    """Return one gateway."""
    try:
        plain = parse_eui(eui)
    except ValueError as error:
        raise Problem(422, "Not an EUI", str(error), field="eui") from error
    with parts.database.read() as connection:
        gateway = load_gateway(connection, plain)
        told = statuses(connection, [plain])
    if gateway is None:
        raise Problem(404, "No such gateway", f"eui: no gateway {plain} in the registry", field="eui")
    return answer(request, gateway_row(parts.network, gateway, told.get(plain)))


@router.get("/communes", responses={200: shown("One page.", {"items": [COMMUNE], "next": None})})
def list_communes(
    request: Request,
    parts: Shared,
    limit: Limit = PAGE_DEFAULT,
    after: After = "",
) -> Response:
    """Return communes by INSEE code with their present state, those of the asker's territory."""
    with parts.database.read() as connection:
        communes = load_communes(connection)
    found = sorted(communes, key=lambda commune: commune.insee)
    chosen, following = page_of(found, [one.insee for one in found], limit=limit, after=after)
    now = parts.network.communes
    items = [
        {"insee": one.insee, "name": one.name, "epci": one.epci, "departement": one.departement}
        | {"population": one.population, "lat": one.lat, "lon": one.lon}
        | ({"now": now[one.insee]} if one.insee in now else {"now": None})
        for one in chosen
    ]
    return answer(request, {"items": items, "next": following})


@router.get("/ok-to-stop", responses={200: shown("Yes, or no with every reason.", OK_TO_STOP)})
def ok_to_stop(
    parts: Shared,
    eui: Annotated[list[str], Query(min_length=1, max_length=EUIS_LIMIT)],
    most: Annotated[int, Query(alias="max", ge=0, le=EUIS_LIMIT)] = 0,
    from_us: Annotated[int | None, Query(ge=0, le=INSTANT_LIMIT_US)] = None,
    until_us: Annotated[int | None, Query(ge=0, le=INSTANT_LIMIT_US)] = None,
) -> dict[str, Any]:
    """Return whether these gateways may be out together, and up to ``max`` others that may go with them."""
    now_us = parts.clock.now_us()
    first_us = now_us if from_us is None else from_us
    try:
        euis = [parse_eui(one) for one in eui]
        window = Window(first_us, first_us + OUT_US if until_us is None else until_us)
    except ValueError as error:
        field = "eui" if "window" not in str(error) else "until_us"
        raise Problem(422, "Not a question", str(error), field=field) from error
    mine = parts.network.gateways
    if parts.reach is not None and any(one not in mine for one in euis):
        raise Problem(404, "Not found", "no such gateway", field="eui")
    # Who may be out depends on neighbours that the asker does not see.
    whole = parts.whole or parts
    with whole.database.read() as connection:
        asked = ask(connection, whole.network, parts.settings.contract, euis=euis, window=window, most=most)
    told = document(asked)
    if parts.reach is not None:
        told["with"] = [one for one in told["with"] if one in mine]
    return told


def gateway_row(network: NetworkNow, gateway: Gateway, status: ConfigurationStatus | None) -> dict[str, Any]:
    """Return all that is known of one gateway; access notes are for people with a ticket."""
    now: GatewayNow | None = network.gateways.get(gateway.eui)
    beat = status.heartbeat if status else None
    return {
        "eui": gateway.eui,
        "name": gateway.name,
        "status": gateway.status,
        "site": {
            "key": gateway.site_key,
            "name": gateway.site_name,
            "kind": gateway.site_kind,
            "address": gateway.address,
            "lat": gateway.lat,
            "lon": gateway.lon,
        },
        "commune_insee": gateway.commune_insee,
        "backhaul_operator": gateway.backhaul_operator,
        "power_feeder": gateway.power_feeder,
        "hardware": gateway.hardware,
        "firmware": gateway.firmware,
        "antenna": gateway.antenna,
        "planned_on": gateway.planned_on,
        "accepted_at_us": gateway.accepted_at_us,
        "state": now.state if now else None,
        "since_us": now.since_us if now else None,
        "proved": now.proved if now else None,
        "suspect": now.suspect if now else None,
        "incoherent": now.incoherent if now else None,
        "cause": now.cause if now else None,
        "reason": in_words("en", now.reason) if now else None,
        "last_word_us": now.last_word_us if now else None,
        "radio": beat.radio.name if beat else None,
        "heartbeat": named(beat) if beat else None,
        "heartbeat_at_us": status.heartbeat_at_us if status else None,
        "config": _configuration(status),
    }


def _configuration(status: ConfigurationStatus | None) -> dict[str, Any] | None:
    if status is None:
        return None
    reported = status.reported
    return {
        "desired_version": status.desired_version,
        "desired_sha256": status.desired_sha256,
        "published": status.published,
        "confirmed_at_us": status.confirmed_at_us,
        "reported_version": reported.version if reported else None,
        "seen_version": reported.seen_version if reported else None,
        "state": ConfigState(reported.state).name if reported else None,
        "reason": in_words("en", reported.reason) if reported else None,
        "in_force": status.in_force,
    }

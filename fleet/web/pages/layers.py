"""Settings in layers: what each says, its history, what is not in force; a change is a rollout."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.configurations import layer_store
from fleet.configurations.layers import VARIABLES, LayerKey, LayerRefused, Scope, read_key
from fleet.configurations.working import working_versions
from fleet.identity.people import Person, Role
from fleet.rollouts.layering import LayerProposal, LayerWish, back_to, drift, propose_layer, start_layer
from fleet.rollouts.start import RolloutRefused
from fleet.rollouts.words import drift_in_words, layer_name, layer_refused_in_words, refused_in_words
from fleet.web.access import NotAllowed, form_guard, operator
from fleet.web.typed import Line
from fleet.web.views import rollouts as rollout_views
from fleet.web.views import settings
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
DRIFT_LIMIT = 200
"""Rows of the list; the command line tells all."""
CHANGES_LIMIT = 20
"""Gateways whose changes a preview shows."""


@router.get("/deploiements/couches", response_class=HTMLResponse)
def page(visit: Viewing, couche: str = "") -> HTMLResponse:
    """Show every layer, the history of one, and the drift."""
    with visit.database.read() as connection:
        return _page(visit, connection, {"layer": couche})


def _page(
    visit: Visit,
    connection: Connection,
    typed: dict[str, str],
    *,
    problem: str = "",
    wanted: LayerProposal | None = None,
) -> HTMLResponse:
    lang = visit.lang
    names = {one.eui: one.name for one in layer_store.load_abouts(connection).values()}
    drifts = drift(connection)
    proposal = wanted.proposal if wanted is not None else None
    touched = list(proposal.touched.items())[:CHANGES_LIMIT] if proposal is not None else []
    return visit.page(
        "pages/layers.html",
        connection,
        status=422 if problem else 200,
        layers=[(layer_name(lang, one.layer.key), one) for one in layer_store.newest_layers(connection)],
        history=_history(connection, typed.get("layer", "")),
        drifts=[
            (
                one,
                names.get(one.eui, one.eui),
                layer_name(lang, one.origin),
                drift_in_words(lang, one),
            )
            for one in drifts[:DRIFT_LIMIT]
        ],
        total=len(drifts),
        subjects=_subjects(connection),
        paths=_paths(visit, connection),
        variables=", ".join(f"{{{one}}}" for one in VARIABLES),
        typed={"layer": "", "path": "", "value": "", "reason": "", "to": ""} | typed,
        problem=problem,
        wanted=wanted,
        touched=[(names.get(eui, eui), changes) for eui, changes in touched],
        count=len(proposal.touched) if proposal is not None else 0,
        waves=rollout_views.wave_rows(visit.words, proposal.plan, names) if proposal is not None else [],
        may_push=_may(visit),
    )


def _may(visit: Visit) -> bool:
    """Return whether the person may change layers: an operator without a territory."""
    return visit.person is not None and visit.person.may(Role.OPERATOR) and visit.parts.reach is None


def _history(connection: Connection, text: str) -> list[layer_store.LayerVersion]:
    try:
        return layer_store.history(connection, read_key(text)) if text else []
    except LayerRefused:
        return []


def _subjects(connection: Connection) -> list[str]:
    """Return the layers that there could be, for the form; single gateways are typed."""
    keys = {LayerKey(Scope.FLEET)}
    for one in layer_store.load_abouts(connection).values():
        found = {
            Scope.DEPARTEMENT: one.departement,
            Scope.EPCI: one.epci,
            Scope.COMMUNE: one.insee,
            Scope.MODEL: one.model,
        }
        keys |= {LayerKey(scope, subject) for scope, subject in found.items() if subject}
    return [str(key) for key in sorted(keys, key=lambda key: (tuple(Scope).index(key.scope), key.subject))]


def _paths(visit: Visit, connection: Connection) -> list[tuple[str, str]]:
    """Return the settings that gateways have, with their names."""
    versions = list(working_versions(connection).values())[:1]
    fields = settings.fields_of(settings.groups_of(visit.words, versions))
    return [(one.path, one.label) for one in fields]


Pushing = Annotated[Person, Depends(operator)]


@router.post("/deploiements/couches", dependencies=[Depends(form_guard)])
def change(
    visit: Viewing,
    person: Pushing,
    *,
    layer: Annotated[Line, Form(max_length=250)] = "",
    path: Annotated[Line, Form(max_length=200)] = "",
    value: Annotated[Line, Form(max_length=1000)] = "",
    reason: Annotated[Line, Form(max_length=250)] = "",
    to: Annotated[Line, Form(max_length=9)] = "",
    really: Annotated[Line, Form(max_length=1)] = "",
) -> Response:
    """Show what a change of a layer would do, or begin it; ``to``: back to that version of it."""
    if not _may(visit):
        raise NotAllowed("role", "a layer is of the whole network")
    typed = {"layer": layer, "path": path, "value": value, "reason": reason, "to": to}
    with visit.database.read() as connection:
        try:
            wanted = propose_layer(connection, visit.network, visit.contract, _wish(connection, typed))
        except RolloutRefused as error:
            return _page(visit, connection, typed, problem=refused_in_words(visit.lang, error))
        except LayerRefused as error:
            return _page(visit, connection, typed, problem=layer_refused_in_words(visit.lang, error))
        if not really:
            return _page(visit, connection, typed, wanted=wanted)
    try:
        with visit.database.write() as connection:
            signing, rules = visit.parts.keys.signing, visit.parts.settings.two_persons
            number = start_layer(connection, signing, rules, wanted, who=person.name, now_us=visit.now_us)
    except RolloutRefused as error:
        raise HTTPException(409, refused_in_words(visit.lang, error)) from error
    except LayerRefused as error:
        raise HTTPException(409, layer_refused_in_words(visit.lang, error)) from error
    address = f"/deploiements/{number}" if number else "/deploiements/couches"
    key = "toast.rollout_started" if number else "toast.layer_kept"
    return leave_toast(RedirectResponse(address, SEE_OTHER), key)


def _wish(connection: Connection, typed: dict[str, str]) -> LayerWish:
    key = read_key(typed["layer"])
    if typed["to"].isdecimal():
        return back_to(connection, key, int(typed["to"]), typed["reason"])
    if not typed["value"]:
        return LayerWish(key=key, set={}, unset=[typed["path"]], reason=typed["reason"])
    return LayerWish(key=key, set={typed["path"]: typed["value"]}, reason=typed["reason"])

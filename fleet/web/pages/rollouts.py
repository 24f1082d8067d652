"""Configurations: desired beside reported, and the form that pushes a signed one to one gateway or all."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.configurations import push
from fleet.configurations.push import Version
from fleet.configurations.status import stands
from fleet.identity.people import Person, Role
from fleet.registry.store import Gateway, load_gateways
from fleet.web.access import form_guard, operator
from fleet.web.views import configurations as views
from fleet.web.views.configurations import ALL, PlanRefused
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
REASON_LIMIT = 300
LISTED_LIMIT = 200
"""Rows of the table, those that are not settled first; each gateway's own page tells the rest."""
FIELDS_LIMIT = 100
"""Settings of one form that are read."""


async def typed_form(request: Request) -> dict[str, str]:
    """Return the form's texts by name."""
    form = await request.form()
    return {name: value for name, value in list(form.items())[:FIELDS_LIMIT] if isinstance(value, str)}


Typed = Annotated[dict[str, str], Depends(typed_form)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Gateways and the newest version of each, as far as the form is about them."""

    gateways: list[Gateway]
    versions: dict[str, Version]
    target: str

    @property
    def chosen(self) -> dict[str, Version]:
        """The versions that the form would change."""
        if self.target == ALL:
            return self.versions
        return {eui: one for eui, one in self.versions.items() if eui == self.target}

    @property
    def names(self) -> dict[str, str]:
        """EUI → name."""
        return {one.eui: one.name for one in self.gateways}


def _desk(connection: Connection, target: str) -> Desk:
    gateways = load_gateways(connection)
    found = push.all_desired(connection)
    versions = {one.eui: found[one.eui] for one in gateways if one.eui in found}
    return Desk(gateways=gateways, versions=versions, target=target if target in versions else ALL)


@router.get("/deploiements", response_class=HTMLResponse)
def page(visit: Viewing, eui: str = ALL) -> HTMLResponse:
    """Show where every gateway stands, and the form."""
    with visit.database.read() as connection:
        return _page(visit, connection, _desk(connection, eui))


def _page(
    visit: Visit,
    connection: Connection,
    desk: Desk,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
    wrong: PlanRefused | None = None,
) -> HTMLResponse:
    told = stands(connection, [one.eui for one in desk.gateways])
    rows = views.rows_of(desk.gateways, told, desk.versions)
    targets = [(ALL, visit.words.t("rollouts.all", count=len(desk.versions)))]
    targets += [(one.eui, one.name) for one in desk.gateways if one.eui in desk.versions]
    return visit.page(
        "pages/rollouts.html",
        connection,
        status=422 if problem else 200,
        rows=rows[:LISTED_LIMIT],
        total=len(rows),
        agreed=sum(row.step == "running" for row in rows),
        may_push=visit.person is not None and visit.person.may(Role.OPERATOR),
        base=bool(desk.versions),
        targets=targets,
        target=desk.target,
        fields=views.fields_of(visit.words, desk.chosen.values(), typed or {}, wrong),
        typed_reason=(typed or {}).get("reason", ""),
        problem=problem,
    )


def _planned(
    visit: Visit, connection: Connection, typed: dict[str, str]
) -> tuple[Desk, dict[str, str], list[views.Planned]] | HTMLResponse:
    """Return the plan of what was typed, or the form again with what is wrong."""
    desk = _desk(connection, typed.get("target", ALL))
    shown = views.fields_of(visit.words, desk.chosen.values(), {}, None)
    fields = views.fields_of(visit.words, desk.chosen.values(), typed, None)
    changes = views.changes_of(fields, shown)
    try:
        plan = views.plan_of(desk.chosen, desk.names, changes)
    except PlanRefused as error:
        return _page(
            visit, connection, desk, typed=typed, problem=visit.words.refusal(error.why), wrong=error
        )
    if not plan:
        problem = visit.words.t("rollouts.nothing")
        return _page(visit, connection, desk, typed=typed, problem=problem)
    return desk, changes, plan


Pushing = Annotated[Person, Depends(operator)]
Guarded: Any = [Depends(form_guard)]


@router.post("/deploiements/apercu", response_class=HTMLResponse, dependencies=Guarded)
def preview(visit: Viewing, person: Pushing, typed: Typed) -> HTMLResponse:
    """Show what would change, where, and ask once."""
    del person
    with visit.database.read() as connection:
        outcome = _planned(visit, connection, typed)
        if isinstance(outcome, HTMLResponse):
            return outcome
        desk, changes, plan = outcome
        euis = {one.eui for one in plan}
        touched = [one for one in visit.network.communes.values() if euis & set(one.members)]
        return visit.page(
            "pages/rollout_preview.html",
            connection,
            plan=plan,
            changes=changes,
            communes=len(touched),
            service=views.touches_service(plan),
            target=desk.target,
            stamp=views.stamp_of(desk.chosen),
            typed_reason=typed.get("reason", "")[:REASON_LIMIT],
            trial_minutes=max(one.configuration.intervals.config_trial_s for one in plan) // 60,
        )


@router.post("/deploiements", dependencies=Guarded)
def send(visit: Viewing, person: Pushing, typed: Typed) -> Response:
    """Sign a new version for each gateway of the plan and queue it."""
    signing = visit.parts.keys.signing
    with visit.database.write() as connection:
        outcome = _planned(visit, connection, typed)
        if isinstance(outcome, HTMLResponse):
            return outcome
        desk, _, plan = outcome
        if typed.get("stamp") != views.stamp_of(desk.chosen):
            raise HTTPException(409, visit.words.t("rollouts.stale"))
        for one in plan:
            push.request(
                connection,
                signing,
                eui=one.eui,
                configuration=one.configuration,
                who=person.name,
                now_us=visit.now_us,
                reason=typed.get("reason", "")[:REASON_LIMIT],
            )
    return leave_toast(RedirectResponse("/deploiements", SEE_OTHER), "toast.pushed", count=len(plan))

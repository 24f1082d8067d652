"""Configurations: desired beside reported, and the form that pushes a signed one to one gateway or all."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.configurations.issue import issue_version
from fleet.configurations.status import statuses
from fleet.configurations.store import Version, newest_versions
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
class RolloutForm:
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


def _rollout_form(connection: Connection, target: str) -> RolloutForm:
    gateways = load_gateways(connection)
    found = newest_versions(connection)
    versions = {one.eui: found[one.eui] for one in gateways if one.eui in found}
    return RolloutForm(gateways=gateways, versions=versions, target=target if target in versions else ALL)


@router.get("/deploiements", response_class=HTMLResponse)
def page(visit: Viewing, eui: str = ALL) -> HTMLResponse:
    """Show where every gateway stands, and the form."""
    with visit.database.read() as connection:
        return _page(visit, connection, _rollout_form(connection, eui))


def _page(
    visit: Visit,
    connection: Connection,
    form: RolloutForm,
    *,
    typed: dict[str, str] | None = None,
    problem: str = "",
    wrong: PlanRefused | None = None,
) -> HTMLResponse:
    found = statuses(connection, [one.eui for one in form.gateways])
    rows = views.rows_of(form.gateways, found, form.versions)
    targets = [(ALL, visit.words.t("rollouts.all", count=len(form.versions)))]
    targets += [(one.eui, one.name) for one in form.gateways if one.eui in form.versions]
    return visit.page(
        "pages/rollouts.html",
        connection,
        status=422 if problem else 200,
        rows=rows[:LISTED_LIMIT],
        total=len(rows),
        agreed=sum(row.step == "running" for row in rows),
        may_push=visit.person is not None and visit.person.may(Role.OPERATOR),
        base=bool(form.versions),
        targets=targets,
        target=form.target,
        fields=views.fields_of(visit.words, form.chosen.values(), typed or {}, wrong),
        typed_reason=(typed or {}).get("reason", ""),
        problem=problem,
    )


def _planned(
    visit: Visit, connection: Connection, typed: dict[str, str]
) -> tuple[RolloutForm, dict[str, str], list[views.Planned]] | HTMLResponse:
    """Return the plan of what was typed, or the form again with what is wrong."""
    form = _rollout_form(connection, typed.get("target", ALL))
    shown = views.fields_of(visit.words, form.chosen.values(), {}, None)
    fields = views.fields_of(visit.words, form.chosen.values(), typed, None)
    changes = views.changes_of(fields, shown)
    try:
        plan = views.plan_of(form.chosen, form.names, changes)
    except PlanRefused as error:
        return _page(
            visit, connection, form, typed=typed, problem=visit.words.refusal(error.why), wrong=error
        )
    if not plan:
        problem = visit.words.t("rollouts.nothing")
        return _page(visit, connection, form, typed=typed, problem=problem)
    return form, changes, plan


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
        form, changes, plan = outcome
        euis = {one.eui for one in plan}
        touched = [one for one in visit.network.communes.values() if euis & set(one.members)]
        return visit.page(
            "pages/rollout_preview.html",
            connection,
            plan=plan,
            changes=changes,
            communes=len(touched),
            service=views.touches_service(plan),
            target=form.target,
            stamp=views.stamp_of(form.chosen),
            typed_reason=typed.get("reason", "")[:REASON_LIMIT],
            trial_minutes=max(one.configuration.intervals.config_trial_s for one in plan) // 60,
        )


@router.post("/deploiements", dependencies=Guarded)
def send(visit: Viewing, person: Pushing, typed: Typed) -> Response:
    """Sign a new version for each gateway of the plan and queue it."""
    signing = visit.parts.keys.signing
    with visit.database.read() as connection:
        outcome = _planned(visit, connection, typed)
    if isinstance(outcome, HTMLResponse):
        return outcome
    form, _, plan = outcome
    stamp = views.stamp_of(form.chosen)
    with visit.database.write() as connection:
        if not typed.get("stamp") == stamp == views.stamp_of(_rollout_form(connection, form.target).chosen):
            raise HTTPException(409, visit.words.t("rollouts.stale"))
        for one in plan:
            issue_version(
                connection,
                signing,
                eui=one.eui,
                configuration=one.configuration,
                who=person.name,
                now_us=visit.now_us,
                reason=typed.get("reason", "")[:REASON_LIMIT],
            )
    return leave_toast(RedirectResponse("/deploiements", SEE_OTHER), "toast.pushed", count=len(plan))

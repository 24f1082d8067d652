"""Configurations: desired beside reported, and the form: one gateway, or a rollout over all."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlalchemy import Connection

from fleet.approvals import model as approvals
from fleet.approvals.store import ApprovalRefused, open_requests, recent
from fleet.configurations.genuine import Forged
from fleet.configurations.status import statuses
from fleet.configurations.store import Version
from fleet.configurations.working import working_versions
from fleet.facts.months import Window
from fleet.identity.people import Person, Role
from fleet.lang.text import collation, one_line
from fleet.registry.store import Gateway, load_gateways
from fleet.rollouts import summaries
from fleet.rollouts.asking import ask
from fleet.rollouts.model import RolloutSettings
from fleet.rollouts.releases import WANTED, release_changes
from fleet.rollouts.requests import push_or_ask
from fleet.rollouts.single import Change, Unsafe, WeighedChange, weigh
from fleet.rollouts.start import RolloutRefused, Wish, propose, start
from fleet.rollouts.words import refused_in_words
from fleet.safety.absences import OUT_US
from fleet.safety.model import REPAIR_LIMITS, Answer
from fleet.safety.words import degraded_in_words, refusal_in_words
from fleet.trust.repository import Repository
from fleet.web.access import form_guard, operator
from fleet.web.views import configurations as views
from fleet.web.views import requests as requests_view
from fleet.web.views import rollouts as rollout_views
from fleet.web.views import settings
from fleet.web.views.configurations import ALL, PlanRefused
from fleet.web.visit import Viewing, Visit, leave_toast

router = APIRouter()
SEE_OTHER = 303
REASON_LIMIT = 300
LISTED_LIMIT = 200
"""Rows of the table, those that are not settled first; each gateway's own page tells the rest."""
DECIDED_LIMIT = 10
"""Newest requests that are over."""
FIELDS_LIMIT = 500
"""Fields of one form, enough for 17 connectors; more are refused, for a cut form loses its reason."""


async def typed_form(request: Request) -> dict[str, str]:
    """Return the form's texts by name, folded."""
    form = await request.form()
    if len(form) > FIELDS_LIMIT:
        raise HTTPException(413)
    return {name: one_line(value) for name, value in form.items() if isinstance(value, str)}


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
    gateways = sorted(load_gateways(connection), key=lambda one: collation(one.name))
    found = working_versions(connection)
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
    errors = {wrong.path: visit.words.refusal(wrong.why)} if wrong is not None else {}
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
        groups=settings.groups_of(visit.words, form.chosen.values(), typed or {}, errors),
        typed_reason=(typed or {}).get("reason", ""),
        problem=problem,
        requests=[requests_view.line_of(visit.words, one, visit.person) for one in open_requests(connection)],
        decided=[
            requests_view.line_of(visit.words, one, visit.person)
            for one in recent(connection)
            if one.state not in approvals.OPEN
        ][:DECIDED_LIMIT],
        forged=visit.parts.engine.outgoing.forged,
        rollouts=[rollout_views.rollout_row(visit.words, one) for one in summaries.recent(connection)],
    )


def _planned(
    visit: Visit, connection: Connection, typed: dict[str, str]
) -> tuple[RolloutForm, dict[str, str], list[views.Planned]] | HTMLResponse:
    """Return the plan of what was typed, or the form again with what is wrong."""
    form = _rollout_form(connection, typed.get("target", ALL))
    shown = settings.fields_of(settings.groups_of(visit.words, form.chosen.values()))
    changes = settings.changes_of(shown, typed)
    try:
        if name := changes.get(WANTED):
            repository = Repository(visit.parts.settings.data)
            changes = {**changes, **release_changes(repository, name, visit.now_us)}
        plan = views.plan_of(form.chosen, form.names, changes)
    except RolloutRefused as error:
        problem = refused_in_words(visit.lang, error)
        return _page(visit, connection, form, typed=typed, problem=problem)
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
    """Show what would change, where, in which order, who would suffer, and ask once."""
    del person
    with visit.database.read() as connection:
        outcome = _planned(visit, connection, typed)
        if isinstance(outcome, HTMLResponse):
            return outcome
        form, changes, plan = outcome
        wide = form.target == ALL
        try:
            proposal = (
                propose(connection, visit.network, visit.contract, _wish(changes, typed)) if wide else None
            )
        except RolloutRefused as error:
            problem = refused_in_words(visit.lang, error)
            return _page(visit, connection, form, typed=typed, problem=problem)
        euis = {one.eui for one in plan}
        touched = [one for one in visit.network.communes.values() if euis & set(one.members)]
        service = views.touches_service(form.chosen, plan)
        answer = None if wide or not service else _asked(visit, connection, form.target)
        names = {one.eui: one.name for one in form.gateways}
        return visit.page(
            "pages/rollout_preview.html",
            connection,
            plan=plan[:LISTED_LIMIT],
            total=len(plan),
            changes=changes,
            communes=len(touched),
            service=service,
            target=form.target,
            second=visit.parts.settings.two_persons.concerns({path for one in plan for path in one.changes}),
            stamp=views.stamp_of(form.chosen),
            typed_reason=typed.get("reason", "")[:REASON_LIMIT],
            trial_minutes=max(one.configuration.intervals.config_trial_s for one in plan) // 60,
            held_back=len(proposal.held_back) if proposal else 0,
            waves=rollout_views.wave_rows(visit.words, proposal.plan, names) if proposal else [],
            end_us=visit.now_us + proposal.plan.length_us if proposal else 0,
            refusals=[refusal_in_words(visit.lang, one, names) for one in answer.refusals] if answer else [],
            degraded=[degraded_in_words(visit.lang, one) for one in answer.degraded] if answer else [],
        )


def _wish(changes: dict[str, str], typed: dict[str, str]) -> Wish:
    reason = typed.get("reason", "")[:REASON_LIMIT]
    return Wish(changes=changes, reason=reason, settings=RolloutSettings(new_ones_join=True))


def _asked(visit: Visit, connection: Connection, eui: str) -> Answer:
    window = Window(visit.now_us, visit.now_us + OUT_US)
    asked = ask(connection, visit.network, visit.contract, euis=[eui], window=window, limits=REPAIR_LIMITS)
    return asked.answer


@router.post("/deploiements", dependencies=Guarded)
def send(visit: Viewing, person: Pushing, typed: Typed) -> Response:
    """Begin a rollout over all gateways, or sign a new version for one."""
    with visit.database.read() as connection:
        outcome = _planned(visit, connection, typed)
        if isinstance(outcome, HTMLResponse):
            return outcome
        form, changes, _ = outcome
        stamp = views.stamp_of(form.chosen)
        wish = _wish(changes, typed)
        try:
            wide = form.target == ALL
            proposal = propose(connection, visit.network, visit.contract, wish) if wide else None
            weighed = None if wide else _weighed(visit, connection, form.target, wish, typed)
        except RolloutRefused as error:
            raise HTTPException(409, refused_in_words(visit.lang, error)) from error
        except Unsafe as error:
            names = {one.eui: one.name for one in form.gateways}
            words = " ".join(refusal_in_words(visit.lang, one, names) for one in error.refusals)
            raise HTTPException(409, words) from error
    try:
        with visit.database.write() as connection:
            if (
                not typed.get("stamp")
                == stamp
                == views.stamp_of(_rollout_form(connection, form.target).chosen)
            ):
                raise HTTPException(409, visit.words.t("rollouts.stale"))
            asked = _push(visit, connection, person.name, weighed, typed) if weighed is not None else None
            key, rules = visit.parts.keys.signing, visit.parts.settings.two_persons
            begin: dict[str, Any] = {"who": person.name, "now_us": visit.now_us}
            number = start(connection, key, rules, proposal, wish, **begin) if proposal else 0
    except RolloutRefused as error:
        raise HTTPException(409, refused_in_words(visit.lang, error)) from error
    except ApprovalRefused as error:
        raise HTTPException(409, visit.words.t(error.key, **error.values)) from error
    except Forged as error:
        raise HTTPException(409, visit.words.t("approval.forged")) from error
    if isinstance(asked, approvals.Request):
        answer = RedirectResponse(f"/deploiements#demande-{asked.id}", SEE_OTHER)
        return leave_toast(answer, "toast.approval.asked", number=asked.id)
    if not number:
        return leave_toast(RedirectResponse("/deploiements", SEE_OTHER), "toast.pushed", count=1)
    return leave_toast(RedirectResponse(f"/deploiements/{number}", SEE_OTHER), "toast.rollout_started")


def _weighed(
    visit: Visit, connection: Connection, eui: str, wish: Wish, typed: dict[str, str]
) -> WeighedChange:
    despite = typed.get("despite", "").strip()[:REASON_LIMIT]
    wanted = Change(eui=eui, changes=wish.changes, reason=wish.reason, despite=despite)
    return weigh(connection, wanted, network=visit.network, contract=visit.contract, now_us=visit.now_us)


def _push(
    visit: Visit, connection: Connection, who: str, weighed: WeighedChange, typed: dict[str, str]
) -> int | approvals.Request:
    return push_or_ask(
        connection,
        visit.parts.keys.signing,
        visit.parts.settings.two_persons,
        weighed,
        contract=visit.contract,
        who=who,
        now_us=visit.now_us,
        emergency=bool(typed.get("emergency")),
    )

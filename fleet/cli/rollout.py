"""`passerelle fleet rollout …`: change many gateways in waves, one redundancy at a time."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from agent.wire.eui import parse_eui
from fleet.approvals.model import RequestKind
from fleet.approvals.store import ApprovalRefused, of_subject
from fleet.cli.changes import approvals_commands
from fleet.cli.commands import assignment, open_fleet
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.identity.foundation import read_keys
from fleet.lang.format import duration, moment
from fleet.lang.i18n import t
from fleet.live.restore import restored_network
from fleet.rollouts import releases, store
from fleet.rollouts.authorised import subject_of
from fleet.rollouts.judging import ruling_of
from fleet.rollouts.model import DEFAULT_SETTINGS, RolloutSettings, Step
from fleet.rollouts.plan import Plan
from fleet.rollouts.releases import release_changes
from fleet.rollouts.revoking import revoke_rollout
from fleet.rollouts.start import Order, Proposal, RolloutRefused, Wish, give, propose, start
from fleet.rollouts.store import StoredRollout
from fleet.rollouts.summaries import summary_of
from fleet.rollouts.words import hold_in_words, refused_in_words, ruling_in_words, wave_name
from fleet.trust.repository import Repository

app = typer.Typer(no_args_is_help=True, help=__doc__)
Set = Annotated[list[str] | None, Option("--set", help="PATH=VALUE; may be repeated.")]
Release = Annotated[
    str, Option(help="Release of the agent that gateways bring and run; `base`: that of the card.")
]
Reason = Annotated[str, Option(help="Why; lands in the audit trail and on the page.")]
Number = Annotated[int, typer.Argument(help="Number of the rollout.")]
approvals_commands(app)
LISTED_LIMIT = 20
"""Gateways that one answer names."""


@app.command()
def plan(  # noqa: PLR0917 typer passes by name
    data: Data,
    set_: Set = None,
    reason: Reason = "-",
    release: Release = "",
    eui: Annotated[list[str] | None, Option(help="Only these gateways; may be repeated.")] = None,
    lab: Annotated[list[str] | None, Option(help="EUIs of the first wave.")] = None,
    canaries: Annotated[int, Option(help="Gateways of the second wave.")] = DEFAULT_SETTINGS.canary_gateways,
    lang: Lang = "",
) -> None:
    """Show waves, batches, who is held and why, and when it would be over; changes nothing."""
    _begin(data, _wish(data, set_, release, reason, eui, lab, canaries), lang, really=False)


@app.command("start")
def start_(  # noqa: PLR0917 typer passes by name
    data: Data,
    reason: Reason,
    set_: Set = None,
    release: Release = "",
    eui: Annotated[list[str] | None, Option(help="Only these gateways; may be repeated.")] = None,
    lab: Annotated[list[str] | None, Option(help="EUIs of the first wave.")] = None,
    canaries: Annotated[int, Option(help="Gateways of the second wave.")] = DEFAULT_SETTINGS.canary_gateways,
    lang: Lang = "",
) -> None:
    """Start it; `fleet serve` carries it out."""
    _begin(data, _wish(data, set_, release, reason, eui, lab, canaries), lang, really=True)


def _wish(  # noqa: PLR0917 one wish
    data: Path,
    set_: list[str] | None,
    release: str,
    reason: str,
    eui: list[str] | None,
    lab: list[str] | None,
    canaries: int,
) -> Wish:
    changes = dict(assignment(text) for text in set_ or ())
    if release:
        try:
            changes |= release_changes(Repository(data), release, SystemClock().now_us())
        except RolloutRefused as error:
            raise MistakeError(refused_in_words(spoken(""), error)) from error
    if not changes:
        raise MistakeError(t(spoken(""), "rollout.refused.empty"))
    return Wish(
        changes=changes,
        reason=reason,
        euis=[parse_eui(one) for one in eui or ()],
        lab=[parse_eui(one) for one in lab or ()],
        settings=RolloutSettings(canary_gateways=canaries, new_ones_join=not eui),
    )


def _begin(data: Path, wish: Wish, lang: str, *, really: bool) -> None:
    lang = spoken(lang)
    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database):
        try:
            with database.read() as connection:
                network = restored_network(connection, settings.contract, now_us)
                proposal = propose(connection, network, settings.contract, wish)
            names = {one.eui: one.name for one in network.gateways.values()}
            lines = plan_lines(proposal.plan, names, lang, now_us) + change_lines(proposal)
            lines += held_back_lines(proposal, names, lang)
            if really:
                key, rules, who = read_keys(data).signing, settings.two_persons, audit.COMMAND_LINE
                with database.write() as connection:
                    number = start(connection, key, rules, proposal, wish, who=who, now_us=now_us)
                    asked = of_subject(connection, RequestKind.ROLLOUT, subject_of(number))
                waits = asked is not None and asked.needs_second
                lines.append(t(lang, "rollout.waits" if waits else "rollout.started", number=number))
                lines += [t(lang, "approval.asked", number=asked.id)] if waits and asked is not None else []
        except RolloutRefused as error:
            raise MistakeError(refused_in_words(lang, error)) from error
        except ApprovalRefused as error:
            raise MistakeError(t(lang, error.key, **error.values)) from error
    print("\n".join(lines))


def plan_lines(plan_: Plan, names: dict[str, str], lang: str, now_us: int) -> list[str]:
    """Return the waves of a plan, who is held, and when it would be over."""
    lines = []
    for one in plan_.waves:
        if not one.euis:
            continue
        name, soak = wave_name(lang, one.wave.name), duration(lang, one.wave.soak_us)
        count, batches = len(one.euis), len(one.batches)
        lines.append(t(lang, "rollout.plan.wave", wave=name, count=count, batches=batches, soak=soak))
        lines += [f"    {t(lang, 'rollout.plan.held')} {names[eui]}" for eui in one.held[:LISTED_LIMIT]]
    return [*lines, t(lang, "rollout.plan.end", end=moment(lang, now_us + plan_.length_us, seconds=False))]


def change_lines(proposal: Proposal) -> list[str]:
    """Return what would change, setting by setting."""
    changes = {(path, *values) for found in proposal.touched.values() for path, values in found.items()}
    return [f"    {path}: {before} → {after}" for path, before, after in sorted(changes)[:LISTED_LIMIT]]


def held_back_lines(proposal: Proposal, names: dict[str, str], lang: str) -> list[str]:
    """Return who is left out because its agent is too old; nothing for nobody."""
    if not proposal.held_back:
        return []
    some = [f"    {names.get(eui, eui)}" for eui in proposal.held_back[:LISTED_LIMIT]]
    return [t(lang, "rollout.held_back", count=len(proposal.held_back)), *some]


@app.command()
def status(
    data: Data, number: Annotated[int, typer.Argument(help="0: all that are open.")] = 0, lang: Lang = ""
) -> None:
    """Show where rollouts are, and who is held or failed and why."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        one = store.get(connection, number) if number else None
        found = [one] if one else store.open_rollouts(connection)
    if number and one is None:
        raise MistakeError(t(lang, "rollout.refused.unknown", number=number))
    print(
        "\n".join(line for stored in found for line in _status_lines(stored, lang)) or t(lang, "rollout.none")
    )


def _status_lines(stored: StoredRollout, lang: str) -> list[str]:
    rollout = stored.rollout
    wave = wave_name(lang, rollout.waves[rollout.wave].name)
    state = t(lang, f"rollout.state.{rollout.state}")
    counts = ", ".join(
        f"{t(lang, f'rollout.step.{step}')} {count}" for step, count in summary_of(stored).counts.items()
    )
    lines = [f"{stored.name} · {stored.reason} · {state} · {wave} · {counts}"]
    lines += [f"    {one}" for one in ruling_in_words(lang, ruling_of(stored))]
    waiting = [one for one in rollout.steps.values() if one.step is Step.FAILED or one.hold]
    return lines + [f"    {one.eui}  {hold_in_words(lang, one, {})}" for one in waiting[:LISTED_LIMIT]]


def _ordered(data: Path, number: int, order: Order, *, reason: str, lang: str, from_wave: int = 0) -> None:
    lang = spoken(lang)
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    try:
        with closing(database), database.write() as connection:
            give(
                connection,
                number,
                order,
                who=audit.COMMAND_LINE,
                now_us=now_us,
                reason=reason,
                from_wave=from_wave,
            )
    except RolloutRefused as error:
        raise MistakeError(refused_in_words(lang, error)) from error
    print(t(lang, f"rollout.ordered.{order}", number=number))


@app.command()
def pause(data: Data, number: Number, reason: Reason = "", lang: Lang = "") -> None:
    """Let nothing new begin; what began ends."""
    _ordered(data, number, Order.PAUSE, reason=reason, lang=lang)


@app.command()
def resume(data: Data, number: Number, reason: Reason = "", lang: Lang = "") -> None:
    """Go on; failures so far are forgiven."""
    _ordered(data, number, Order.RESUME, reason=reason, lang=lang)


@app.command()
def halt(data: Data, number: Number, reason: Reason, lang: Lang = "") -> None:
    """Stop for good."""
    _ordered(data, number, Order.HALT, reason=reason, lang=lang)


@app.command()
def accept(data: Data, number: Number, reason: Reason, lang: Lang = "") -> None:
    """Let the wave that is watched pass by your own decision, whatever was measured; its soak still ends."""
    _ordered(data, number, Order.ACCEPT, reason=reason, lang=lang)


@app.command()
def revoke(data: Data, number: Number, reason: Reason, lang: Lang = "") -> None:
    """Revoke a rollout for good: nothing of it is sent again, gateways that run it go back."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    now_us, who = SystemClock().now_us(), audit.COMMAND_LINE
    try:
        with closing(database), database.write() as connection:
            count = revoke_rollout(connection, number, who=who, reason=reason, now_us=now_us)
    except RolloutRefused as error:
        raise MistakeError(refused_in_words(lang, error)) from error
    print(t(lang, "rollout.revoked.done", number=number, count=count))


@app.command()
def revoke_release(data: Data, name: str, reason: Reason, lang: Lang = "") -> None:
    """Revoke every rollout of a release of the agent: gateways that run it go back."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    now_us, who = SystemClock().now_us(), audit.COMMAND_LINE
    try:
        with closing(database), database.write() as connection:
            numbers = releases.revoke_release(connection, name, who=who, reason=reason, now_us=now_us)
            wanting = releases.still_wanting(connection, name)
    except RolloutRefused as error:
        raise MistakeError(refused_in_words(lang, error)) from error
    print(t(lang, "rollout.release_revoked", name=name, numbers=", ".join(map(str, numbers))))
    if wanting:
        euis = ", ".join(wanting[:LISTED_LIMIT])
        print(t(lang, "rollout.release_wanting", name=name, count=len(wanting), euis=euis))


@app.command()
def rollback(
    data: Data,
    number: Number,
    reason: Reason,
    from_wave: Annotated[int, Option(help="First wave that goes back; 1 is the first.", min=1)] = 1,
    lang: Lang = "",
) -> None:
    """Give gateways back what they ran before, one redundancy at a time."""
    _ordered(data, number, Order.ROLL_BACK, reason=reason, lang=lang, from_wave=from_wave - 1)

"""`fleet configure`, and `fleet rollout requests|approve|refuse|cancel`: what a second person decides.

Who decides logs in for it: the command line alone is nobody, so that the author cannot be the second person.
"""

import json
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from agent.wire.eui import parse_eui
from fleet.approvals.model import Confirmation, Request
from fleet.approvals.store import ApprovalRefused, Choice, open_requests, recent
from fleet.cli.commands import open_fleet, typed_password
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.configurations.genuine import Forged
from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.identity.foundation import read_keys
from fleet.identity.login import confirm
from fleet.identity.people import Role
from fleet.identity.totp import Vault
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.live.restore import restored_network
from fleet.rollouts.authorised import about
from fleet.rollouts.requests import changes_of, decided, document_of, push_or_ask
from fleet.rollouts.revoking import revoke_version, weigh_revocation
from fleet.rollouts.single import Change, Unsafe, weigh
from fleet.rollouts.start import RolloutRefused
from fleet.rollouts.words import refused_in_words
from fleet.safety.words import refusal_in_words

Number = Annotated[int, Argument(help="Number of the request.")]
Name = Annotated[str, Option("--as", help="Login name of who decides; the password is asked for.")]
Code = Annotated[str, Option(help="Six digits, where the account has a second factor.")]
Reason = Annotated[str, Option(help="Why; refusing and cancelling want one.")]


def approvals_commands(app: typer.Typer) -> None:
    """Add the commands of the second person to ``app``."""
    app.command("requests")(requests)
    app.command("approve")(approve)
    app.command("refuse")(refuse)
    app.command("cancel")(cancel)
    app.command("revoke-version")(revoke_one)


def configure(data: Path, wanted: Change, *, emergency: bool = False) -> str:
    """Sign a changed configuration for one gateway, or ask a second person for it.

    Raises:
        MistakeError: it would harm, a rollout works on it, or it has no configuration yet.
    """
    settings, database = open_fleet(data)
    keys = read_keys(data)
    now_us = SystemClock().now_us()
    with closing(database):
        with database.read() as connection:
            network = restored_network(connection, settings.contract, now_us)
        contract, who = settings.contract, audit.COMMAND_LINE
        try:
            with database.read() as connection:
                weighed = weigh(connection, wanted, network=network, contract=contract, now_us=now_us)
            with database.write() as connection:
                sent = push_or_ask(
                    connection,
                    keys.signing,
                    settings.two_persons,
                    weighed,
                    contract=contract,
                    who=who,
                    now_us=now_us,
                    emergency=emergency,
                )
        except RolloutRefused as error:
            raise MistakeError(refused_in_words(spoken(), error)) from error
        except ApprovalRefused as error:
            raise MistakeError(t(spoken(), error.key, **error.values)) from error
        except Forged as error:
            raise MistakeError(f"{error}; {t(spoken(), 'approval.forged')}") from error
        except Unsafe as error:
            names = {one.eui: one.name for one in network.gateways.values()}
            why = " ".join(refusal_in_words(spoken(), one, names) for one in error.refusals)
            raise MistakeError(f"{why} {t(spoken(), 'cli.configure.despite')}") from error
    if isinstance(sent, Request):
        return t(spoken(), "approval.asked", number=sent.id)
    return f"{wanted.eui}: version {sent} requested"


def revoke_one(
    data: Data,
    eui: Annotated[str, Option(help="The gateway.")],
    version: Annotated[int, Option(help="Number of the version.")],
    reason: Reason,
    despite: Annotated[str, Option(help="Why it goes back although somebody loses service.")] = "",
) -> None:
    """Revoke one version of a gateway: it is never sent again, and taken back where it runs."""
    settings, database = open_fleet(data)
    key, now_us = read_keys(data).signing, SystemClock().now_us()
    wanted = Change(eui=parse_eui(eui), changes={}, reason=reason, retry=True, despite=despite)
    with closing(database):
        with database.read() as connection:
            network = restored_network(connection, settings.contract, now_us)
        told: dict[str, Any] = {"contract": settings.contract, "now_us": now_us}
        try:
            with database.read() as connection:
                weighed = weigh_revocation(connection, wanted, version, network=network, **told)
            with database.write() as connection:
                who = audit.COMMAND_LINE
                back = revoke_version(connection, key, wanted, version, weighed, who=who, **told)
        except RolloutRefused as error:
            raise MistakeError(refused_in_words(spoken(), error)) from error
        except Unsafe as error:
            names = {one.eui: one.name for one in network.gateways.values()}
            why = " ".join(refusal_in_words(spoken(), one, names) for one in error.refusals)
            raise MistakeError(f"{why} {t(spoken(), 'cli.configure.despite')}") from error
    print(f"{wanted.eui}: version {version} revoked" + (f"; version {back} takes it back" if back else ""))


def requests(
    data: Data,
    everything: Annotated[bool, Option("--all", help="Those that are over too.")] = False,
    as_json: Annotated[bool, Option("--json", help="One JSON document.")] = False,
    lang: Lang = "",
) -> None:
    """Show what waits for a second person."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = recent(connection) if everything else open_requests(connection)
    if as_json:
        print(json.dumps([document_of(one) for one in found], ensure_ascii=False, indent=1))
        return
    print("\n".join(line for one in found for line in _lines(one, lang)) or t(lang, "approval.none"))


def _lines(one: Request, lang: str) -> list[str]:
    until = moment(lang, one.expires_at_us)
    state = t(
        lang, f"approval.state.{one.state}", until=until, who=one.decided_by, due="", why=one.decided_why
    )
    head = f"{t(lang, 'approval.number', number=one.id)} · {about(one, lang)} · {one.author} · {one.reason}"
    return [f"{head} · {state}", *(f"    {path} = {value}" for path, value in changes_of(one).items())]


def approve(  # noqa: PLR0917 typer passes by name
    data: Data, number: Number, name: Name, reason: Reason = "", code: Code = "", lang: Lang = ""
) -> None:
    """Approve a request of another person; an account of the command line does not approve its own."""
    _decide(data, number, Choice.APPROVE, name=name, reason=reason, code=code, lang=lang)


def refuse(  # noqa: PLR0917 typer passes by name
    data: Data, number: Number, name: Name, reason: Reason, code: Code = "", lang: Lang = ""
) -> None:
    """Refuse a request: nothing of it is sent."""
    _decide(data, number, Choice.REFUSE, name=name, reason=reason, code=code, lang=lang)


def cancel(  # noqa: PLR0917 typer passes by name
    data: Data, number: Number, name: Name, reason: Reason, code: Code = "", lang: Lang = ""
) -> None:
    """Take your own request back, or stop the countdown of an approved push."""
    _decide(data, number, Choice.CANCEL, name=name, reason=reason, code=code, lang=lang)


def _decide(data: Path, number: int, choice: Choice, *, name: str, reason: str, code: str, lang: str) -> None:
    lang = spoken(lang)
    settings, database = open_fleet(data)
    key, rules, now_us = read_keys(data).signing, settings.two_persons, SystemClock().now_us()
    password = typed_password(name)
    with closing(database):
        proved = confirm(database, name, password, now_us, vault=Vault(settings.keys), code=code)
        if proved is None or proved.role not in (Role.OPERATOR, Role.ADMINISTRATOR):
            raise MistakeError(t(lang, "approval.refused.proof"))
        by_command_line = proved.set_by == audit.COMMAND_LINE
        told: dict[str, Any] = {
            "who": proved.name,
            "reason": reason.strip(),
            "confirmation": Confirmation(proof=proved.proof, by_command_line=by_command_line),
        }
        try:
            with database.write() as connection:
                one = decided(connection, key, rules, number, choice, now_us=now_us, **told)
        except ApprovalRefused as error:
            raise MistakeError(t(lang, error.key, **error.values)) from error
    print(t(lang, f"toast.approval.{choice}", number=one.id))

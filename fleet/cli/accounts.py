"""`passerelle fleet token …`: tokens of machines; `fleet account …`: what an account may and needs."""

from contextlib import closing
from typing import Annotated

import typer
from typer import Option

from fleet.cli.folder import Data

app = typer.Typer(no_args_is_help=True, help="Tokens of machines, for the HTTP API.")
accounts = typer.Typer(no_args_is_help=True, help="Second factor and territory of local accounts.")
Name = Annotated[str, Option(help="What the token is for; used once.")]


@app.command()
def create(
    data: Data,
    name: Name,
    scope: Annotated[list[str], Option(help="read, opendata, wall or uplinks; may be repeated.")],
    territory: Annotated[
        list[str] | None, Option(help="INSEE code, EPCI or département; everywhere.")
    ] = None,
    days: Annotated[int, Option(help="How long it is in force.")] = 365,
) -> None:
    """Make a token and show it, this once."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit, tokens

    _, database = open_fleet(data)
    with closing(database), database.write() as connection:
        made = tokens.create(
            connection,
            name=name,
            scopes=scope,
            territories=territory or (),
            days=days,
            who=audit.COMMAND_LINE,
            now_us=SystemClock().now_us(),
        )
    print(made)


@app.command("list")
def list_(data: Data) -> None:
    """Show every token that ever was, without itself."""
    from fleet.cli.commands import open_fleet
    from fleet.cli.language import spoken
    from fleet.clock import SystemClock
    from fleet.identity import tokens
    from fleet.lang.format import moment
    from fleet.lang.i18n import t

    _, database = open_fleet(data)
    now_us, lang = SystemClock().now_us(), spoken()
    with closing(database), database.read() as connection:
        found = tokens.load(connection)
    for one in found:
        ended = one.revoked_at_us is not None or one.expires_at_us <= now_us
        state = "revoked" if one.revoked_at_us is not None else "expired" if ended else "in_force"
        used = (
            t(lang, "cli.token.never")
            if one.used_at_us is None
            else t(lang, "cli.token.used", at=moment(lang, one.used_at_us))
        )
        values = {
            "state": t(lang, f"cli.token.{state}"),
            "scopes": ",".join(one.scopes),
            "where": ",".join(one.territories) or t(lang, "cli.token.everywhere"),
            "until": moment(lang, one.expires_at_us),
        }
        print(t(lang, "cli.token", name=one.name, used=used, **values))


@app.command()
def revoke(data: Data, name: Name) -> None:
    """Put a token out of force, at once."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.errors import MistakeError
    from fleet.identity import audit, tokens

    _, database = open_fleet(data)
    with closing(database), database.write() as connection:
        ended = tokens.revoke(connection, name, who=audit.COMMAND_LINE, now_us=SystemClock().now_us())
    if not ended:
        raise MistakeError(f"--name: no token {name!r} is in force")
    print(f"{name}: revoked")


@accounts.command()
def close(data: Data, name: Annotated[str, Option(help="Login name.")]) -> None:
    """Close an account and end its sessions, at once; `fleet user` opens it again."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit, sessions

    _, database = open_fleet(data)
    with closing(database), database.write() as connection:
        ended = sessions.close_account(
            connection, name, who=audit.COMMAND_LINE, now_us=SystemClock().now_us()
        )
    print(f"{name}: closed, {ended} sessions ended")


@accounts.command("sessions")
def sessions_(
    data: Data,
    end: Annotated[str, Option(help="End every session of this login name.")] = "",
) -> None:
    """Show the sessions that are open, or end those of an account."""
    from fleet.cli.commands import open_fleet
    from fleet.cli.language import spoken
    from fleet.clock import SystemClock
    from fleet.identity import audit, sessions
    from fleet.lang.format import moment
    from fleet.lang.i18n import t

    _, database = open_fleet(data)
    now_us, lang = SystemClock().now_us(), spoken()
    with closing(database), database.write() as connection:
        if end:
            ended = sessions.end(connection, end, who=audit.COMMAND_LINE, now_us=now_us)
            print(t(lang, "cli.sessions.ended", name=end, count=ended))
        for each in sessions.load_open(connection, now_us):
            span = {"since": moment(lang, each.begun_at_us), "until": moment(lang, each.expires_at_us)}
            print(t(lang, "cli.session", name=each.name, **span))


@accounts.command()
def totp(
    data: Data,
    name: Annotated[str, Option(help="Login name.")],
    off: Annotated[bool, Option("--off", help="Take the second factor away.")] = False,
) -> None:
    """Give an account a second factor and show it once, for an authenticator application."""
    import segno

    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit, people
    from fleet.identity.totp import Vault, new_secret, uri

    settings, database = open_fleet(data)
    secret = new_secret()
    sealed = None if off else Vault(settings.keys).seal(secret)
    with closing(database), database.write() as connection:
        people.set_totp(connection, name, sealed, who=audit.COMMAND_LINE, now_us=SystemClock().now_us())
    if off:
        print(f"{name}: no second factor")
        return
    segno.make(uri(secret, name), error="m").terminal(compact=True)
    print(uri(secret, name))


@accounts.command()
def territory(
    data: Data,
    name: Annotated[str, Option(help="Login name.")],
    only: Annotated[
        list[str] | None, Option(help="INSEE code, EPCI or département; none: everywhere.")
    ] = None,
) -> None:
    """Bound what an account reads over the API to a territory."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.identity import audit, people

    _, database = open_fleet(data)
    with closing(database), database.write() as connection:
        people.set_territories(
            connection, name, only or (), who=audit.COMMAND_LINE, now_us=SystemClock().now_us()
        )
    print(f"{name}: {', '.join(only) if only else 'everywhere'}")


@accounts.command("rotate-key")
def rotate_key(data: Data) -> None:
    """Put a new secret in place of the one that sessions are kept with: everybody logs in again."""
    from fleet.cli.commands import open_fleet
    from fleet.clock import SystemClock
    from fleet.errors import MistakeError
    from fleet.identity import audit, sessions
    from fleet.identity.totp import TotpError

    settings, database = open_fleet(data)
    with closing(database):
        try:
            ended = sessions.rotate_key(
                database, settings.keys, who=audit.COMMAND_LINE, now_us=SystemClock().now_us()
            )
        except TotpError as error:
            raise MistakeError(f"{error}; `fleet account totp --name NAME --off` takes it away") from error
    print(f"{ended} sessions ended; second factors stay")

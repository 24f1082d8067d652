"""`passerelle fleet watchman`, `passerelle fleet addresses`, `passerelle fleet report-mail`."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from fleet.cli.folder import Data
from fleet.clock import SystemClock
from fleet.db.connect import Database
from fleet.intake import mail_in
from fleet.intake.mail_in import hook_token
from fleet.intake.report_mail import MAIL_LIMIT_BYTES
from fleet.notify import watchman_process
from fleet.oncall.store import everybody
from fleet.registry.tables import sites
from fleet.settings import read_settings
from fleet.tickets import links
from fleet.tickets.links import SECRET_NAME
from fleet.tickets.presence import site_token
from fleet.web.api.inbound import callback_token
from fleet.web.api.oncall import calendar_token

app = typer.Typer(add_completion=False)


@app.command()
def watchman(
    url: Annotated[str, Option(help="https://…/healthz of the manager.")],
    state: Annotated[Path, Option(help="File in which the watchman remembers.", dir_okay=False)],
    once: Annotated[bool, Option("--once", help="Ask once, then end: for a timer of systemd.")] = False,
) -> None:
    """Watch the manager from another host; page by another path when it is silent for 3 minutes."""
    watchman_process.watch(url=url, state=state, once=once)


@app.command("report-mail")
def report_mail(
    data: Data,
) -> None:
    """Take a mail that reports a fault from standard input, as a mail server pipes it."""
    raw = sys.stdin.buffer.read(MAIL_LIMIT_BYTES)
    while sys.stdin.buffer.read(MAIL_LIMIT_BYTES):
        continue  # a server whose pipe breaks sends the mail back
    if not raw.strip():
        print("passerelle fleet report-mail: empty; pipe the mail as the server received it", file=sys.stderr)
        raise typer.Exit(os.EX_DATAERR)
    try:
        settings = read_settings(data)
        database = Database(settings.database_url, settings.seals)
        kept = mail_in.keep(database, raw, SystemClock().now_us())
        database.close()
    except Exception as error:
        print(f"passerelle fleet report-mail: {error}; try again later", file=sys.stderr)
        raise typer.Exit(os.EX_TEMPFAIL) from error
    if kept.trouble:
        print(f"passerelle fleet report-mail: cannot be read: {kept.trouble}", file=sys.stderr)
    print("kept" if kept.new else "known already")


@app.command()
def addresses(
    data: Data,
) -> None:
    """Print the addresses that carry a secret: SMS callbacks, calendars, labels for cabinets."""
    settings = read_settings(data)
    secret = links.read_secret(settings.keys / SECRET_NAME)
    base, token = settings.public_url, callback_token(secret)
    print(f"SMS reports   {base}/api/v1/sms/{token}/reports")
    print(f"SMS replies   {base}/api/v1/sms/{token}/replies")
    print(f"mail reports  {base}/api/v1/mail/{hook_token(secret)}")
    database = Database(settings.database_url, settings.seals)
    with database.read() as connection:
        people = [(0, "everybody"), *((one.id, one.name) for one in everybody(connection).values())]
        labels = connection.execute(sites.select().order_by(sites.c.name)).all()
    database.close()
    for person_id, name in people:
        link = f"{base}/api/v1/on-call/calendar/{person_id}/{calendar_token(secret, person_id)}.ics"
        print(f"calendar      {link}  {name}")
    for row in labels:
        print(f"label         {base}/s/{site_token(secret, row.id)}  {row.name}")

"""`passerelle fleet ok-to-stop`: may these gateways be out at the same time."""

from contextlib import closing
from datetime import datetime
from typing import Annotated

import msgspec
import typer
from typer import Option

from agent.wire.eui import parse_eui
from fleet.cli.commands import open_fleet
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.clock import SystemClock
from fleet.errors import MistakeError
from fleet.facts.months import Window
from fleet.lang.i18n import t
from fleet.lang.paris import instant_us
from fleet.live.restore import restored_network
from fleet.rollouts.asking import Asked, ask, document
from fleet.safety.absences import OUT_US
from fleet.safety.words import degraded_in_words, refusal_in_words

REFUSED_STATUS = 1
SEPARATOR = "/"


def ok_to_stop(  # noqa: PLR0917 typer passes by name
    data: Data,
    euis: Annotated[list[str], typer.Argument(help="EUIs of the gateways.")],
    most: Annotated[int, Option("--max", help="Name up to so many others that may go with them.", min=0)] = 0,
    window: Annotated[str, Option(help="FROM/UNTIL, Paris time: 2026-12-01T09:00/2026-12-01T11:00.")] = "",
    lang: Lang = "",
    as_json: Annotated[bool, Option("--json", help="For machines.")] = False,
) -> None:
    """Say whether these gateways may be out together; exit status 1 for no, with every reason."""
    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.read() as connection:
        network = restored_network(connection, settings.contract, now_us)
        asked = ask(
            connection,
            network,
            settings.contract,
            euis=[parse_eui(eui) for eui in euis],
            window=_window(window, now_us),
            most=most,
        )
    names = {eui: gateway.name for eui, gateway in network.gateways.items()}
    print(_json(asked) if as_json else "\n".join(_lines(asked, names, spoken(lang), len(euis), most)))
    if not asked.answer.is_yes:
        raise typer.Exit(REFUSED_STATUS)


def _window(text: str, now_us: int) -> Window:
    if not text:
        return Window(now_us, now_us + OUT_US)
    first, sign, last = text.partition(SEPARATOR)
    try:
        if not sign:
            raise ValueError("no /")
        return Window(instant_us(datetime.fromisoformat(first)), instant_us(datetime.fromisoformat(last)))
    except ValueError as error:
        wanted = "FROM/UNTIL such as 2026-12-01T09:00/2026-12-01T11:00"
        raise MistakeError(f"--window: {text!r} is not {wanted} ({error})") from error


def _lines(asked: Asked, names: dict[str, str], lang: str, count: int, most: int) -> list[str]:
    if not asked.answer.is_yes:
        refusals = [f"- {refusal_in_words(lang, one, names)}" for one in asked.answer.refusals]
        return [t(lang, "safety.no"), *refusals]
    lines = [t(lang, "safety.yes", count=count)]
    lines += [f"- {degraded_in_words(lang, one)}" for one in asked.answer.degraded]
    if most and asked.along:
        lines.append(t(lang, "safety.with", count=len(asked.along)))
        lines += [f"  {eui}  {names[eui]}" for eui in asked.along]
    elif most:
        lines.append(t(lang, "safety.with_nobody"))
    return lines


def _json(asked: Asked) -> str:
    return msgspec.json.format(msgspec.json.encode(document(asked)), indent=1).decode()

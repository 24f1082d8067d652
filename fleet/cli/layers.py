"""Settings in layers: what each says, where a gateway's values come from, what is not in force."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection
from typer import Option

from agent.wire.eui import parse_eui
from fleet.cli.commands import assignment, open_fleet
from fleet.cli.folder import Data
from fleet.cli.language import Lang, spoken
from fleet.cli.rollout import Reason, change_lines, plan_lines
from fleet.clock import SystemClock
from fleet.configurations import layer_store
from fleet.configurations.layer_store import LayerVersion
from fleet.configurations.layers import LayerKey, LayerRefused, read_key
from fleet.errors import MistakeError
from fleet.identity import audit
from fleet.identity.foundation import read_keys
from fleet.lang.format import moment
from fleet.lang.i18n import t
from fleet.live.restore import restored_network
from fleet.rollouts.layering import LayerWish, back_to, drift, explained, propose_layer, start_layer
from fleet.rollouts.start import RolloutRefused
from fleet.rollouts.words import (
    drift_in_words,
    layer_name,
    layer_refused_in_words,
    origin_in_words,
    refused_in_words,
)

app = typer.Typer(no_args_is_help=True, help=__doc__)
LayerArgument = Annotated[
    str,
    typer.Argument(
        metavar="LAYER",
        help="fleet, departement:37, epci:NAME, commune:37052, model:NAME or gateway:EUI.",
    ),
]
Really = Annotated[bool, Option("--really", help="Start; without it only what would happen is shown.")]


@app.command()
def explain(
    data: Data,
    eui: Annotated[str, typer.Argument(help="EUI of the gateway.")],
    path: Annotated[str, typer.Argument(help="One setting, or the beginning of several.")] = "",
    lang: Lang = "",
) -> None:
    """Show for each setting of a gateway which layer set it, and what it wins over."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = explained(connection, parse_eui(eui))
    if not found:
        raise MistakeError(t(lang, "rollout.refused.unconfigured", eui=eui))
    for one in found:
        if one.path.startswith(path):
            runs = f" · {t(lang, 'layer.runs', value=one.runs)}" if one.runs else ""
            print(f"{one.path} = {one.value}  ({origin_in_words(lang, one)}){runs}")


@app.command()
def layers(data: Data, lang: Lang = "") -> None:
    """Show what every layer says."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = layer_store.newest_layers(connection)
    print("\n".join(line for one in found for line in _layer_lines(one, lang)) or t(lang, "layer.none"))


@app.command()
def history(data: Data, layer: LayerArgument, lang: Lang = "") -> None:
    """Show the versions of one layer, newest first."""
    lang = spoken(lang)
    key = _key(layer, lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = layer_store.history(connection, key)
    print("\n".join(line for one in found for line in _layer_lines(one, lang)) or t(lang, "layer.none"))


def _layer_lines(one: LayerVersion, lang: str) -> list[str]:
    head = (
        f"{layer_name(lang, one.layer.key)} · v{one.layer.version} · {moment(lang, one.at_us, seconds=False)}"
    )
    return [f"{head} · {one.who} · {one.reason}", *(f"    {p} = {v}" for p, v in one.layer.values.items())]


@app.command("set")
def set_(  # noqa: PLR0917 typer passes by name
    data: Data,
    layer: LayerArgument,
    reason: Reason,
    values: Annotated[list[str] | None, Option("--set", help="PATH=VALUE; may be repeated.")] = None,
    unset: Annotated[list[str] | None, Option("--unset", help="PATH; may be repeated.")] = None,
    really: Really = False,
    lang: Lang = "",
) -> None:
    """Change what a layer says; the gateways whose whole changes get it by a rollout."""
    lang = spoken(lang)
    said = dict(assignment(text) for text in values or ())
    wanted = LayerWish(key=_key(layer, lang), set=said, unset=unset or (), reason=reason)
    _change(data, lambda _: wanted, lang, really=really)


@app.command()
def revert(  # noqa: PLR0917 typer passes by name
    data: Data,
    layer: LayerArgument,
    to: Annotated[int, Option(help="Version of the layer to go back to.")],
    reason: Reason,
    really: Really = False,
    lang: Lang = "",
) -> None:
    """Let a layer say again what it said in an earlier version."""
    lang = spoken(lang)
    key = _key(layer, lang)
    _change(data, lambda connection: back_to(connection, key, to, reason), lang, really=really)


@app.command("drift")
def drift_(data: Data, lang: Lang = "") -> None:
    """Show where gateways do not run what their layers say, and why."""
    lang = spoken(lang)
    _, database = open_fleet(data)
    with closing(database), database.read() as connection:
        found = drift(connection)
    for one in found:
        values = {"desired": one.desired, "runs": one.runs, "layer": layer_name(lang, one.origin)}
        why = drift_in_words(lang, one)
        print(t(lang, "layer.drift.line", gateway=one.eui, path=one.path, why=why, **values))
    if not found:
        print(t(lang, "layer.drift.nothing"))


def _key(text: str, lang: str) -> LayerKey:
    try:
        return read_key(text)
    except LayerRefused as error:
        raise MistakeError(layer_refused_in_words(lang, error)) from error


def _change(data: Path, wish: Callable[[Connection], LayerWish], lang: str, *, really: bool) -> None:
    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database):
        try:
            with database.read() as connection:
                network = restored_network(connection, settings.contract, now_us)
                wanted = propose_layer(connection, network, settings.contract, wish(connection))
            names = {one.eui: one.name for one in network.gateways.values()}
            proposal, layer = wanted.proposal, wanted.layer
            if proposal is not None:
                print("\n".join(plan_lines(proposal.plan, names, lang, now_us) + change_lines(proposal)))
            if not really:
                print(t(lang, "layer.would", count=len(proposal.touched) if proposal else 0))
                return
            signing, rules = read_keys(data).signing, settings.two_persons
            with database.write() as connection:
                number = start_layer(
                    connection, signing, rules, wanted, who=audit.COMMAND_LINE, now_us=now_us
                )
        except RolloutRefused as error:
            raise MistakeError(refused_in_words(lang, error)) from error
        except LayerRefused as error:
            raise MistakeError(layer_refused_in_words(lang, error)) from error
    key = "layer.started" if number else "layer.kept"
    print(t(lang, key, layer=layer_name(lang, layer.key), version=layer.version, number=number))

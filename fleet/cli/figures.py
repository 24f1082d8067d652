"""`passerelle fleet availability`: a month as a table for people or JSON for machines."""

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from fleet.cli.commands import open_fleet
from fleet.clock import SystemClock
from fleet.facts.months import month_of
from fleet.lang.format import duration, moment
from fleet.registry.store import load_gateways
from fleet.web.api.availability import By, availability_of
from fleet.web.month_views import month_view

WIDTH = 140


def show(data: Path, month: str, by: By, *, as_json: bool) -> str:
    """Return the figures of a month."""
    settings, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.read() as connection:
        figures = month_view(connection, month or month_of(now_us), settings.contract, now_us)
        names = {one.eui: one.name for one in load_gateways(connection)}
    body = availability_of(figures, by, names)
    if as_json:
        return msgspec.json.format(msgspec.json.encode(body), indent=1).decode()
    return "\n".join([*_lines(body), *([] if by is By.WHOLE else [_table(body, by)])])


def _lines(figures: dict[str, Any]) -> list[str]:
    """Return the figures of the whole in sentences."""
    whole, version = figures["whole"], figures["closed_version"]
    state = f"version {version}" if version else "provisional" if figures["provisional"] else "not closed"
    breach = whole["breach_at_us"]
    lines = [
        f"{figures['month']} ({state}): {whole['availability_percent'] or 'nothing counts yet'} %",
        f"budget left {_length(whole['budget_left_us'])} of {_length(whole['budget_us'])}"
        + (f", used up on {moment('en', breach, seconds=False)}" if breach is not None else ""),
        f"deferred {whole['deferred']['availability_percent'] or '-'} %, "
        f"mean of gateways {whole['mean_of_gateways_percent'] or '-'} %",
        f"below two gateways {whole['below_two_percent'] or '-'} % of the time"
        + "".join(f", {kind} {share} %" for kind, share in whole["below_two_domains_percent"].items()),
        f"outages of gateways {whole['outages']}, MTBF {_length(whole['mtbf_us'])}, "
        f"MTTR {_length(whole['mttr_us'])}",
    ]
    rates = (
        f"{_length(one['long_us'])} {one['long']}{' !' if one['alerts'] else ''}" for one in whole["burn"]
    )
    return [*lines, f"burn {', '.join(rates)}"] if whole["burn"] else lines


def _length(length_us: int | None) -> str:
    return "-" if length_us is None else duration("en", length_us)


def _table(figures: dict[str, Any], by: By) -> str:
    table = Table()
    columns = ("availability %", "met", "lost", "budget left", "breach", "below two %", "MTBF", "MTTR")
    for column in (by, *columns):
        table.add_column(column, justify="left" if column == by else "right")
    for item in sorted(figures["items"], key=_worst_first):
        left, met, breach = item.get("budget_left_us"), item.get("met"), item.get("breach_at_us")
        table.add_row(
            item.get("name") or item.get("insee") or item.get("eui"),
            item["availability_percent"] or "",
            "" if met is None else "yes" if met else "NO",
            _length(item["charged"]) if by in (By.COMMUNE, By.GATEWAY) else "",
            "" if left is None else _length(left),
            "" if breach is None else moment("en", breach, seconds=False),
            item.get("below_two_percent") or "",
            _length(item["mtbf_us"]),
            _length(item["mttr_us"]),
        )
    console = Console(width=WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _worst_first(item: dict[str, Any]) -> tuple[float, str]:
    return float(item["availability_percent"] or 101), str(item.get("name", ""))

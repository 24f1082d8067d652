"""`passerelle fleet availability`: a month as a table for people or JSON for machines."""

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from fleet.api.availability import By, availability_of
from fleet.availability.month_store import load_month
from fleet.availability.months import month_of
from fleet.availability.settings import DEFAULTS
from fleet.clock import SystemClock
from fleet.commands import open_fleet
from fleet.registry.store import load_gateways

WIDTH = 110


def show(data: Path, month: str, by: By, *, as_json: bool) -> str:
    """Return the figures of a month."""
    _, database = open_fleet(data)
    now_us = SystemClock().now_us()
    with closing(database), database.read() as connection:
        given = load_month(connection, month or month_of(now_us), DEFAULTS, now_us)
        names = {one.eui: one.name for one in load_gateways(connection)}
    told = availability_of(given, by, names)
    if as_json:
        return msgspec.json.format(msgspec.json.encode(told), indent=1).decode()
    return _table(told, by)


def _table(told: dict[str, Any], by: By) -> str:
    whole = told["whole"]
    title = f"{told['month']}{' (provisional)' if told['provisional'] else ''}"
    table = Table(title=f"{title}: {whole['availability_percent'] or 'nothing counts yet'} %")
    for column in (by, "availability %", "met", "lost s", "budget left s"):
        table.add_column(column, justify="left" if column == by else "right")
    for item in sorted(told["items"], key=lambda item: -item["charged"]):
        left = item.get("budget_left_us")
        met = item.get("met")
        table.add_row(
            item.get("name") or item.get("insee") or item.get("eui"),
            item["availability_percent"] or "",
            "" if met is None else "yes" if met else "NO",
            f"{item['charged'] / 1_000_000:.3f}" if by in (By.COMMUNE, By.GATEWAY) else "",
            "" if left is None else f"{left / 1_000_000:.0f}",
        )
    console = Console(width=WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()

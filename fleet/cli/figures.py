"""`passerelle fleet availability`: a month as a table for people or JSON for machines."""

from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from fleet.cli.commands import open_fleet
from fleet.cli.language import spoken
from fleet.clock import SystemClock
from fleet.facts.months import month_of
from fleet.lang.format import duration, moment
from fleet.lang.i18n import t
from fleet.lang.text import collation
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
    lang = spoken()
    return "\n".join([*_lines(body, lang), *([] if by is By.WHOLE else [_table(body, by, lang)])])


def _lines(figures: dict[str, Any], lang: str) -> list[str]:
    """Return the figures of the whole in sentences."""
    whole, version = figures["whole"], figures["closed_version"]
    open_state = t(lang, "cli.month.provisional" if figures["provisional"] else "cli.month.not_closed")
    state = t(lang, "cli.month.version", number=str(version)) if version else open_state
    percent, breach = whole["availability_percent"], whole["breach_at_us"]
    key = "cli.month" if percent else "cli.month.nothing"
    left = {
        name: _length(whole[column], lang)
        for name, column in (("left", "budget_left_us"), ("whole", "budget_us"))
    }
    gone = "" if breach is None else t(lang, "cli.budget.gone", at=moment(lang, breach, seconds=False))
    deferred, mean = whole["deferred"]["availability_percent"], whole["mean_of_gateways_percent"]
    times = {name: _length(whole[f"{name}_us"], lang) for name in ("mtbf", "mttr")}
    lines = [
        t(lang, key, month=figures["month"], state=state, percent=percent),
        t(lang, "cli.budget", **left) + gone,
        t(lang, "cli.deferred", deferred=deferred or "-", mean=mean or "-"),
        _below_two(whole, lang),
        t(lang, "cli.outages", outages=whole["outages"], **times),
    ]
    rates = (
        f"{_length(one['long_us'], lang)} {one['long']}{' !' if one['alerts'] else ''}"
        for one in whole["burn"]
    )
    return [*lines, t(lang, "cli.burn", rates=", ".join(rates))] if whole["burn"] else lines


def _below_two(whole: dict[str, Any], lang: str) -> str:
    words = t(lang, "cli.below_two", share=whole["below_two_percent"] or "-")
    shares = whole["below_two_domains_percent"].items()
    return words + "".join(
        t(lang, "cli.below_two.of", kind=t(lang, f"cli.domain.{kind}"), share=share) for kind, share in shares
    )


def _length(length_us: int | None, lang: str) -> str:
    return "-" if length_us is None else duration(lang, length_us)


COLUMNS = ("availability", "met", "lost", "left", "breach", "below_two", "mtbf", "mttr")


def _table(figures: dict[str, Any], by: By, lang: str) -> str:
    table = Table()
    for column in (by.value, *COLUMNS):
        title = t(lang, f"cli.column.{column}")
        table.add_column(title, justify="left" if column == by else "right")
    for item in sorted(figures["items"], key=_worst_first):
        left, met, breach = item.get("budget_left_us"), item.get("met"), item.get("breach_at_us")
        table.add_row(
            item.get("name") or item.get("insee") or item.get("eui"),
            item["availability_percent"] or "",
            "" if met is None else t(lang, "cli.yes" if met else "cli.no"),
            _length(item["charged"], lang) if by in (By.COMMUNE, By.GATEWAY) else "",
            "" if left is None else _length(left, lang),
            "" if breach is None else moment(lang, breach, seconds=False),
            item.get("below_two_percent") or "",
            _length(item["mtbf_us"], lang),
            _length(item["mttr_us"], lang),
        )
    console = Console(width=WIDTH)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _worst_first(item: dict[str, Any]) -> tuple[float, str]:
    return float(item["availability_percent"] or 101), collation(str(item.get("name", "")))

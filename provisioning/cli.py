"""``passerelle provision``: flash an image for one gateway, check what is on one, accept it on site."""

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from agent.wire.order import WorkOrder, WorkOrderError, decode_order
from agent.wire.partition import SECTOR_BYTES, PartitionError, decode_settings
from provisioning import medium
from provisioning.clock import monotonic_s, utc_us
from provisioning.plan import Plan, make_plan, refusal
from provisioning.progress import Progress
from provisioning.words import error_text, reason_text, say, size

REFUSED = 2
FAILED = 1
JSON_EVERY_S = 0.2
"""Least time between two progress lines for machines."""


class Stop(Exception):
    """Ends the command with a sentence and an exit code."""

    def __init__(self, code: int, text: str, *, field: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.field = field


def main(arguments: list[str]) -> int:
    """Run ``flash``, ``check`` or ``accept``."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except Stop as stop:
        if options.json:
            _line({"event": "refused", "field": stop.field, "text": str(stop)})
        print(f"passerelle provision : {stop}", file=sys.stderr)
        return stop.code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="passerelle provision", description="Préparation d’une passerelle")
    commands = parser.add_subparsers(dest="command", required=True)
    flash = commands.add_parser("flash", help="écrire l’image d’une passerelle et la relire")
    flash.add_argument("--order", type=Path, required=True, help="ordre de travail (JSON)")
    flash.add_argument("--output", type=Path, required=True, help="fichier .img ou carte (/dev/sdX)")
    flash.add_argument("--image", type=Path, help="image système de base, copiée d’abord")
    flash.add_argument("--yes", action="store_true", help="effacer une carte ou un disque")
    flash.add_argument("--json", action="store_true", help="une ligne JSON par étape")
    flash.set_defaults(run=_flash)
    check = commands.add_parser("check", help="lire et vérifier les réglages d’une image")
    check.add_argument("--image", type=Path, required=True)
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=_check)
    accept = commands.add_parser("accept", help="la recette sur site, depuis un portable")
    accept.add_argument("--url", required=True, help="page de la passerelle, http://ADRESSE:8080")
    accept.add_argument("--code", required=True, help="huit chiffres de l’ordre de travail")
    accept.add_argument("--name", required=True, help="qui signe")
    accept.add_argument("--remarks", default="", help="remarques au procès-verbal")
    accept.add_argument("--photo", type=Path, action="append", default=[], help="JPEG ou PNG, quatre au plus")
    accept.add_argument("--json", action="store_true", help="une ligne JSON par étape")
    accept.set_defaults(run=_accept)
    return parser


def _accept(options: argparse.Namespace) -> int:
    from provisioning.accept import AcceptError, LocalGateway, accept

    try:
        signed = accept(
            LocalGateway(options.url),
            code=options.code,
            name=options.name,
            remarks=options.remarks,
            photos=options.photo,
            show=_shown_once(as_json=options.json),
        )
    except AcceptError as error:
        raise Stop(REFUSED, say(error.word, **error.values), field=error.word) from error
    if options.json:
        _line({"event": "signed", "sha256": signed["sha256"], "taken": signed["taken"]})
    else:
        print(say("accept_done", site=signed["site"], sha256=signed["sha256"]))
    return 0


def _shown_once(*, as_json: bool) -> Callable[[dict[str, Any]], None]:
    """Return a function that shows each check when its verdict changes."""
    before: dict[str, str] = {}

    def show(facts: dict[str, Any]) -> None:
        for one in facts["findings"]:
            if before.get(one["check"]) == one["verdict"]:
                continue
            before[one["check"]] = one["verdict"]
            why = reason_text(one["why"])
            if as_json:
                _line({"event": "check", "check": one["check"], "verdict": one["verdict"], "why": why})
            else:
                print(f"  {one['check']:<14} {say('verdict_' + one['verdict']):<14} {why}")

    return show


def _flash(options: argparse.Namespace) -> int:
    order = _order(options.order)
    plan = _plan(order, options.image)
    target = medium.look_at(options.output)
    why = refusal(plan, target, order, confirmed=options.yes, now_us=utc_us())
    if why is not None:
        text = say(
            why,
            output=options.output,
            mounted=", ".join(target.mounted_on),
            capacity=size(target.capacity_bytes or 0),
            size=size(plan.total_bytes),
            until=_date(order.valid_until_us),
        )
        raise Stop(REFUSED, text, field=str(why))
    try:
        with _reporter(as_json=options.json) as report:
            medium.write(plan, options.image, options.output, is_device=target.is_device, report=report)
        decode_settings(medium.read_settings(options.output))
    except (OSError, PartitionError) as error:
        raise Stop(
            FAILED, say("io", output=options.output, error=error_text(error)), field="output"
        ) from error
    if options.json:
        _line({"event": "done", "output": str(options.output), "eui": order.eui, "bytes": plan.total_bytes})
    else:
        print(say("for", eui=order.eui, site=order.site))
        print(say("done", output=options.output, size=size(plan.total_bytes)))
    return 0


def _order(path: Path) -> WorkOrder:
    try:
        return decode_order(path.read_bytes())
    except FileNotFoundError as error:
        raise Stop(REFUSED, say("missing", path=path), field="order") from error
    except OSError as error:
        raise Stop(REFUSED, say("unreadable", path=path, error=error.strerror), field="order") from error
    except WorkOrderError as error:
        raise Stop(REFUSED, say("order", error=error), field="order") from error


def _plan(order: WorkOrder, base: Path | None) -> Plan:
    try:
        if base is None:
            return make_plan(order, base_sector0=b"", base_bytes=0)
        with base.open("rb") as image:
            sector0 = image.read(SECTOR_BYTES)
        return make_plan(
            order,
            base_sector0=sector0 or bytes(1),
            base_bytes=base.stat().st_size,
            reserved_empty=medium.keeps_settings_free(base),
        )
    except FileNotFoundError as error:
        raise Stop(REFUSED, say("missing", path=base), field="image") from error
    except OSError as error:
        raise Stop(REFUSED, say("unreadable", path=base, error=error.strerror), field="image") from error
    except PartitionError as error:
        raise Stop(REFUSED, say("base", error=error_text(error)), field="image") from error


def _check(options: argparse.Namespace) -> int:
    try:
        order = decode_settings(medium.read_settings(options.image))
    except FileNotFoundError as error:
        raise Stop(REFUSED, say("missing", path=options.image), field="image") from error
    except (OSError, PartitionError) as error:
        raise Stop(FAILED, say("check_bad", error=error_text(error)), field="settings") from error
    rows = {
        "eui": order.eui,
        "site": order.site,
        "bus": order.bus,
        "url": order.enrol_url,
        "until": _date(order.valid_until_us),
        "token": say("token_there" if order.token else "token_gone"),
    }
    if options.json:
        _line({"event": "valid"} | rows | {"token": bool(order.token)})
        return 0
    print(say("check_ok"))
    for key, value in rows.items():
        print(f"  {say(key):<24} {value}")
    return 0


@contextlib.contextmanager
def _reporter(*, as_json: bool) -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows progress: JSON lines, a bar on a terminal, else nothing."""
    if as_json:
        yield _json_reporter()
        return
    console = Console(stderr=True)
    bar = Bar(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(), console=console, disable=not console.is_terminal,
    )  # fmt: skip
    tasks = {}
    with bar:

        def show(now: Progress) -> None:
            if now.phase not in tasks:
                tasks[now.phase] = bar.add_task(say(now.phase), total=now.total_bytes)
            bar.update(tasks[now.phase], completed=now.done_bytes)

        yield show


def _json_reporter() -> Callable[[Progress], None]:
    last: dict[str, float] = {}

    def show(now: Progress) -> None:
        at = monotonic_s()
        if now.done_bytes < now.total_bytes and at - last.get(now.phase, -1e9) < JSON_EVERY_S:
            return
        last[now.phase] = at
        _line(
            {
                "event": "progress",
                "phase": now.phase,
                "bytes": now.done_bytes,
                "total": now.total_bytes,
                "rate_bytes_s": round(now.rate_bytes_s),
                "left_s": None if now.left_s is None else round(now.left_s, 1),
            }
        )

    return show


def _line(values: dict[str, object]) -> None:
    print(json.dumps(values, ensure_ascii=False), flush=True)


def _date(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).strftime("%d/%m/%Y %H:%M UTC")

"""What a benchmark prints: figures that were measured in this run, beside their targets (DESIGN §11)."""

import json
import platform
import subprocess
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured number.  ``value`` None: could not be measured here, and then ``met`` is False."""

    name: str
    value: float | None
    unit: str
    target: float | None
    better: Literal["lower", "higher"] = "lower"
    peer: str | None = None
    peer_value: float | None = None
    how: str = ""

    @property
    def met(self) -> bool:
        """Whether the target holds; a figure without a target informs and is always met."""
        if self.target is None:
            return True
        if self.value is None:
            return False
        return self.value <= self.target if self.better == "lower" else self.value >= self.target


def _commit() -> str:
    command = ("git", "rev-parse", "--short", "HEAD")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _machine() -> str:
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="ascii") as lines:  # noqa: PTH123
            names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
        model = f"{len(names)} x {names[0]}" if names else model
    except OSError:
        pass
    return f"{model}, Python {platform.python_version()}"


def render(bench: str, figures: list[Figure], *, as_json: bool) -> str:
    """Return the figures as JSON or as a table."""
    if as_json:
        rows = [asdict(figure) | {"met": figure.met} for figure in figures]
        head = {"bench": bench, "commit": _commit(), "machine": _machine()}
        return json.dumps(head | {"figures": rows}, indent=1)
    table = Table(title=f"{bench} · {_commit()} · {_machine()}")
    for column in ("figure", "value", "unit", "target", "met", "peer", "how"):
        table.add_column(column)
    for figure in figures:
        table.add_row(*_cells(figure))
    console = Console(width=160)
    with console.capture() as captured:
        console.print(table)
    return captured.get()


def _cells(figure: Figure) -> tuple[str, ...]:
    sign = "≤" if figure.better == "lower" else "≥"
    value = "not measured" if figure.value is None else f"{figure.value:,.4g}"
    target = "" if figure.target is None else f"{sign} {figure.target:,.4g}"
    peer = "" if figure.peer is None else f"{figure.peer}: {figure.peer_value or 'absent'}"
    return figure.name, value, figure.unit, target, "yes" if figure.met else "NO", peer, figure.how

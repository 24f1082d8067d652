"""What a replay ends with: counts by gateway, as JSON or as a table."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field

from rich.console import Console
from rich.table import Table

from fleet.lang.i18n import t


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayCounts:
    """Frames of one gateway on their way from the air to the network server."""

    eui: str
    name: str
    sent: int
    """Put on the air of this gateway."""
    unheard: dict[str, int]
    """What the chip did not hear, by its reason."""
    received: int
    """Read out of the concentrator by the agent."""
    spooled: int
    """Written to the agent's disk because no acknowledgement had come when the commit was due."""
    delivered: int
    """Distinct deliveries that the network server counted."""

    @property
    def lost(self) -> int:
        """The number of frames that were heard and never delivered."""
        return self.heard - self.delivered

    @property
    def heard(self) -> int:
        """The number of frames that the chip heard."""
        return self.sent - sum(self.unheard.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The whole replay."""

    file: str
    seconds: float
    lines: int
    refused: list[str] = field(default_factory=list)
    """The first refused lines, in words."""
    refused_lines: int = 0
    altered: int = 0
    """Deliveries whose bytes are not among those sent through that gateway."""
    gateways: list[GatewayCounts] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Frames that a chip heard and that never reached the network server."""
        return sum(gateway.lost for gateway in self.gateways)

    @property
    def whole(self) -> bool:
        """Whether frames were played, and each that a chip heard arrived unaltered: the exit status."""
        played = sum(gateway.sent for gateway in self.gateways)
        return played > 0 and not self.lost and not self.altered

    @property
    def unheard(self) -> Counter[str]:
        """What the chips did not hear, by reason."""
        together: Counter[str] = Counter()
        for gateway in self.gateways:
            together.update(gateway.unheard)
        return together

    def as_json(self) -> str:
        """Return every count, gateway by gateway and in sum."""
        sums = {
            name: sum(getattr(gateway, name) for gateway in self.gateways)
            for name in ("sent", "heard", "received", "spooled", "delivered", "lost")
        }
        rows = [asdict(gateway) | {"heard": gateway.heard, "lost": gateway.lost} for gateway in self.gateways]
        head = {key: value for key, value in asdict(self).items() if key != "gateways"}
        return json.dumps(
            head | sums | {"unheard": dict(self.unheard), "gateways": rows}, ensure_ascii=False, indent=1
        )

    def as_table(self, lang: str) -> str:
        """Return the same as a table for people."""
        table = Table(title=t(lang, "demo.report", lines=self.lines, seconds=round(self.seconds)))
        table.add_column(t(lang, "demo.gateway"))
        for column in ("sent", "audible", "received", "spooled", "arrived", "lost"):
            table.add_column(t(lang, f"demo.{column}"), justify="right")
        for gateway in self.gateways:
            way = (gateway.sent, gateway.heard, gateway.received, gateway.spooled)
            counts = (*way, gateway.delivered, gateway.lost)
            table.add_row(gateway.name, *(str(count) for count in counts))
        console = Console()
        with console.capture() as captured:
            console.print(table)
            for reason, count in sorted(self.unheard.items()):
                console.print(t(lang, "demo.unheard", count=count, reason=t(lang, f"demo.unheard.{reason}")))
            for refusal in self.refused:
                console.print(refusal, markup=False)
            if self.refused_lines:
                console.print(t(lang, "demo.refused", count=self.refused_lines))
        return captured.get()

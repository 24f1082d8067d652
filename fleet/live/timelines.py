"""What the engine knows of the past, published with each cycle: pages read it and compute no timeline."""

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import structs

from fleet.availability.timeline import Span, Timeline
from fleet.facts.model import Blindness
from fleet.facts.months import Window
from fleet.live.gateways import Known
from fleet.registry.store import Registry


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Timelines:
    """The timelines of one cycle, and what they stand on; nothing in it changes any more."""

    at_us: int
    from_us: int
    """From here on they are told with every fact; before it nothing is known."""
    registry: Registry
    sight: tuple[Blindness, ...]
    known: Mapping[str, Known]

    def lines(self, window: Window) -> dict[str, Timeline]:
        """Return the timeline of each gateway over the window, the present states going on to its end."""
        return {eui: clipped(one.line_at(window.end_us), window) for eui, one in self.known.items()}


def clipped(line: Timeline, window: Window) -> Timeline:
    """Return the part of a timeline that lies in the window; the line must reach over it."""
    return Timeline(
        eui=line.eui,
        start_us=window.start_us,
        end_us=window.end_us,
        exceptions=tuple(
            span if window.start_us <= span.start_us and span.end_us <= window.end_us else _cut(span, window)
            for span in line.exceptions
            if span.end_us > window.start_us and span.start_us < window.end_us
        ),
    )


def _cut(span: Span, window: Window) -> Span:
    return structs.replace(
        span, start_us=max(span.start_us, window.start_us), end_us=min(span.end_us, window.end_us)
    )

"""The figures without any exclusion: works and withdrawals excuse nothing, and UNKNOWN counts; pure.

Beside each figure of the contract stands the one without exclusions: nobody has to ask what they hide.
Both come from the same timelines.

    state of a gateway                          without exclusions
    MAINTENANCE                                 DOWN
    OUT after a withdrawal within the window    DOWN
    OUT since before the window, or not yet in  OUT
    UNKNOWN                                     charged, whatever the settings say
    anything else                               the same
Sources: AVAILABILITY §6.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import structs

from fleet.availability.communes import commune_timeline
from fleet.availability.figures import CommuneFigures, Share, commune_figures
from fleet.availability.sensors import Coverage, sensor_figures
from fleet.availability.timeline import WITHDRAWN, Span, Timeline
from fleet.facts.model import Membership
from fleet.facts.months import Window
from fleet.facts.settings import ContractSettings, Serving
from fleet.facts.states import CommuneState, GatewayState


def without_exclusions(
    figures: Mapping[str, CommuneFigures],
    members: Mapping[str, Sequence[Membership]],
    lines: Mapping[str, Timeline],
    coverages: Sequence[Coverage],
    *,
    window: Window,
    settings: ContractSettings,
) -> dict[str, CommuneFigures]:
    """Return the figures of each commune as if nothing excused a loss."""
    strict = replace(settings, unknown_is_charged=True)
    bare = {eui: one for eui, line in lines.items() if (one := _bare(line)) is not line}
    strictly = {insee: _unknown_charged(one) for insee, one in figures.items()}
    if not bare:
        return strictly
    all_lines = {**lines, **bare}
    for insee, rows in members.items():
        if any(row.eui in bare for row in rows):
            strictly[insee] = commune_figures(
                commune_timeline(insee, rows, all_lines, window, strict), strict
            )
    if settings.serving is Serving.SENSORS:
        return sensor_figures(coverages, all_lines, strictly, window, strict, allowed={})
    return strictly


def _unknown_charged(one: CommuneFigures) -> CommuneFigures:
    charged = one.by_state_us[CommuneState.LOST] + one.by_state_us[CommuneState.UNKNOWN]
    if charged == one.share.charged:
        return one
    return structs.replace(one, share=Share(served=one.share.served, charged=charged))


def _bare(line: Timeline) -> Timeline:
    """Return the timeline with what excuses told as DOWN; the very same where nothing does."""
    if not any(_excuses(span, line) for span in line.exceptions):
        return line
    return replace(line, exceptions=tuple(_as_down(line.exceptions, line)))


def _as_down(spans: Iterable[Span], line: Timeline) -> Iterable[Span]:
    for span in spans:
        yield structs.replace(span, state=GatewayState.DOWN) if _excuses(span, line) else span


def _excuses(span: Span, line: Timeline) -> bool:
    if span.state is GatewayState.MAINTENANCE:
        return True
    return span.state is GatewayState.OUT and span.reason == WITHDRAWN and span.start_us > line.start_us

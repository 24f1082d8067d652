"""The overview's sentence and what changed in the last hour; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.durations import HOUR_US
from fleet.evidence.timekeeping import ClockQuality
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow
from fleet.web.history import Past
from fleet.web.rendering import Words
from fleet.web.views.communes import CommuneRow
from fleet.web.views.frame import Frame

NAMED_LIMIT: Final = 3
LISTED_LIMIT: Final = 12
CHANGES_SPAN_US: Final = HOUR_US


@dataclass(frozen=True, slots=True, kw_only=True)
class OverviewVerdict:
    """What is to be known in one second, and one sentence more."""

    head: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One gateway's change of state."""

    at_us: int
    name: str
    href: str
    state: GatewayState
    text: str


def verdict_of(
    words: Words, frame: Frame, network: NetworkNow, breaches: list[CommuneRow]
) -> OverviewVerdict:
    """Return the sentence, the worst first."""
    if frame.lost:
        head = words.t(
            "verdict.lost", count=len(frame.lost), names=_named(words, (c.name for c in frame.lost))
        )
        first = next((row for row in breaches if row.breach_at_us is not None), None)
        detail = "" if first is None or first.breach_at_us is None else _first(words, first)
        return OverviewVerdict(head=head, detail=detail)
    if (doubt := _self_doubt(words, frame, network)) is not None:
        return doubt
    if frame.broken:
        names = _named(words, (c.name for c in frame.broken))
        head = words.t("verdict.broken", count=len(frame.broken), names=names)
        return OverviewVerdict(head=head, detail=words.t("verdict.broken.detail"))
    if not frame.communes:
        return OverviewVerdict(head=words.t("verdict.nothing"), detail=words.t("verdict.nothing.detail"))
    bad = (GatewayState.DOWN, GatewayState.BUFFERING, GatewayState.UNKNOWN)
    away = [one.name for one in network.gateways.values() if one.state in bad]
    if away and frame.served == frame.communes:
        detail = words.t("verdict.degraded.detail", names=_named(words, away))
        return OverviewVerdict(head=words.t("verdict.degraded", count=len(away)), detail=detail)
    return OverviewVerdict(
        head=words.t("verdict.kept", served=frame.served, count=frame.communes),
        detail=words.t("verdict.kept.detail", serving=frame.serving, count=frame.gateways),
    )


def _self_doubt(words: Words, frame: Frame, network: NetworkNow) -> OverviewVerdict | None:
    """Return why what we show may not be so; None: it is."""
    if frame.blind:
        return OverviewVerdict(head=words.t("verdict.blind"), detail=words.reason(frame.blind_reason))
    if network.clock is ClockQuality.CONTRADICTED:
        detail = words.t("clock.quality.contradicted")
        return OverviewVerdict(head=words.t("verdict.clock"), detail=detail)
    return None


def _first(words: Words, row: CommuneRow) -> str:
    if row.budget_left_us < 0:
        return words.t("verdict.already", name=row.name, by=words.calm(-row.budget_left_us))
    return words.t("verdict.lost.next", name=row.name, at=words.short(row.breach_at_us or 0))


def _named(words: Words, names: Iterable[str]) -> str:
    found = list(names)
    text = ", ".join(found[:NAMED_LIMIT])
    more = len(found) - NAMED_LIMIT
    return words.t("verdict.and_more", names=text, count=more) if more > 0 else text


def changes_of(words: Words, past: Past, network: NetworkNow, now_us: int) -> list[Change]:
    """Return what changed in the last hour, newest first."""
    found = []
    for eui, line in past.gateways.items():
        gateway = network.gateways.get(eui)
        if gateway is None:
            continue
        before = None
        for span in line.spans:
            if before is not None and span.start_us >= now_us - CHANGES_SPAN_US and before is not span.state:
                text = words.t(
                    "change.to", state=words.t(f"state.{span.state}"), before=words.t(f"state.{before}")
                )
                found.append(
                    Change(
                        at_us=span.start_us,
                        name=gateway.name,
                        href=f"/passerelles/{eui}",
                        state=span.state,
                        text=text,
                    )
                )
            before = span.state
    return sorted(found, key=lambda change: change.at_us, reverse=True)[:LISTED_LIMIT]

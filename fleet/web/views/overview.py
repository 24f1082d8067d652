"""The overview's sentence and what changed in the last hour; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fleet.durations import HOUR_US
from fleet.facts.states import GatewayState
from fleet.live.model import NetworkNow
from fleet.web.history import Past
from fleet.web.rendering import Words
from fleet.web.views.frame import Frame, Headline, PromiseShown

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


def verdict_of(words: Words, frame: Frame, network: NetworkNow) -> OverviewVerdict:
    """Return the sentence of the frame's headline."""
    match frame.headline:
        case Headline.LOST:
            names = named(words, (commune.name for commune in frame.lost))
            head = words.t("verdict.lost", count=len(frame.lost), names=names)
            return OverviewVerdict(head=head, detail=_promise_in_words(words, frame))
        case Headline.BROKEN:
            return _broken(words, frame)
        case Headline.UNSEEN:
            return _unseen(words, frame)
        case Headline.AT_RISK:
            names = named(words, (_subject(words, one) for one in frame.at_risk))
            head = words.t("verdict.at_risk", names=names)
            return OverviewVerdict(head=head, detail=_promise_in_words(words, frame))
        case Headline.NOTHING:
            return OverviewVerdict(head=words.t("verdict.nothing"), detail=words.t("verdict.nothing.detail"))
        case Headline.KEPT:
            return _kept(words, frame, network)


def _broken(words: Words, frame: Frame) -> OverviewVerdict:
    communes = [one.name for one in frame.broken if one.name]
    if len(communes) == len(frame.broken):
        head = words.t("verdict.broken", count=len(communes), names=named(words, communes))
    elif communes:
        head = words.t("verdict.broken.both", count=len(communes), names=named(words, communes))
    else:
        head = words.t("verdict.broken.network")
    return OverviewVerdict(head=head, detail=_promise_in_words(words, frame))


def _unseen(words: Words, frame: Frame) -> OverviewVerdict:
    if frame.blind:
        return OverviewVerdict(head=words.t("verdict.blind"), detail=words.reason(frame.blind_reason))
    if frame.clock_wrong:
        detail = words.t("clock.quality.contradicted")
        return OverviewVerdict(head=words.t("verdict.clock"), detail=detail)
    return OverviewVerdict(head=words.t("verdict.frozen"), detail=words.t("verdict.frozen.detail"))


def _kept(words: Words, frame: Frame, network: NetworkNow) -> OverviewVerdict:
    bad = (GatewayState.DOWN, GatewayState.BUFFERING, GatewayState.UNKNOWN)
    away = [one.name for one in network.gateways.values() if one.state in bad]
    if away and frame.served == frame.communes:
        detail = words.t("verdict.degraded.detail", names=named(words, away))
        return OverviewVerdict(head=words.t("verdict.degraded", count=len(away)), detail=detail)
    return OverviewVerdict(
        head=words.t("verdict.kept", served=frame.served, count=frame.communes),
        detail=words.t("verdict.kept.detail", serving=frame.serving, count=frame.gateways),
    )


def _subject(words: Words, promise: PromiseShown) -> str:
    return promise.name or words.t("promise.network")


def _promise_in_words(words: Words, frame: Frame) -> str:
    """Return how the most urgent promise stands: found, promised, budget, and why."""
    if frame.first is None:
        return ""
    now = frame.first.now
    found = {
        "who": _subject(words, frame.first),
        "found": words.ratio(now.share.served, now.share.counted),
        "promised": words.ratio(now.objective_ppm, 1_000_000),
        "left": words.calm(now.budget.left),
        "by": words.calm(-now.budget.left),
        "at": "" if now.gone_at_us is None else words.at(now.gone_at_us),
    }
    return words.t(f"promise.why.{now.why}", **found)


def named(words: Words, names: Iterable[str]) -> str:
    """Return the first names and how many more there are."""
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

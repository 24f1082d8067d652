"""One gateway: its picture of states, its vital signs, the sentence that opens its page; pure."""

from agent.wire.messages import Heartbeat
from fleet.availability.communes import CommuneTimeline
from fleet.availability.timeline import Timeline as Line
from fleet.facts.states import Cause, CommuneState, GatewayState
from fleet.live.model import CommuneNow, GatewayNow
from fleet.tickets.store import TicketView
from fleet.web.rendering import Words
from fleet.web.views.timeline import Span, Timeline, timeline_of, window_of


def line_of(line: Line | CommuneTimeline | None, window: str, lang: str, now_us: int) -> Timeline | None:
    """Return the picture over a window; None without any history."""
    if line is None:
        return None
    from_us, until_us = window_of(window, now_us)
    spans = [
        Span(
            from_us=span.start_us,
            until_us=max(span.end_us, now_us) if span.end_us == line.end_us else span.end_us,
            state=span.state,
            cause=span.cause,
            proved=getattr(span, "proved", True),
        )
        for span in line.spans
    ]
    return timeline_of(spans, max(from_us, min(line.start_us, until_us)), until_us, lang=lang)


def vitals_of(words: Words, beat: Heartbeat) -> list[str]:
    """Return what the gateway tells of its health, only what it could measure."""
    told = {
        "vital.temperature": beat.temperature_c,
        "vital.cpu": beat.cpu_percent,
        "vital.memory": beat.memory_percent,
        "vital.disk": beat.disk_percent,
        "vital.rtt": beat.backhaul_rtt_ms,
    }
    return [words.t(key, value=value) for key, value in told.items() if value is not None]


def gateway_sentence(
    words: Words, gateway: GatewayNow, communes: tuple[CommuneNow, ...], ticket: TicketView | None
) -> str:
    """Return what there is to know in one breath."""
    parts = [_state(words, gateway)]
    if gateway.state not in (GatewayState.SERVING, GatewayState.OUT):
        parts += [_commune(words, commune) for commune in communes]
    if ticket is not None:
        parts.append(_work(words, ticket))
    return " ".join(part for part in parts if part)


def _state(words: Words, gateway: GatewayNow) -> str:
    since, lasted = words.short(gateway.since_us), words.since(gateway.since_us)
    if gateway.state is GatewayState.OUT:
        return words.t("sentence.OUT")
    if gateway.state is GatewayState.SERVING:
        return words.t("sentence.SERVING", since=since, lasted=lasted)
    why = words.t(f"sentence.cause.{gateway.cause}")
    if gateway.state is GatewayState.DOWN and not gateway.proved and gateway.cause is Cause.UNKNOWN:
        why = words.t("sentence.silent")
    last = "" if gateway.last_word_us is None else words.short(gateway.last_word_us, seconds=True)
    key = f"sentence.{gateway.state}" if last else f"sentence.{gateway.state}.mute"
    return words.t(key, since=since, lasted=lasted, why=why, last=last)


def _commune(words: Words, commune: CommuneNow) -> str:
    if commune.state is CommuneState.LOST:
        return words.t("sentence.commune_lost", name=commune.name)
    if commune.serving:
        return words.t("sentence.commune_kept", name=commune.name, count=len(commune.serving))
    return ""


def _work(words: Words, shown: TicketView) -> str:
    ticket = shown.ticket
    if not ticket.working:
        return ""
    if ticket.on_site_at_us is not None:
        return words.t("sentence.on_site", since=words.short(ticket.on_site_at_us))
    due = words.short(shown.intervention.due_at_us)
    key = "sentence.due" if shown.intervention.left_us >= 0 else "sentence.overdue"
    return words.t(key, due=due, by=words.calm(-shown.intervention.left_us))

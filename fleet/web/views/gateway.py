"""One gateway's picture of states and its vital signs; pure."""

from agent.wire.messages import Heartbeat
from fleet.availability.communes import CommuneTimeline
from fleet.availability.timeline import Timeline as Line
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

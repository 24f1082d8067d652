"""Facts by hand, in seconds from ``T0``: short words for tests."""

from agent.wire.messages import Change, PreviousBoot, Radio, TimeQuality
from fleet.availability.timeline import timeline
from fleet.facts.model import (
    Commissioning,
    CommissioningKind,
    GatewayFacts,
    HeartbeatRun,
    JournalFact,
    Maintenance,
)
from fleet.facts.months import Window
from fleet.facts.settings import DEFAULTS

S = 1_000_000
T0 = 1_790_000_000 * S
EUI = "0016c001f12a3b4c"
ACCEPTED = Commissioning(id="a", eui=EUI, kind=CommissioningKind.ACCEPTED, at_us=0, who="x", recorded_at_us=0)


def run(start, first, last, journal=3, *, boot=1, up=True, radio=Radio.RECEIVING, trusted=True, spool=True):
    """A run of the boot that began at ``start``; a heartbeat every 30 s."""
    return HeartbeatRun(
        eui=EUI,
        boot=boot,
        first_seq=(first - start) // 30,
        last_seq=(last - start) // 30,
        first_uptime_ms=(first - start) * 1000,
        last_uptime_ms=(last - start) * 1000,
        first_at_us=T0 + first * S,
        last_at_us=T0 + last * S,
        interval_ms=30_000,
        journal_seq=journal,
        radio=radio,
        contractual="lns",
        lns_up=up,
        spool_accepting=spool,
        time_quality=TimeQuality.NTP if trusted else TimeQuality.UNTRUSTED,
        trusted=trusted,
        recorded_at_us=T0 + last * S,
    )


def record(start, number, at, change, value="", *, boot=1, subject="", since=None, previous=None, **more):
    """A record of that boot; ``clock`` is what its own clock said, in seconds from T0."""
    names = {Change.RADIO: "radio", Change.CONNECTOR: "lns", Change.SPOOL: "spool"}
    return JournalFact(
        eui=EUI,
        boot=boot,
        journal_seq=number,
        uptime_ms=(at - start) * 1000,
        at_us=T0 + more.pop("clock", at) * S,
        time_quality=more.pop("quality", TimeQuality.NTP),
        change=change,
        subject=subject or names.get(change, "agent"),
        value=value,
        reason=more.pop("reason", ""),
        since_ms=None if since is None else (since - start) * 1000,
        previous=previous,
        recorded_at_us=T0 + at * S,
    )


def boot_records(start, *, boot=1, previous=None):
    """BOOT, RADIO, CONNECTOR in the first nine seconds."""
    return [
        record(start, 1, start, Change.BOOT, "STARTED", boot=boot, previous=previous),
        record(start, 2, start + 8, Change.RADIO, "RECEIVING", boot=boot),
        record(start, 3, start + 9, Change.CONNECTOR, "UP", boot=boot),
    ]


def last_alive(start, at, *, boot=1, clean=False, journal=3):
    return PreviousBoot(boot, (at - start) * 1000, T0 + at * S, TimeQuality.NTP, clean, journal)


def maintenance(start, end, *, ahead_h=100, id_="m", **more):
    announced_us = T0 + start * S - ahead_h * 3600 * S
    return Maintenance(
        id=id_,
        euis=(EUI,),
        start_us=T0 + start * S,
        end_us=T0 + end * S,
        announced_at_us=announced_us,
        approved_by=more.pop("approved_by", "x"),
        recorded_at_us=more.pop("recorded", announced_us),
        **more,
    )


def spans_of(runs, journal=(), *, until=3600, now=100_000, blindness=(), settings=DEFAULTS, **more):
    """(start, end, state, cause, proved) in seconds over [0, until)."""
    facts = GatewayFacts(
        eui=EUI,
        runs=tuple(runs),
        journal=tuple(journal),
        commissioning=more.pop("commissioning", (ACCEPTED,)),
        **more,
    )
    line = timeline(facts, blindness, Window(T0, T0 + until * S), settings, T0 + now * S)
    return [
        ((s.start_us - T0) / S, (s.end_us - T0) / S, str(s.state), str(s.cause), s.proved) for s in line.spans
    ]


def states(*args, **more):
    """The same without cause and proof, neighbours joined."""
    joined = []
    for start, end, state, _, _ in spans_of(*args, **more):
        if joined and joined[-1][2] == state:
            joined[-1] = (joined[-1][0], end, state)
        else:
            joined.append((start, end, state))
    return joined

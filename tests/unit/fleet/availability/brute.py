"""The contract read a second time, instant by instant, with nothing of the package but its facts.

For an instant it looks at every heartbeat and record by itself, straight from the definitions; no interval
arithmetic, no sweep.  It believes the clocks (facts must be ``trusted``), which is how the tests make them.
"""

from agent.wire.messages import Change, Radio
from fleet.availability.facts import CommissioningKind
from fleet.availability.states import CommuneState, GatewayState

S = GatewayState


class Brute:
    def __init__(self, facts, blindness, settings, now):
        self.facts, self.settings, self.now = facts, settings, now
        self.blind = [
            (b.start_us, 1 << 62 if b.end_us is None else b.end_us + settings.blindness_tail_us)
            for b in blindness
        ]
        self.boots = {}
        for run in facts.runs:
            boot = self.boots.setdefault(run.boot, {"beats": {}, "records": {}, "end": None})
            for seq in range(run.first_seq, run.last_seq + 1):
                steps = run.last_seq - run.first_seq or 1
                k = seq - run.first_seq
                up = run.first_uptime_ms + (run.last_uptime_ms - run.first_uptime_ms) * k // steps
                at = run.first_at_us + (run.last_at_us - run.first_at_us) * k // steps
                boot["beats"][seq] = (at, up, run)
        for record in facts.journal:
            if record.boot in self.boots:
                self.boots[record.boot]["records"][record.journal_seq] = record
        for number, boot in self.boots.items():
            first = boot["records"].get(1)
            if first is not None and first.change is Change.BOOT:
                boot["start"] = first.at_us - first.uptime_ms * 1000
                previous = first.previous
                if previous is not None and previous.boot in self.boots:
                    self.boots[previous.boot]["end"] = previous
                    self.boots[previous.boot]["next"] = number
            else:
                at, up, _ = boot["beats"][min(boot["beats"])]
                boot["start"] = at - up * 1000
        order = sorted(self.boots, key=lambda n: self.boots[n]["start"])
        for number, after in zip(order, order[1:]):
            boot = self.boots[number]
            if "next" not in boot and self._stopped(boot):
                boot["next"] = after
        self.points = {number: self._proofs(boot) for number, boot in self.boots.items()}

    @staticmethod
    def _stopped(boot):
        newest = max(boot["records"], default=0)
        beats = max((run.journal_seq for _, _, run in boot["beats"].values()), default=0)
        return newest >= beats and newest and boot["records"][newest].change is Change.STOP

    def _proofs(self, boot):
        """Every instant at which this boot was alive."""
        ats = [at for at, _, _ in boot["beats"].values()] + [r.at_us for r in boot["records"].values()]
        if boot["end"] is not None:
            ats.append(boot["end"].at_us)
        return sorted(ats)

    def edges(self):
        out = {self.now}
        for number, boot in self.boots.items():
            out.update(self.points[number])
            out.add(boot["start"])
            for r in boot["records"].values():
                if r.since_ms is not None:
                    out.add(r.at_us - (r.uptime_ms - r.since_ms) * 1000)
        out.update(e for pair in self.blind for e in pair)
        out.update(c.at_us for c in self.facts.commissioning)
        for m in self.facts.maintenances:
            out.update((m.start_us, m.end_us))
        return out

    def partition(self, start, end):
        end = min(end, self.now)
        cuts = sorted({start, end} | {e for e in self.edges() if start < e < end})
        spans = []
        for a, b in zip(cuts, cuts[1:]):
            what = self.state(a)
            if spans and spans[-1][2] == what:
                spans[-1] = (spans[-1][0], b, what)
            else:
                spans.append((a, b, what))
        return spans

    def state(self, t):
        """(state, proved) at an instant: the first of the list that matches."""
        if not self.accepted(t):
            return S.OUT, True
        alive = sum(p[0] <= t < p[-1] for p in self.points.values() if p)
        two = alive > 1
        told = self.told(t)
        if told is S.SERVING and not two:
            return S.SERVING, True
        if self.maintained(t):
            return S.MAINTENANCE, True
        if told is S.BUFFERING and not two:
            return S.BUFFERING, True
        if told is not None or two or self.dead(t):
            return S.DOWN, True
        if any(a <= t < b for a, b in self.blind):
            return S.UNKNOWN, True
        return S.DOWN, False

    def accepted(self, t):
        on = False
        for c in sorted(self.facts.commissioning, key=lambda c: c.at_us):
            if c.at_us <= t:
                on = c.kind is CommissioningKind.ACCEPTED
        return on

    def maintained(self, t):
        return any(
            m.start_us <= t < m.end_us
            and m.approved_by
            and m.start_us - m.announced_at_us >= self.settings.maintenance_notice_us
            for m in self.facts.maintenances
        )

    def dead(self, t):
        for number, boot in self.boots.items():
            last = self.points[number][-1]
            if "next" in boot and last <= t < self.boots[boot["next"]]["start"]:
                return True
            later = [b["start"] for b in self.boots.values() if b["start"] > boot["start"]]
            if "next" not in boot and self._stopped(boot) and last <= t < min(later, default=1 << 62):
                return True
        return False

    def told(self, t):
        """The state that journal and heartbeats prove at t; None: nothing proved."""
        found = [
            one for number, boot in self.boots.items() if (one := self._told_by(boot, self.points[number], t))
        ]
        if found:
            return min(found, key=[S.SERVING, S.BUFFERING, S.DOWN].index)
        newest = max((p[-1] for p in self.points.values()), default=None)
        if (
            newest is None
            or not newest <= t < self.now
            or self.now - newest >= self.settings.silence_confirmed_us
        ):
            return None
        last = max(self.points, key=lambda n: (self.points[n][-1], self.boots[n]["start"]))
        return self._told_by(self.boots[last], self.points[last], newest, at_last=True)

    def _told_by(self, boot, proofs, t, at_last=False):
        if not at_last and not (boot["start"] <= t < proofs[-1]):
            return None
        records = boot["records"]
        before = [(run.journal_seq, at, seq) for seq, (at, _, run) in boot["beats"].items() if at <= t]
        after = [(at, run.journal_seq, seq) for seq, (at, _, run) in boot["beats"].items() if at > t]
        opened = max(before, default=None)
        closed = min(after, default=None)
        low = opened[0] if opened else 0
        if at_last:
            high = max([low, *records])
            if any(n not in records for n in range(low + 1, high + 1)):
                return None
            if self._stopped(boot):
                return None
        elif closed is not None:
            high = closed[1]
            if any(n not in records for n in range(low + 1, high + 1)):
                return None
            if opened and not self._regular(boot, opened[2], closed[2]):
                return None
        elif boot["end"] is not None and t < boot["end"].at_us:
            high = boot["end"].journal_seq
            if high == 0 or any(n not in records for n in range(low + 1, high + 1)):
                return None
        else:
            high = low
            while high + 1 in records:
                high += 1
            if boot["end"] is not None and low <= boot["end"].journal_seq:
                low_needed = range(low + 1, boot["end"].journal_seq + 1)
                if boot["end"].journal_seq == 0 or any(n not in records for n in low_needed):
                    return None
            if high == low or records[high].at_us <= t:
                return None
        if not opened and (1 not in records or records[1].change is not Change.BOOT):
            return None
        if opened:
            beat = boot["beats"][opened[2]][2]
            radio, lns, spool = beat.radio, beat.lns_up, beat.spool_accepting
        else:
            radio, lns, spool = Radio.OFF, False, True
        for n in range(low + 1, high + 1):
            r = records[n]
            if r.at_us <= t:
                if r.change is Change.RADIO:
                    radio = Radio[r.value]
                elif r.change is Change.CONNECTOR and r.subject == "lns":
                    lns = r.value == "UP"
                elif r.change is Change.SPOOL:
                    spool = r.value == "ACCEPTING"
                elif r.change is Change.STOP:
                    radio = Radio.OFF
        for r in records.values():
            if r.since_ms is None:
                continue
            if r.at_us - (r.uptime_ms - r.since_ms) * 1000 <= t < r.at_us:
                if r.change is Change.RADIO and r.value != "RECEIVING" and radio is Radio.RECEIVING:
                    radio = Radio[r.value]
                if r.change is Change.CONNECTOR and r.value != "UP":
                    lns = False
        if radio is not Radio.RECEIVING:
            return S.DOWN
        if lns:
            return S.SERVING
        return S.BUFFERING if spool else S.DOWN

    def _regular(self, boot, first, last):
        beats = boot["beats"]
        run = beats[first][2]
        if all(seq in beats for seq in range(first, last)):
            return True
        waited = beats[last][1] - beats[first][1]
        return abs(waited - (last - first) * run.interval_ms) <= self.settings.bridging_tolerance_ms


def commune(states):
    """The state of a commune from its members' states, as the page lists them."""
    counting = [s for s in states if s is not S.OUT]
    if not counting:
        return CommuneState.NOT_COVERED
    for wanted, gives in (
        (S.SERVING, CommuneState.SERVED),
        (S.UNKNOWN, CommuneState.UNKNOWN),
        (S.MAINTENANCE, CommuneState.EXCLUDED),
    ):
        if wanted in counting:
            return gives
    return CommuneState.LOST

"""Recompute a closed month of Passerelle with nothing but Python 3.11: python recompute.py faits.ndjson
Rules: docs/disponibilite.md (§); no line is shared with what this checks.  Spans are [start, end) in microseconds."""
import hashlib, json, sys; from collections import defaultdict; from datetime import datetime
from itertools import accumulate, pairwise, takewhile; from zoneinfo import ZoneInfo
CODE, SPLIT_US, FOREVER_US, NEVER, EVER = "passerelle availability 4", 300_000_000, 1 << 62, (0, 0), (1 << 62, 0)
BOOT, RADIO, CONNECTOR, SPOOL, STOP, RECEIVING, NTP, GNSS = 1, 2, 3, 6, 9, 1, 1, 2
EVIDENCE = ("run", "journal", "delivered", "commissioning", "statement", "maintenance"); PARIS = ZoneInfo("Europe/Paris")
COMMUNE = {"SERVING": "SERVED", "UNKNOWN": "UNKNOWN", "MAINTENANCE": "EXCLUDED", "LOST": "LOST"}
def deeper(depth, spans):  # the instants that more than `depth` spans share, sorted, neighbours joined
    found, level = [], 0
    for at, step in sorted((at, step) for a, b in spans if a < b for at, step in ((a, 1), (b, -1))):
        if level == depth and step > 0: found.append([found.pop()[0] if found and found[-1][1] == at else at, at])
        elif level == depth + 1 and step < 0: found[-1][1] = at
        level += step
    return [(a, b) for a, b in found]
def both(left, right): return deeper(1, [*deeper(0, left), *deeper(0, right)])
def without(left, right): return both(left, [(a, b) for (_, a), (b, _) in pairwise([NEVER, *deeper(0, right), EVER])])
def total(spans): return sum(b - a for a, b in spans)
def beats_of(runs):  # §1 « Horloge »: both ends of each run of heartbeats, each heartbeat once, in order of uptime
    runs = sorted(runs, key=lambda run: (run["last_seq"], run["trusted"], -run["first_at_us"]))
    kept = {(r[f"{e}_uptime_ms"], r[f"{e}_seq"]): (r, r[f"{e}_at_us"]) for r in runs for e in ("first", "last")}
    return [{**run, "kind": "beat", "at": at, "up": up, "seq": seq, "n": run["journal_seq"]}
            for (up, seq), (run, at) in sorted(kept.items(), key=lambda item: item[0])]
def began(p): return p["at"] - p["up"] * 1000
def order(p): return p["n"], p["kind"] != "record", p["up"], p["seq"]
def forward(points): return [{**p, "at": at} for p, at in zip(points, accumulate((p["at"] for p in points), max))]
def by_uptime(up, beats):  # the neighbours of an uptime, and where it lies between or beside them
    near = [p for p in beats if p["up"] <= up][-1:] + [p for p in beats if p["up"] > up][:1]
    if len(near) < 2: return near, near[0]["at"] + (up - near[0]["up"]) * 1000 if near else None
    a, b = near; return near, a["at"] + (b["at"] - a["at"]) * (up - a["up"]) // (b["up"] - a["up"])
def heard_at(p, beats, s):  # when a heartbeat of a clock that is not believed was sent
    near, at = by_uptime(p["up"], [q for q in beats if q["trusted"]])
    if len(near) == 2: return min(p["at"], at)
    side = (p["up"] > near[0]["up"]) - (p["up"] < near[0]["up"]) if near else 0  # of the only neighbour, if any
    alone = [q for q in beats if not q["trusted"] and (not side or (q["up"] - near[0]["up"]) * side >= 0)]
    heard = min(q["at"] * 1000 + (p["up"] - q["up"]) * 1_000_000 + abs(p["up"] - q["up"]) * 100 for q in alone) // 1000
    return min(heard, at) if any(abs(p["up"] - q["up"]) * 100 // 1000 <= s["time_agreement_us"] for q in near) else heard
def claimed(stamp, beats, s):  # when something happened that a gateway dates itself
    near, at = by_uptime(stamp["uptime_ms"], beats)
    limit = s["time_agreement_us"] + min(abs(p["up"] - stamp["uptime_ms"]) for p in near) * 100 // 1000
    believed = stamp["time_quality"] in (NTP, GNSS) and any(p["trusted"] for p in near)
    return stamp["at_us"] if believed and abs(stamp["at_us"] - at) <= limit else at
def lives_of(runs, journal, s):  # §1, §2.5: what one box did in one boot; one boot with two starts is two boxes
    found = []
    for boot in {run["boot"] for run in runs}:
        beats = sorted(beats_of([run for run in runs if run["boot"] == boot]), key=began)
        cuts = [i for i, p in enumerate(beats) if not i or began(p) - began(beats[i - 1]) > SPLIT_US]
        boxes = [sorted(beats[a:b], key=lambda p: (p["up"], p["seq"])) for a, b in pairwise([*cuts, len(beats)])]
        mine = [(r, r["at_us"] - r["uptime_ms"] * 1000) for r in journal if r["boot"] == boot]
        mine = [(r, min(boxes, key=lambda box: abs(began(box[0]) - us))) for r, us in mine]
        found += [life_of(boot, box, [r for r, nearest in mine if nearest is box], s) for box in boxes]
    return sorted(found, key=lambda life: (life["start"], life["boot"]))
def life_of(boot, beats, records, s):
    beats = forward([p if p["trusted"] else {**p, "at": heard_at(p, beats, s)} for p in beats])
    more = [{**r, "kind": "record", "at": claimed(r, beats, s), "up": r["uptime_ms"], "seq": 0,
             "n": r["journal_seq"]} for r in records]
    name, first = beats[0]["contractual"], [r for r in more if r["change"] == BOOT]
    for p in (points := forward(sorted([*beats, *more], key=order))): name = p.setdefault("contractual", name)
    last = dict(zip("boot uptime_ms at_us time_quality clean n".split(), first[0]["previous"] or () if first else ()))
    return {"boot": boot, "start": began((first or beats)[0]), "beats": beats, "points": points, "names": last}
def deaths(lives, s):  # when lives were dead; lengthens each life to the last time alive that a later start names
    ends, never = {}, {"start": FOREVER_US}
    for i, (life, last) in enumerate([(life, life["names"]) for life in lives]):
        for j in [j for j in range(i) if lives[j]["boot"] == last.get("boot")][-1:]:
            dead, ends[j], up = lives[j], life["start"], last["uptime_ms"]
            p = {"kind": "alive", "at": claimed(last, dead["beats"], s), "up": up, "seq": 0, "n": last["n"]}
            if up > dead["beats"][-1]["up"] and (p["n"] or p["at"] > dead["points"][-1]["at"]):
                dead["points"] = forward(sorted([*dead["points"], p], key=order)) if p["n"] else [*dead["points"], p]
    over = [any(p.get("change") == STOP for p in a["points"][-2:]) * b["start"] for a, b in pairwise([*lives, never])]
    return [(life["points"][-1]["at"], ends.get(i, over[i])) for i, life in enumerate(lives)]
def complete(here, gap, p, covered, s):  # §1 « Pont »: whether nothing can be missing between two points
    if len(gap) != p["n"] - here["n"] or any(r["n"] != here["n"] + i for i, r in enumerate(gap, 1)): return False
    if p["kind"] == "alive" or here["kind"] != "beat": return p["n"] > 0 or p["kind"] == "beat"
    steps = p["seq"] - here["seq"]; off_ms = abs(p["up"] - here["up"] - steps * p["interval_ms"])
    regular = here["interval_ms"] == p["interval_ms"] and off_ms <= s["bridging_tolerance_ms"]
    return steps == 1 or (steps > 0 and (regular or p["seq"] <= covered))
def after(state, p):  # §2: (radio receives, LNS answers, memory accepts) after a point; None: not known
    if p["kind"] == "beat": return p["radio"] == RECEIVING, p["lns_up"], p["spool_accepting"]
    if state is None or p["kind"] == "alive": return state
    radio, lns, spool = (False, False, True) if p["change"] == BOOT else state
    radio = p["change"] == RADIO and p["value"] == "RECEIVING" if p["change"] in (RADIO, STOP) else radio
    lns = p["value"] == "UP" if p["change"] == CONNECTOR and p["subject"] == p["contractual"] else lns
    return radio, lns, p["value"] == "ACCEPTING" if p["change"] == SPOOL else spool
def pieces_of(life, s):  # the stretches that are proved, each with its state
    here, state, gap, covered, points = None, None, [], -1, [*life["points"], {"kind": "end"}]
    if points[0].get("change") == BOOT:
        here, state = points.pop(0), (False, False, True); yield life["start"], here["at"], state
    for p in points:
        gap.append(p)
        if p["kind"] == "record": continue
        if p["kind"] == "end":
            gap = [r for _, r in takewhile(lambda one: one[1]["n"] == here["n"] + one[0], enumerate(gap[:-1], 1))]
        elif not here or not complete(here, gap[:-1], p, covered, s):
            here, state, gap = p, None, [p]
        for q in gap:
            if state and here["at"] < q["at"]: yield here["at"], q["at"], state
            here, state = q, after(state, q)
        gap, covered = [], max(covered, p.get("last_seq", -1))
def losses_of(life, change, good):  # losses of radio or LNS that were noticed later than they began
    mine = [p for p in life["points"] if p.get("change") == change and p["since_ms"] is not None]
    return [(p["at"] - (p["up"] - p["since_ms"]) * 1000, p["at"]) for p in mine if p["value"] != good
            and p["since_ms"] < p["up"] and (change == RADIO or p["subject"] == p["contractual"])]
def newest(facts):  # §1: of two facts of one id the one recorded last counts, if it takes nothing back
    kept = {f["id"]: f for f in sorted(facts, key=lambda f: (f["recorded_at_us"], back(f)))}
    return [kept[key] for key in sorted(kept) if not back(kept[key])]
def back(fact): return fact.get("withdrawn", False) or fact.get("void", False)
def timely(works, s):  # §5: approved and recorded early enough; what was typed as the announcement says nothing
    return [w for w in works if w["approved_by"] and not back(w)
            and w["recorded_at_us"] + s["maintenance_notice_us"] <= w["start_us"]]
def taken_back(works, one): return [w["recorded_at_us"] for w in works if w["id"] == one["id"] and back(w)]
def excused(works, s):  # the part of each window that was announced in time and not taken back since
    for one in newest(works):
        since = max(taken_back(works, one), default=-FOREVER_US)
        mine = [w for w in timely(works, s) if w["id"] == one["id"] and w["recorded_at_us"] > since]
        yield from both([(one["start_us"], one["end_us"])], [(w["start_us"], w["end_us"]) for w in mine])
def first_us(year, month): return int(datetime(year + month // 13, month % 13 or 1, 1, tzinfo=PARIS).timestamp()) * 10**6
def capped(spans, *caps):  # §5: what lies, in order of time, within the cap of its year and that of its month (Paris)
    used, found = defaultdict(int), []
    for a, b in spans:
        while a < b:
            day = datetime.fromtimestamp(a // 10**6, PARIS)
            keys, end = (day.year, (day.year, day.month)), min(b, first_us(day.year, day.month + 1))
            until = min(end, a + min(cap - used[key] for key, cap in zip(keys, caps)))
            used.update({key: used[key] + until - a for key in keys}); found.append((a, until)); a = end
    return deeper(0, found)
def allowance(euis, works, s):  # §5: when works may exclude time of a commune: what was announced weighs, not what was used
    mine = [w for w in works if euis & {*w["euis"]}]
    begun = [(w["start_us"], w["end_us"]) for w in timely(mine, s)
             if all(not w["recorded_at_us"] < us <= w["start_us"] for us in taken_back(mine, w))]
    return capped(deeper(0, begun), s["maintenance_year_cap_us"], s["maintenance_cap_us"])
def edges_of(facts, s):  # §5: acceptances count from their record on, withdrawals after their notice
    kept = []
    for f in sorted(facts, key=lambda f: (f["recorded_at_us"], f["at_us"], f["kind"] != "accepted", f["id"])):
        counts = (f["kind"] == "accepted") != f["void"]
        agreed = counts or (f["reason"] and f["second"] not in ("", f["who"]))
        known = f["recorded_at_us"] + (0 if agreed else s["withdrawal_notice_us"])
        at = max(known, known if f["void"] else f["at_us"])
        kept = [*(one for one in kept if one[1] or one[0] < at or not counts), (at, counts)]
    return [*sorted(kept), (FOREVER_US, False)]
def gateway(eui, facts, start, end, s):  # §2: the first state that matches, at every instant
    mine = {kind: [f for f in group if eui in (f.get("eui"), *f.get("euis", ()))] for kind, group in facts.items()}
    down, window = deaths(lives := lives_of(mine["run"], mine["journal"], s), s), [(start, end)]; serving, buffering = [], []
    for life in lives:
        pieces = list(pieces_of(life, s))
        radio, lns, spool = ([(a, b) for a, b, state in pieces if state[i]] for i in range(3))
        radio, lns = without(radio, losses_of(life, RADIO, "RECEIVING")), without(lns, losses_of(life, CONNECTOR, "UP"))
        serving += (good := both(radio, lns)); buffering += (kept := both(without(radio, lns), spool))
        down += without([(a, b) for a, b, _ in pieces], good + kept)
    two = deeper(1, [(life["points"][0]["at"], life["points"][-1]["at"]) for life in lives])
    two = [(a, b) for a, b in two if b - a > s["two_boxes_overlap_us"]]
    blind = [(f["start_us"], FOREVER_US if f["end_us"] is None else f["end_us"] + s["blindness_tail_us"])
             for f in newest(facts["blindness"]) if not f["euis"] or eui in f["euis"]]
    deployed = [(a, b) for (a, counts), (b, _) in pairwise(edges_of(mine["commissioning"], s)) if counts]
    layers = (("OUT", without(window, deployed)), ("SERVING", without(serving, two)),
              ("MAINTENANCE", [*excused(mine["maintenance"], s)]), ("BUFFERING", without(buffering, two)),
              ("DOWN", two + down), ("UNKNOWN", blind), ("DOWN", window))
    free, states = window, {name: [] for name, _ in layers}
    for name, spans in layers:
        states[name], free = deeper(0, [*states[name], *both(free, spans)]), without(free, spans)
    return states
def commune(members, states, works, start, end, s):  # §3, §5: its states, and for how long fewer than two served
    some, found, free = defaultdict(list), {}, [(start, end)]
    for eui in states:
        valid = [(m["valid_from_us"], m["valid_to_us"] or end) for m in members if m["eui"] == eui]
        for name, spans in states[eui].items():
            some["LOST" if name in ("DOWN", "BUFFERING") else name] += both(spans, valid)
    for name in ("LOST", *[*COMMUNE][1:3], "SERVING") if s["serving"] == "all" else COMMUNE:
        found[COMMUNE[name]], free = both(free, some[name]), without(free, some[name])
    allowed = allowance({m["eui"] for m in members}, works, s)
    over, found["EXCLUDED"] = without(found["EXCLUDED"], allowed), both(found["EXCLUDED"], allowed)
    found["LOST"] = deeper(0, found["LOST"] + over)
    return {**found, "NOT_COVERED": free}, total(without([(start, end)], deeper(1, some["SERVING"])))
def verdict(served, charged, objective_ppm):  # §6
    met = served * 1_000_000 >= objective_ppm * (served + charged) if served + charged else None
    return {"served": served, "charged": charged, "met": met}
def figures(header, lines):  # what is printed: hash, states, figures; not why something failed, or who answers for it
    facts = defaultdict(list)
    for fact in map(json.loads, lines): facts[fact["type"]].append(fact)
    if header["code"] != CODE or {"sensors", "end_to_end"} & {facts["settings"][0].get(k) for k in ("serving", "lns_proof")}:
        sys.exit(f"this reads {CODE!r}, no serving = sensors, no lns_proof = end_to_end; the file was made by {header['code']!r}")
    (s,), (year, month) = facts["settings"], map(int, header["month"].split("-"))
    start = first_us(year, month); end = max(start, min(first_us(year, month + 1), header["as_of_us"]))
    head = "{format} {version}\n{code}\n{month} {as_of_us}\n".format(**header).encode()
    euis = {eui for kind in EVIDENCE for f in facts[kind] for eui in f.get("euis") or [f["eui"]]}
    states = {eui: gateway(eui, facts, start, end, s) for eui in sorted(euis)}
    weights = {card["insee"]: 1 if s["weight"] == "equal" else card[s["weight"]] for card in facts["commune"]}
    works, members, found = facts["maintenance"], [m for m in newest(facts["membership"]) if m["approved_by"]], []
    for insee in sorted({*weights, *(m["commune_insee"] for m in members)}):
        spans, below_two_us = commune([m for m in members if m["commune_insee"] == insee], states, works, start, end, s)
        us = {name: total(group) for name, group in spans.items()}
        charged = us["LOST"] + s["unknown_is_charged"] * us["UNKNOWN"]
        found.append({"insee": insee, "weight": weights.get(insee, 0), "by_state_us": us, "outages": len(spans["LOST"]),
                      "below_two_us": below_two_us, **verdict(us["SERVED"], charged, s["objective_commune_ppm"])})
    whole = (sum(one["weight"] * one[name] for one in found) for name in ("served", "charged"))
    return {"hash": hashlib.sha256(b"".join([head, *lines])).hexdigest(),
            "whole": verdict(*whole, s["objective_global_ppm"]), "communes": found, "gateways": [
                {"eui": eui, "by_state_us": {name: total(us) for name, us in states[eui].items()}} for eui in states]}
if __name__ == "__main__":
    head, *lines = filter(bytes.strip, open(sys.argv[1], "rb"))
    print(json.dumps(figures(json.loads(head), sorted(set(lines))), indent=1))

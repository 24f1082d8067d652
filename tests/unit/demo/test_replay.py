"""A replay ends with a balance, whatever the chips did not hear and whatever never arrived."""

import asyncio
import base64
import json
from collections import Counter
from pathlib import Path
from typing import cast

from demo.lns.core import Lns
from demo.options import Options
from demo.replay import BURST_FRAMES, Replay
from demo.rig import Rig
from hal.twin.rf_event import ReceptionVerdict, RfEvent

HEARD, SENDING = ReceptionVerdict.HEARD, ReceptionVerdict.HALF_DUPLEX


class Gateway:
    """A gateway of which the LNS gets what its chip heard, at once; some of it never."""

    fifo_free_bytes = 4_096

    def __init__(self, lns: Lns, verdicts: list[ReceptionVerdict], lost: set[int]) -> None:
        self.eui = self.name = "0016c001f1000001"
        self.chip = self
        self.lns, self.verdicts, self.lost = lns, verdicts, lost
        self.count = 0

    def inject(self, event: RfEvent) -> ReceptionVerdict:
        verdict = self.verdicts[self.count]
        if verdict is HEARD and self.count not in self.lost:
            self.lns.deliveries[self.eui] += 1
            self.lns.delivered.append((self.eui, event.payload))
        self.count += 1
        return verdict


def played(folder: Path, verdicts: list[ReceptionVerdict], lost: set[int]) -> Replay:
    path = folder / "frames.ndjson"
    receptions = [
        {"ts": number, "gw": "a", "freq": 868.3, "datr": "SF7BW125", "rssi": -90, "snr": 5}
        | {"phy": base64.b64encode(number.to_bytes(8, "big")).decode()}
        for number in range(len(verdicts))
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in receptions))
    lns = Lns(keep_deliveries=True)
    rig = cast(Rig, Gateway(lns, verdicts, lost))
    options = Options(folder=folder, frames=path, speed=None)
    limits = {"stuck_limit_s": 0.05, "settle_limit_s": 0.05}
    replay = Replay(rigs=[rig], lns=lns, options=options, say=lambda _text: None, **limits)
    asyncio.run(replay.play())
    return replay


def test_what_the_chip_does_not_hear_is_counted_by_reason_and_waited_for_by_nobody(tmp_path: Path) -> None:
    verdicts = [SENDING if number % 5 == 0 else HEARD for number in range(4 * BURST_FRAMES)]
    (counts,) = played(tmp_path, verdicts, set()).report({}).gateways
    unheard = Counter(verdicts)[SENDING]
    assert counts.unheard == {"half_duplex": unheard}
    assert (counts.sent, counts.heard) == (len(verdicts), len(verdicts) - unheard)
    assert (counts.delivered, counts.lost) == (counts.heard, 0)


def test_what_never_arrives_is_lost_and_the_rest_goes_on(tmp_path: Path) -> None:
    report = played(tmp_path, [HEARD] * (3 * BURST_FRAMES + 1), {3, BURST_FRAMES + 1}).report({})
    (counts,) = report.gateways
    assert (counts.sent, counts.delivered, counts.lost) == (3 * BURST_FRAMES + 1, 3 * BURST_FRAMES - 1, 2)
    assert json.loads(report.as_json())["lost"] == 2
    assert "perdues" in report.as_table("fr")


def test_a_replay_that_played_nothing_or_lost_something_is_not_whole(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert played(tmp_path, [HEARD] * BURST_FRAMES, set()).report({}).whole
    assert not played(tmp_path / "one", [], set()).report({}).whole
    assert not played(tmp_path / "two", [HEARD] * BURST_FRAMES, {3}).report({}).whole

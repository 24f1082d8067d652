"""The tables of ``make judge`` with the small ChirpStack are held to the promises of docs/lns.md."""

import asyncio
from pathlib import Path

import pytest

from tests.judge.__main__ import PATHS, Away, judge
from tests.judge.overlap import overlap
from tests.judge.refusals import CASES, refusal

pytestmark = pytest.mark.soak
CUT_S = 60.0
"""For ten minutes of a cut: what counts is how many frames wait, here 300."""


@pytest.mark.parametrize(("away", "away_s"), [("chirpstack", 60.0), ("broker", 30.0)])
def test_mqtt_loses_nothing_while_a_server_is_away(away: Away, away_s: float, tmp_path: Path) -> None:
    row = asyncio.run(judge(PATHS[0], away, away_s, tmp_path, None))
    print(row)
    assert (row.lost, row.repeated, row.lns_down) == (0, 0, True)


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_is_told_within_ten_seconds_and_every_frame_is_held(case: str, tmp_path: Path) -> None:
    row = asyncio.run(refusal(case, tmp_path, None))
    print(row.line())
    assert row.kept


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("policy", ["replay", "spare_delivered", "record_only"])
def test_what_overlap_ends_with_by_policy(policy: str, skip: bool, tmp_path: Path) -> None:
    row = asyncio.run(overlap(None, policy, tmp_path, skip=skip, cut_s=CUT_S))
    print(row.line())
    if policy == "spare_delivered":
        assert row.doubled == 0
        assert row.alone_published == (row.alone if skip else 0)
        assert row.spared >= (row.heard - row.alone) // 2
    if policy == "replay" and skip:
        assert row.doubled > 0, "without the policy an application gets frames twice"
